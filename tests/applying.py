"""Applications for tests: registered, and with a token as if a person had consented."""

from datetime import timedelta

from allauth.idp.oidc.models import Token
from django.utils import timezone

from kevre.rights import application as applications
from kevre.rights.models import Application


def registered(kind, owner):
    wanted = Application(
        kind=kind, page="https://a.example/", purpose="p", finest="P1D", lasts_days=30,
        back_days=400, per_minute=0,
    )  # fmt: skip
    applications.register(owner, wanted, kind, ["https://a.example/back"], timezone.now())
    return wanted


def token(asking, account):
    made = Token(
        type=Token.Type.ACCESS_TOKEN,
        client=asking.client,
        user=account,
        expires_at=timezone.now() + timedelta(hours=1),
    )
    made.set_value(f"secret-{asking.kind}")
    made.set_scopes(["readings:P1D"])
    made.save()
    return f"secret-{asking.kind}"
