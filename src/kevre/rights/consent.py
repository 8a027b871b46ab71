"""Consent: a person lets an application read some sites, as its registration asks, or coarser."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.idp.oidc.models import Token
from django.db import models, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from kevre.model.errors import Refused
from kevre.model.step import Resolution
from kevre.places.site import Site
from kevre.rights.access import AccessRecord
from kevre.rights.account import Account
from kevre.rights.application import Application
from kevre.rights.grant import Audience, Grant

# The words of the form that people see; another number where they change in meaning.
FORM = "consent form 1"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose on the form: never more than the application asks."""

    resolution: Resolution
    days: int
    language: str


class Consent(models.Model):
    """That a person gave an application a grant."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="consents")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="consents")
    grant = models.OneToOneField(Grant, on_delete=models.CASCADE, related_name="consent")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        indexes = (models.Index(fields=("application", "account"), name="consent_of_person"),)

    def __str__(self) -> str:
        return f"{self.account_id} · {self.application_id} · {self.grant_id}"


def sites(account: Account) -> QuerySet[Site]:
    """Give the sites that an account may decide on."""
    return Site.objects.filter(party__memberships__account=account).order_by("name").distinct()


def give(
    account: Account,
    application: Application,
    chosen: Collection[Site],
    choice: Choice,
    now: datetime,
) -> tuple[Grant, ...]:
    """Grant what was chosen, in place of what this person granted this application before.

    Raises:
        Refused: more than the application asks, or sites of others.
    """
    own = set(sites(account).values_list("pk", flat=True))
    is_more = (
        choice.resolution not in application.resolutions
        or not 0 < choice.days <= application.lasts_days
    )
    if is_more or not chosen or not {one.pk for one in chosen} <= own:
        raise Refused("consent.more", "this is more than may be given")
    with transaction.atomic():
        withdraw(account, application, now)
        granted = tuple(
            _grant(application, site, prefix, choice, now)
            for site in chosen
            for prefix in application.paths
        )
        Consent.objects.bulk_create(
            Consent(account=account, application=application, grant=one, at=now) for one in granted
        )
    return granted


def withdraw(account: Account, application: Application, now: datetime) -> int:
    """End all that a person granted an application, and its tokens; count the grants."""
    with transaction.atomic():
        Token.objects.filter(client=application.client_id, user=account).delete()
        given = Grant.objects.filter(
            consent__account=account, consent__application=application, withdrawn_at=None
        )
        return given.update(withdrawn_at=now)


def renounce(
    application: Application, account: Account | None, pk: int, now: datetime
) -> Grant | None:
    """End a grant that an application gives back; none if it has no such grant."""
    with transaction.atomic():
        found = held(application, account).filter(pk=pk).select_related("site", "party").first()
        if found is not None and found.withdrawn_at is None:
            found.withdrawn_at = now
            found.save(update_fields=["withdrawn_at"])
    return found


def held(application: Application, account: Account | None) -> QuerySet[Grant]:
    """Give the grants of a token, those that ended too: of one person, or all of a service."""
    if account is None:
        return Grant.objects.filter(party=application.party_id)
    return Grant.objects.filter(consent__application=application, consent__account=account)


def accesses(application: Application, account: Account | None) -> QuerySet[AccessRecord]:
    """Give the lines of the access log on what a token read by its own grants."""
    found = AccessRecord.objects.filter(party=application.party_id)
    return found.filter(grant__in=held(application, account).values("pk"))


def grants(application: Application, account: Account | None) -> frozenset[int]:
    """Give the grants that a token may use: those of one person, or all that a service has."""
    found = held(application, account)
    return frozenset(found.filter(withdrawn_at=None).values_list("pk", flat=True))


def _grant(
    application: Application, site: Site, prefix: str, choice: Choice, now: datetime
) -> Grant:
    back = timedelta(days=application.back_days)
    return Grant.objects.create(
        audience=Audience.PARTY,
        party=application.party,
        site=site,
        path_prefix=prefix,
        finest=choice.resolution.value,
        purpose=application.purpose,
        readings_since=now - back,
        valid_since=now,
        valid_until=now + timedelta(days=choice.days),
        proof=f"{FORM}, {choice.language}, {now:%Y-%m-%dT%H:%M:%SZ}",
    )
