"""Applications: programs of others that ask people for their readings, each with one purpose.

Its OAuth 2 client is allauth's, which keeps secrets and tokens as digests alone. At the gate an
application is a party of its own: what it reads is what its grants say, whatever a token says.
"""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta

from allauth.idp.oidc.models import Client, Token
from django.db import models, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from kevre.model.errors import Conflict, Refused
from kevre.model.step import Resolution
from kevre.places.party import Party, PartyKind
from kevre.rights import role
from kevre.rights.account import Account
from kevre.rights.role import Power

SCOPE = "readings"
DEFAULT_PER_MINUTE = 120
_USES_KEPT = timedelta(days=400)


class Kind(models.TextChoices):
    """Who gives access to an application."""

    PERSON = "person", _("A person, in a browser; the program can keep a secret")
    PUBLIC = "public", _("A person, by an app or a page that cannot keep a secret")
    SERVICE = "service", _("An organisation, by a service of its own without a browser")


class Application(models.Model):
    """What an application is, and all that it will ever ask for."""

    party = models.OneToOneField(Party, on_delete=models.PROTECT, related_name="application")
    client = models.OneToOneField(Client, on_delete=models.PROTECT, related_name="application")
    owner = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="applications")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    page = models.URLField(max_length=200, help_text=_("Where people read about it"))
    purpose = models.CharField(max_length=120)
    prefixes = models.JSONField(default=list, blank=True)
    finest = models.CharField(max_length=8, choices=[(one.value, one.name) for one in Resolution])
    lasts_days = models.PositiveIntegerField()
    back_days = models.PositiveIntegerField(default=0)
    per_minute = models.PositiveIntegerField(default=DEFAULT_PER_MINUTE)
    hook_url = models.URLField(max_length=300, blank=True)
    registered_at = models.DateTimeField()
    blocked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ("party__name",)

    def __str__(self) -> str:
        return self.party.name

    @property
    def paths(self) -> tuple[str, ...]:
        """Give the beginnings of the paths that it asks for; one empty text for all."""
        return tuple(self.prefixes) or ("",)

    @property
    def resolutions(self) -> tuple[Resolution, ...]:
        """Give the resolutions that it may be given: the one it asks for, and coarser ones."""
        least_s = Resolution(self.finest).least_s
        return tuple(one for one in Resolution if one.least_s >= least_s)


class Use(models.Model):
    """How often an application asked on one day, and how often it was refused."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="uses")
    day = models.DateField()
    asked = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("use of an application")
        verbose_name_plural = _("uses of applications")
        ordering = ("-day",)
        constraints = (models.UniqueConstraint(fields=("application", "day"), name="use_once"),)

    def __str__(self) -> str:
        return f"{self.application_id} · {self.day}"


def scope(resolution: Resolution) -> str:
    """Name the scope that reads as finely as this."""
    return f"{SCOPE}:{resolution}"


def resolution_of(named: str) -> Resolution:
    """Give the resolution that a scope names.

    Raises:
        Refused: it is no scope of readings.
    """
    try:
        return Resolution(named.removeprefix(f"{SCOPE}:"))
    except ValueError as error:
        raise Refused("application.scope", "this is no scope of readings") from error


def register(
    owner: Account, wanted: Application, name: str, redirects: list[str], now: datetime
) -> str:
    """Register an application; give its secret, which is shown once, or nothing if it has none.

    Args:
        owner: who answers for it.
        wanted: what it is and asks for, not saved yet.
        name: as people read it.
        redirects: where people are sent back.
        now: of the registration.

    Raises:
        Refused: the owner may not register applications.
    """
    if not role.may(owner, Power.APPLICATIONS):
        raise Refused("application.refused", "you may not register applications")
    secret = "" if wanted.kind == Kind.PUBLIC else secrets.token_urlsafe(32)
    with transaction.atomic():
        wanted.party = Party.objects.create(kind=PartyKind.APPLICATION, name=name)
        wanted.client = _client(wanted, name, redirects, secret)
        wanted.owner, wanted.registered_at = owner, now
        wanted.save()
    return secret


def change(application: Application, redirects: list[str], hook_url: str) -> None:
    """Change where people and messages are sent; what it asks for stays as people read it."""
    with transaction.atomic():
        application.client.set_redirect_uris(redirects)
        application.client.save(update_fields=["redirect_uris"])
        application.hook_url = hook_url
        application.save(update_fields=["hook_url"])


def rotate(application: Application) -> str:
    """Make another secret and give it; the one before ends at once, tokens go on.

    Raises:
        Conflict: an application of this kind has none.
    """
    if application.kind == Kind.PUBLIC:
        raise Conflict("application.no_secret", "this application has no secret")
    secret = secrets.token_urlsafe(32)
    application.client.set_secret(secret)
    application.client.save(update_fields=["secret"])
    return secret


def block(application: Application, now: datetime) -> None:
    """End every token of an application, and let it have no others."""
    with transaction.atomic():
        Application.objects.filter(pk=application.pk, blocked_at=None).update(blocked_at=now)
        Token.objects.filter(client=application.client).delete()
        application.client.set_grant_types([])
        application.client.save(update_fields=["grant_types"])


def owned(account: Account) -> QuerySet[Application]:
    """Give the applications that an account answers for; all to an operator of the node."""
    found = Application.objects.select_related("party", "client", "owner")
    return found if account.is_superuser else found.filter(owner=account)


def of_client(client_id: str) -> Application | None:
    """Find the application of an OAuth 2 client, unless it is blocked."""
    found = Application.objects.select_related("party", "client", "owner")
    return found.filter(client_id=client_id, blocked_at=None).first()


def of_token(secret: str) -> tuple[Application, Account | None] | None:
    """Find the application of an access token that is alive, and the person behind it.

    A token of a service stands for nobody but the application.
    """
    token = Token.objects.select_related("user").lookup(Token.Type.ACCESS_TOKEN, secret)
    if token is None or token.client_id is None:
        return None
    if token.user is not None and not token.user.is_active:
        return None
    application = of_client(token.client_id)
    return None if application is None else (application, token.user)


def note(application: Application, day: date, *, refused: bool = False) -> None:
    """Count one request."""
    made, fresh = Use.objects.get_or_create(
        application=application, day=day, defaults={"asked": 1, "refused": int(refused)}
    )
    if not fresh:
        counted = {"asked": F("asked") + 1, "refused": F("refused") + int(refused)}
        Use.objects.filter(pk=made.pk).update(**counted)


def forget(now: datetime) -> int:
    """Let tokens that are over go, and counts that are old; give how many tokens."""
    Use.objects.filter(day__lt=(now - _USES_KEPT).date()).delete()
    gone: int
    gone, _each = Token.objects.filter(expires_at__lte=now).delete()
    return gone


def _client(wanted: Application, name: str, redirects: list[str], secret: str) -> Client:
    is_public = wanted.kind == Kind.PUBLIC
    client = Client(
        name=name[:100], type=Client.Type.PUBLIC if is_public else Client.Type.CONFIDENTIAL
    )
    # A public client has one too, which nobody knows.
    client.set_secret(secret or secrets.token_urlsafe(32))
    by_person = [Client.GrantType.AUTHORIZATION_CODE, Client.GrantType.REFRESH_TOKEN]
    by_itself = [Client.GrantType.CLIENT_CREDENTIALS] if wanted.kind == Kind.SERVICE else []
    client.set_grant_types([*by_person, *by_itself])
    client.set_redirect_uris(redirects)
    client.set_scopes([scope(one) for one in wanted.resolutions])
    client.set_default_scopes([scope(Resolution(wanted.finest))])
    client.save()
    return client
