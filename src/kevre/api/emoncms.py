"""The input API of emoncms, for emonHub, IotaWatt, Tasmota, Home Assistant and the like.

They only change address and key. Answers are those of emoncms; see docs/developers/gate.md.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kevre.api import body, intake
from kevre.flow import input as inputs
from kevre.flow import way
from kevre.flow.input import Input, State
from kevre.formats import emoncms
from kevre.model import exact
from kevre.model.errors import KevreError, Malformed, Refused, Unavailable
from kevre.places.series import Series
from kevre.rights.gate import Reader
from kevre.rights.key import Key

_KEY_NAMES = ("apikey", "devicekey")
# Home Assistant knows what a feed measures by its unit, in these spellings.
_SPELLED = {"Cel": "°C", "%RH": "%", "m3": "m³"}
_PURPOSE = "emoncms"
_View = Callable[..., HttpResponse]


def _answered(view: _View) -> _View:
    """Turn errors into what a client of emoncms expects."""

    def answer(request: HttpRequest, *parts: str, **named: str) -> HttpResponse:
        try:
            if request.headers.get("Content-Type", "").startswith("aes128cbc"):
                raise Malformed(
                    "emoncms.encrypted",
                    "Encrypted posts are not read here: leave the user id empty, use https",
                )
            return view(request, *parts, **named)
        except Refused as error:
            return _unauthorised(error)
        except Unavailable as error:
            later = HttpResponse(error.message, "text/plain", status=503)
            later["Retry-After"] = str(error.retry_after_s)
            return later
        except KevreError as error:
            return _failure(error)

    return csrf_exempt(require_http_methods(["GET", "POST"])(answer))


@_answered
def post(request: HttpRequest, node: str = "") -> HttpResponse:
    """Keep one post; durable before the answer."""
    now_s = int(time.time())
    parameters = _parameters(request)
    key = _key(request, parameters, now_s)
    if node:
        parameters["node"] = node
    intake.receive(key, emoncms.read_post(parameters, now_s), "emoncms/post", now_s)
    if "fulljson" in parameters:
        return _plain('{"success": true}')
    return _plain("ok")


@_answered
def bulk(request: HttpRequest) -> HttpResponse:
    """Keep many posts at once; durable before the answer."""
    now_s = int(time.time())
    parameters = _parameters(request)
    key = _key(request, parameters, now_s)
    content = body.whole(request) if parameters.get("cb") == "1" else b""
    intake.receive(key, emoncms.read_bulk(parameters, content, now_s), "emoncms/bulk", now_s)
    return _plain("ok")


@_answered
def get(request: HttpRequest, node: str = "", name: str = "") -> HttpResponse:
    """Say which inputs a key has and how far each came; a write key reads no value."""
    parameters = _parameters(request)
    key = _key(request, parameters, int(time.time()))
    known: dict[str, dict[str, Any]] = {}
    for one in Input.objects.filter(lineage=inputs.lineage_of(key)):
        told = {"time": one.newest_s, "value": None, "processList": ""}
        known.setdefault(one.node, {})[one.name] = told
    node = node or parameters.get("node", "")
    name = name or parameters.get("name", "")
    if not node:
        return _json(known)
    if node not in known:
        return _json("Node does not exist")
    if not name:
        return _json(known[node])
    return _json(known[node].get(name, "Input does not exist"))


@_answered
def feeds(request: HttpRequest) -> HttpResponse:
    """List the series that the inputs of a key write; a value where it is open to everyone."""
    parameters = _parameters(request)
    now_s = int(time.time())
    key = _key(request, parameters, now_s)
    decided = Input.objects.filter(lineage=inputs.lineage_of(key), state=State.OPEN)
    now = datetime.fromtimestamp(now_s, UTC)
    listed = [
        _feed(one, series, now)
        for one in decided.select_related("point")
        for series in Series.objects.filter(urn__in=one.urns).select_related("point__site")
    ]
    return _json(listed)


@_answered
def identity(request: HttpRequest) -> HttpResponse:
    """Give what tells one sender from another, as Home Assistant asks for."""
    key = _key(request, _parameters(request), int(time.time()))
    name = uuid.uuid5(uuid.NAMESPACE_OID, f"kevre:{inputs.lineage_of(key)}")
    return _json({"success": True, "message": str(name)})


def _parameters(request: HttpRequest) -> dict[str, str]:
    """Give query and form as one, the form first; some devices do not say that it is one."""
    told: dict[str, str] = {name: str(text) for name, text in request.GET.items()}
    if request.method == "POST":
        form = {name: str(text) for name, text in request.POST.items()}
        is_odd = not form and request.content_type != "multipart/form-data"
        if is_odd and request.GET.get("cb") != "1":
            content = body.whole(request).decode("utf-8", "replace")
            form = dict(parse_qsl(content, keep_blank_values=True)) if "=" in content else {}
        told |= form
    return {name: text.replace("\\", "") for name, text in told.items()}


def _key(request: HttpRequest, parameters: Mapping[str, str], now_s: int) -> Key:
    said = next((parameters[name] for name in _KEY_NAMES if parameters.get(name)), "")
    secret = said or request.headers.get("Authorization", "").replace("Bearer", "").strip()
    if not secret:
        raise intake.no_key()
    return intake.admitted(secret, now_s)


def _feed(one: Input, series: Series, now: datetime) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": str(series.pk),
        "userid": "1",
        "name": one.name,
        "tag": one.node,
        "public": "0",
        "size": "0",
        "engine": "5",
        "unit": _SPELLED.get(series.unit, series.unit),
        "time": None,
        "value": None,
    }
    try:
        newest = way.current().door.latest(Reader(None), [series], purpose=_PURPOSE, now=now)
    except Refused:
        return told
    latest = newest.get(series.pk)
    if latest is not None and latest.value is not None:
        told |= {"time": latest.start_s, "value": exact.to_text(*latest.value)}
    return told


def _plain(text: str) -> HttpResponse:
    return HttpResponse(text, "text/plain; charset=utf-8")


def _json(told: object) -> HttpResponse:
    # IotaWatt looks for "time": without a space.
    return HttpResponse(json.dumps(told, separators=(",", ":")), "application/json")


def _failure(error: KevreError) -> HttpResponse:
    """Say what is wrong as emoncms does: in a word that the device shows, with status 200."""
    told = {"success": False, "message": error.message.replace('"', "'")}
    return _plain(json.dumps(told))


def _unauthorised(error: Refused) -> HttpResponse:
    is_known = error.code != "key.refused"
    text = error.message if is_known else "Invalid API key"
    answer = HttpResponse(text, "text/plain; charset=utf-8", status=403 if is_known else 401)
    if not is_known:
        answer["WWW-Authenticate"] = 'Bearer realm="API KEY"'
    return answer
