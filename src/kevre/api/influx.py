"""The write API of InfluxDB, versions 1 and 2, for Telegraf, Home Assistant, evcc and the like.

Lines are kept as they arrive, some thousand at a time; what cannot be kept is in the
quarantine with the number of its line, and the sender is told as of a partial write.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kevre.api import intake
from kevre.formats import lineprotocol
from kevre.formats.lineprotocol import Clock
from kevre.model.errors import KevreError, Malformed, Refused, Unavailable
from kevre.model.reading import Fault

_MOST_BYTES = 64 * 2**20
# Clients ask which dialect is spoken; this one takes writes of both.
_VERSION = "2.7.0-kevre"
_CODES = {
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request too large",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}


@dataclass(slots=True)
class _Tally:
    """What was not kept of one request."""

    dropped: int = 0
    first: Fault | None = None

    def add(self, faults: tuple[Fault, ...]) -> None:
        self.dropped += len(faults)
        if self.first is None and faults:
            self.first = faults[0]


@csrf_exempt
@require_http_methods(["POST"])
def write_v1(request: HttpRequest) -> HttpResponse:
    """Keep lines as `/write` of version 1 does."""
    return _written(request, _v1_error)


@csrf_exempt
@require_http_methods(["POST"])
def write_v2(request: HttpRequest) -> HttpResponse:
    """Keep lines as `/api/v2/write` of version 2 does."""
    return _written(request, _v2_error)


@require_http_methods(["GET", "HEAD"])
def ping(request: HttpRequest) -> HttpResponse:
    """Say that this is there."""
    del request
    return _marked(HttpResponse(status=204))


@require_http_methods(["GET"])
def health(request: HttpRequest) -> HttpResponse:
    """Say to clients of version 2 that this takes writes."""
    del request
    told = {"name": "kevre", "status": "pass", "message": "ready for writes", "version": _VERSION}
    return _marked(HttpResponse(json.dumps(told), "application/json"))


@csrf_exempt
@require_http_methods(["GET", "POST"])
def query(request: HttpRequest) -> HttpResponse:
    """Take the wish to create a database, which every client of version 1 sends; no other."""
    asked = str(request.POST.get("q") or request.GET.get("q") or "").strip().lower()
    if asked.startswith("create database"):
        return _marked(HttpResponse('{"results":[{"statement_id":0}]}', "application/json"))
    return _v1_error(HTTPStatus.FORBIDDEN, "a write key reads nothing; read by /api/v1")


def _written(request: HttpRequest, told: Callable[[int, str], HttpResponse]) -> HttpResponse:
    now_s = int(time.time())
    tally = _Tally()
    try:
        key = intake.admitted(intake.shown(request), now_s)
        clock = Clock(str(request.GET.get("precision") or "ns"), now_s)
        for posted in lineprotocol.read(intake.pieces(request, _MOST_BYTES), clock):
            done = intake.receive(key, posted, "influx/write", now_s)
            tally.add(done.receipt.quarantined)
    except KevreError as error:
        answer = told(_status(error), error.message)
        if isinstance(error, Unavailable):
            answer["Retry-After"] = str(error.retry_after_s)
        return answer
    if tally.first is None:
        return _marked(HttpResponse(status=204))
    where = f"line {tally.first.line}: " if tally.first.line else ""
    text = f"partial write: {where}{tally.first.message} dropped={tally.dropped}"
    return told(HTTPStatus.BAD_REQUEST, text)


def _status(error: KevreError) -> int:
    if isinstance(error, Refused):
        is_known = error.code != "key.refused"
        return HTTPStatus.FORBIDDEN if is_known else HTTPStatus.UNAUTHORIZED
    if error.code == "request.too_large":
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    if isinstance(error, Malformed):
        return HTTPStatus.BAD_REQUEST
    return error.http_status


def _v1_error(status: int, message: str) -> HttpResponse:
    answer = HttpResponse(json.dumps({"error": message}), "application/json", int(status))
    answer["X-Influxdb-Error"] = message
    return _marked(answer)


def _v2_error(status: int, message: str) -> HttpResponse:
    code = _CODES.get(HTTPStatus(status), "invalid")
    told = {"code": code, "message": message}
    return _marked(HttpResponse(json.dumps(told), "application/json", int(status)))


def _marked(answer: HttpResponse) -> HttpResponse:
    answer["X-Influxdb-Version"] = _VERSION
    answer["X-Influxdb-Build"] = "Kevre"
    return answer
