"""Talks to Enedis Data Connect: sign-in, consent, measures; what they mean says `dataconnect`.

Source: the service of September 2026 as its clients use it (`mesure_synchrone_auto/v2`,
`subscribed_services/v1`, a token of the application), and v5 with OAuth2 before it.
Only the two base addresses tell production from a simulator.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self
from urllib.parse import urlencode

from kevre.connect.upstream import Upstream, read_object
from kevre.model.errors import Malformed

RESOURCES = (
    "consommation_quotidienne",
    "production_quotidienne",
    "courbe_de_charge_consommation",
    "courbe_de_charge_production",
)
_ACTIVE = {"ACTIF", "DEMANDE"}
_OLDER_PATHS = {
    "consommation_quotidienne": "/metering_data_dc/v5/daily_consumption",
    "production_quotidienne": "/metering_data_dp/v5/daily_production",
    "courbe_de_charge_consommation": "/metering_data_clc/v5/consumption_load_curve",
    "courbe_de_charge_production": "/metering_data_plc/v5/production_load_curve",
}
_DEFAULT_LASTS_S = 3_600


@dataclass(frozen=True, slots=True)
class Application:
    """What Enedis knows this node by.

    Attributes:
        consent_url: base address of the page where people agree.
        api_url: base address of tokens and measures.
    """

    consent_url: str
    api_url: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, until when it is good [epoch s], and what renews it once."""

    access: str = field(repr=False)
    until_s: int
    refresh: str = field(default="", repr=False)


def consent_address(application: Application, state: str, duration: str = "P1Y") -> str:
    """Give the address where a person agrees; `state` comes back with the person."""
    asked = {
        "client_id": application.client_id,
        "response_type": "code",
        "state": state,
        "duration": duration,
    }
    return (
        f"{application.consent_url.rstrip('/')}/dataconnect/v1/oauth2/authorize?{urlencode(asked)}"
    )


class Client:
    """One conversation with Data Connect; close it at the end."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._upstream = Upstream(application.api_url)

    def __enter__(self) -> Self:
        """Open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._upstream.close()

    def sign_in(self, *, now_s: int) -> Token:
        """Get a token of the application, as the form of 2026 has it.

        Raises:
            KevreError: as `Upstream.ask`.
        """
        return self._token({"grant_type": "client_credentials"}, now_s)

    def redeem(self, code: str, redirect_uri: str, *, now_s: int) -> Token:
        """Exchange the code of a consent, once, within three minutes (the form before 2026)."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self._token(asked, now_s)

    def renew(self, token: Token, *, now_s: int) -> Token:
        """Exchange a token that renews once; the new one must be stored before it is used."""
        return self._token({"grant_type": "refresh_token", "refresh_token": token.refresh}, now_s)

    def points(self, token: Token, agreement: str) -> tuple[str, ...]:
        """Give the metering points that an agreement (`autorisation_id`) opens."""
        content = self._upstream.ask(
            "POST",
            "/subscribed_services/v1",
            document={"autorisationId": agreement, "comptage": True},
            headers=_bearer(token),
        )
        services = read_object(content).get("serviceSouscrit") or []
        found = {
            str(one.get("pointId")): None
            for one in services
            if isinstance(one, dict) and one.get("etatCode") in _ACTIVE
        }
        return tuple(found)

    def measures(self, token: Token, resource: str, prm: str, first: date, after: date) -> bytes:
        """Ask for the days `first <= day < after` of one resource; give the answer's body."""
        return self._upstream.ask(
            "GET",
            f"/mesure_synchrone_auto/v2/{resource}",
            query={"pointId": prm, "dateDebut": str(first), "dateFin": str(after)},
            headers=_bearer(token),
        )

    def older_measures(
        self, token: Token, resource: str, prm: str, first: date, after: date
    ) -> bytes:
        """Ask for the same in the form of v5."""
        return self._upstream.ask(
            "GET",
            _OLDER_PATHS[resource],
            query={"usage_point_id": prm, "start": str(first), "end": str(after)},
            headers=_bearer(token),
        )

    def _token(self, asked: dict[str, str], now_s: int) -> Token:
        known = {
            "client_id": self._application.client_id,
            "client_secret": self._application.client_secret,
        }
        given: dict[str, Any] = read_object(
            self._upstream.ask("POST", "/oauth2/v3/token", form=asked | known)
        )
        access = given.get("access_token")
        lasts = given.get("expires_in", _DEFAULT_LASTS_S)
        if not isinstance(access, str) or not isinstance(lasts, int):
            raise Malformed("upstream.token", "the operator's answer holds no token")
        return Token(access, now_s + lasts, str(given.get("refresh_token") or ""))


def _bearer(token: Token) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.access}"}
