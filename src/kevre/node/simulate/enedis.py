"""A simulator of Enedis Data Connect, in its form of 2026 and that of OAuth2 before it.

Source: paths, parameters and answers as clients of the production service use them (see
`connect/enedis/client.py`). Codes of refusals that no source names say so by `SIM-`.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from html import escape
from typing import Any
from urllib.parse import urlencode

from kevre.model.window import days
from kevre.node.simulate import curve
from kevre.node.simulate.person import PEOPLE, Person, Point, of_point
from kevre.node.simulate.server import Answer, Request

TOKEN_LASTS_S = 12_600
_CODE_LASTS_S = 180
_CALLS_A_SECOND, _CALLS_AN_HOUR = 5, 1_000
_SECOND_S, _HOUR_S = 1.0, 3_600.0
_LONGEST_CURVE, _LONGEST_DAILY = timedelta(days=7), timedelta(days=365)
# How far back: 24 months of curve; 36 months and 15 days of daily values.
_CURVE_BACK, _DAILY_BACK = timedelta(days=731), timedelta(days=1_111)
_REVOKES_AFTER_CALLS = 3
_RESOURCES = {
    "consommation_quotidienne": ("CONS", "EA"),
    "production_quotidienne": ("PROD", "EA"),
    "courbe_de_charge_consommation": ("CONS", "PA"),
    "courbe_de_charge_production": ("PROD", "PA"),
}
_OLDER = {
    "/metering_data_dc/v5/daily_consumption": "consommation_quotidienne",
    "/metering_data_dp/v5/daily_production": "production_quotidienne",
    "/metering_data_clc/v5/consumption_load_curve": "courbe_de_charge_consommation",
    "/metering_data_plc/v5/production_load_curve": "courbe_de_charge_production",
}


@dataclass(slots=True)
class DataConnect:
    """The service: what it has given out, and what is counted.

    Attributes:
        redirect_uri: where people are sent back to; in 2026 it is fixed with the application.
        clock: tells the time [epoch s].
        today: tells the day; data reach until the day before.
        is_older: whether consents end with a code, as before September 2026.
        is_down: whether it is under maintenance.
    """

    redirect_uri: str
    clock: Callable[[], float]
    today: Callable[[], date]
    client_id: str = "simulated-client"
    client_secret: str = field(default="simulated-secret", repr=False)
    is_older: bool = False
    is_down: bool = False
    asked: list[str] = field(default_factory=list)
    _until: dict[str, float] = field(default_factory=dict)
    _codes: dict[str, tuple[float, Person]] = field(default_factory=dict)
    _refreshes: set[str] = field(default_factory=set)
    _agreed: dict[str, Person] = field(default_factory=dict)
    _calls: deque[float] = field(default_factory=deque)
    _read: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        with self._lock:
            self.asked.append(request.path)
            if self.is_down:
                return _error(503, "SIM-MAINTENANCE", Retry_After="600")
            if request.path == "/dataconnect/v1/oauth2/authorize":
                return self._consent(request)
            if request.path == "/oauth2/v3/token":
                return self._token(request.form)
            return self._guarded(request)

    def expire_tokens(self) -> None:
        """Let every access token end now."""
        self._until.clear()

    def _consent(self, request: Request) -> Answer:
        asked = request.query
        if asked.get("client_id") != self.client_id:
            return _error(400, "SIM-CLIENT")
        number = asked.get("person", "")
        if not number:
            return _page(asked)
        person = next((one for one in PEOPLE if str(one.number) == number), None)
        if person is None:
            return _error(400, "SIM-PERSON")
        return Answer(302, headers={"Location": self._back(person, asked.get("state", ""))})

    def _back(self, person: Person, state: str) -> str:
        if person.refuses:
            given = {"error": "access_denied"}
        elif self.is_older:
            code = secrets.token_urlsafe(12)
            self._codes[code] = (self.clock() + _CODE_LASTS_S, person)
            given = {"code": code, "usage_point_id": ";".join(p.prm for p in person.points)}
        else:
            agreement = secrets.token_hex(8)
            self._agreed[agreement] = person
            given = {"autorisation_id": agreement}
        return f"{self.redirect_uri}?{urlencode(given | {'state': state})}"

    def _token(self, form: dict[str, str]) -> Answer:
        known = form.get("client_id"), form.get("client_secret")
        if known != (self.client_id, self.client_secret):
            return _error(401, "invalid_client")
        kind = form.get("grant_type")
        if kind == "client_credentials":
            return self._issued(with_refresh=False)
        if kind == "authorization_code":
            until, _ = self._codes.pop(form.get("code", ""), (0.0, None))
            is_good = until > self.clock()
        else:
            is_good = form.get("refresh_token", "") in self._refreshes
            self._refreshes.discard(form.get("refresh_token", ""))
        return self._issued(with_refresh=True) if is_good else _error(400, "invalid_grant")

    def _issued(self, *, with_refresh: bool) -> Answer:
        token = secrets.token_urlsafe(24)
        self._until[token] = self.clock() + TOKEN_LASTS_S
        given: dict[str, object] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LASTS_S,
        }
        if with_refresh:
            refresh = secrets.token_urlsafe(24)
            self._refreshes.add(refresh)
            given["refresh_token"] = refresh
        return Answer.of(given)

    def _guarded(self, request: Request) -> Answer:
        if self._until.get(request.bearer, 0.0) <= self.clock():
            return _error(401, "SIM-TOKEN")
        pause_s = self._over_quota()
        if pause_s:
            return _error(429, "SGT429", Retry_After=str(pause_s))
        if request.path == "/subscribed_services/v1":
            return self._services(request)
        name = request.path.removeprefix("/mesure_synchrone_auto/v2/")
        if name in _RESOURCES:
            asked = request.query
            parts = asked.get("pointId"), asked.get("dateDebut"), asked.get("dateFin")
            return self._measures(name, *parts, is_older=False)
        if request.path in _OLDER:
            asked = request.query
            parts = asked.get("usage_point_id"), asked.get("start"), asked.get("end")
            return self._measures(_OLDER[request.path], *parts, is_older=True)
        return _error(404, "SIM-PATH")

    def _over_quota(self) -> int:
        now = self.clock()
        while self._calls and self._calls[0] <= now - _HOUR_S:
            self._calls.popleft()
        if len(self._calls) >= _CALLS_AN_HOUR:
            return int(self._calls[0] + _HOUR_S - now) + 1
        if sum(1 for at in self._calls if at > now - _SECOND_S) >= _CALLS_A_SECOND:
            return 1
        self._calls.append(now)
        return 0

    def _services(self, request: Request) -> Answer:
        asked = json.loads(request.body or b"{}")
        person = self._agreed.get(str(asked.get("autorisationId", "")))
        if person is None:
            return _error(403, "SGT403")
        services = [
            {
                "pointId": point.prm,
                "etatCode": "ACTIF",
                "mesuresTypeCode": kind,
                "soutirage": point.takes,
                "injection": point.gives_w > 0,
            }
            for point in person.points
            for kind in ("ENERGIE", *(("CDC",) if point.has_curve else ()))
        ]
        return Answer.of({"nbTotalServices": len(services), "serviceSouscrit": services})

    def _measures(
        self, name: str, prm: str | None, start: str | None, end: str | None, *, is_older: bool
    ) -> Answer:
        way, quantity = _RESOURCES[name]
        found = of_point(prm or "")
        if found is None or found[0].refuses or self._has_revoked(*found):
            return _error(403, "SGT403")
        try:
            first, after = date.fromisoformat(start or ""), date.fromisoformat(end or "")
        except ValueError:
            return _error(400, "SGT400")
        refusal = self._refusal(found[1], way, quantity, first, after)
        if refusal is not None:
            return refusal
        points = _points(found[1], way, quantity, first, after)
        make = _older if is_older else _measure
        return Answer.of(make(found[1].prm, way, quantity, (first, after), points))

    def _has_revoked(self, person: Person, point: Point) -> bool:
        read = self._read[point.prm] = self._read.get(point.prm, 0) + 1
        return person.revokes and read > _REVOKES_AFTER_CALLS

    def _refusal(
        self, point: Point, way: str, quantity: str, first: date, after: date
    ) -> Answer | None:
        is_curve = quantity == "PA"
        longest = _LONGEST_CURVE if is_curve else _LONGEST_DAILY
        back = _CURVE_BACK if is_curve else _DAILY_BACK
        today = self.today()
        if not first < after <= first + longest or after > today or first < today - back:
            return _error(400, "SGT400")
        if first < point.since:
            return _error(400, "ADAM-ERR0123")
        lacks_way = not (point.takes if way == "CONS" else point.gives_w)
        if lacks_way or (is_curve and not point.has_curve):
            return _error(404, "no_data_found")
        return None


def _points(
    point: Point, way: str, quantity: str, first: date, after: date
) -> list[dict[str, str | None]]:
    asked = list(days(first, after - timedelta(days=1)))
    if quantity == "EA":
        values = ((day, curve.energy_wh(point, way, day)) for day in asked)
        return [{"v": None if wh is None else str(wh), "d": day.isoformat()} for day, wh in values]
    return [
        {"v": str(power), "d": f"{at:%Y-%m-%d %H:%M:%S}", "p": "PT30M", "n": "B", "iv": "0"}
        for day in asked
        for at, power in curve.half_hours(point, way, day)
    ]


def _measure(
    prm: str, way: str, quantity: str, period: tuple[date, date], points: list[dict[str, Any]]
) -> dict[str, object]:
    first, after = period
    unit = "Wh" if quantity == "EA" else "W"
    amounts = {"grandeurMetier": way, "grandeurPhysique": quantity, "unite": unit}
    answer: dict[str, object] = {
        "idPrm": prm,
        "etapeMetier": "BRUT",
        "periode": {"dateDebut": first.isoformat(), "dateFin": after.isoformat()},
        "grandeur": [{**amounts, "points": points, "calendrier": []}],
        "contexte": [],
    }
    return answer | ({"pas": "P1D"} if quantity == "EA" else {})


def _older(
    prm: str, _way: str, quantity: str, period: tuple[date, date], points: list[dict[str, Any]]
) -> dict[str, object]:
    is_daily = quantity == "EA"
    kind = {"unit": "Wh" if is_daily else "W"}
    kind["measurement_kind"] = "energy" if is_daily else "power"
    kind["aggregate"] = "sum" if is_daily else "average"
    rows = [
        {"value": one["v"], "date": one["d"], "interval_length": one.get("p", "P1D")}
        for one in points
    ]
    return {
        "meter_reading": {
            "usage_point_id": prm,
            "start": period[0].isoformat(),
            "end": period[1].isoformat(),
            "quality": "BRUT",
            "reading_type": kind,
            "interval_reading": rows,
        }
    }


def _error(status: int, code: str, **headers: str) -> Answer:
    return Answer.of({"code": code, "error": code, "message": "simulated"}, status, **headers)


def _page(asked: object) -> Answer:
    """Give the page where a person is chosen: no one could take it for the operator's."""
    query = dict(asked) if isinstance(asked, dict) else {}
    links = "".join(
        f'<li><a href="?{escape(urlencode(query | {"person": str(one.number)}))}">'
        f"{one.number}: {escape(one.sentence)}</a></li>"
        for one in PEOPLE
    )
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulator</title>'
        "<h1>Simulator of a meter operator</h1><p>This is not Enedis. Nothing here is real: "
        f"choose which invented person answers.</p><ol start=0>{links}</ol></html>"
    )
    return Answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
