"""The entrance of collectors: tightly written readings through the gate, in few bytes.

The answer to a word that was kept whole is empty: its checksum in one header is the receipt.
See docs/developers/uplink.md.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import cbor2
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from kevre.api import problem
from kevre.api.reading import RATE
from kevre.flow import collector as collectors
from kevre.flow import invite, way
from kevre.flow.accept import Receipt, Writer
from kevre.flow.collector import Collector
from kevre.formats import tight, word
from kevre.model.errors import KevreError, Malformed, Refused, Unavailable
from kevre.places.series import Series
from kevre.rights import key as keys

# Somebody looks: send at once for so long. It is asked for again with every answer.
_LIVE_S = 120
_MOST_CODES = 5
_SOURCE = "up"


@csrf_exempt
@require_POST
def post(request: HttpRequest) -> HttpResponse:
    """Keep what a collector sends; durable before the answer."""
    now_s = int(time.time())
    check = None
    try:
        envelope = word.opened(_body(request))
        check = envelope.check
        collector, ticket = _who(envelope, datetime.fromtimestamp(now_s, UTC))
        told = _accept(collector, envelope.content, now_s)
    except KevreError as error:
        return _refusal(error, check)
    if ticket:
        told[word.TICKET] = ticket
    answer = HttpResponse(cbor2.dumps(told) if told else b"", status=200 if told else 204)
    answer[word.ECHO] = f"{check:08x}"
    return answer


@csrf_exempt
@require_POST
def pair(request: HttpRequest) -> HttpResponse:
    """Turn a code into a key."""
    try:
        told = json.loads(_body(request))
        code = str(told["code"])[:40]
    except (ValueError, TypeError, KeyError):
        return problem.answer(Malformed("request.json", "this is no JSON with a code"))
    except KevreError as error:
        return problem.answer(error)
    try:
        collector, secret = invite.claim(code, datetime.fromtimestamp(int(time.time()), UTC))
    except KevreError as error:
        return problem.answer(error)
    answer = HttpResponse(
        json.dumps({"name": collector.name, "key": secret}), content_type="application/json"
    )
    answer["Cache-Control"] = "no-store"
    return answer


def _body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig as error:
        raise Malformed("request.too_large", "the body is too large", hint="send less") from error
    except UnreadablePostError as error:
        raise Unavailable("request.cut", "the body did not arrive whole") from error


def _who(envelope: word.Sealed, now: datetime) -> tuple[Collector, bytes]:
    """Find who speaks; who showed a key gets a ticket, which is shorter."""
    if envelope.ticket:
        return collectors.of_ticket(envelope.ticket, now), b""
    collector = collectors.of_key(keys.find(envelope.key))
    return collector, collectors.new_ticket(collector, now)


def _accept(collector: Collector, content: bytes, now_s: int) -> dict[int, Any]:
    if collector.key is None:
        raise Refused("key.refused", "a valid key is needed")
    RATE.check(collector.key, now_s)
    writer = Writer.of_key(collector.key)
    note = tight.decode(content, origin=writer.origin, source=_SOURCE)
    waiting, version, state = _meta(note.meta)
    receipt = Receipt.empty()
    if note.batch.columns or note.batch.faults:
        receipt = way.current().gate.accept(note.batch, writer, now_s=now_s)
    collectors.hear(
        collector, datetime.fromtimestamp(now_s, UTC), max(0, waiting - len(note.batch)), state
    )
    return _answer(collector, receipt, version)


def _meta(meta: object) -> tuple[int, int, object]:
    if not isinstance(meta, list) or len(meta) != 3:  # noqa: PLR2004 waiting, version, state
        return 0, 0, None
    waiting, version, state = meta
    if not isinstance(waiting, int) or not isinstance(version, int):
        return 0, 0, None
    return waiting, version, state


def _answer(collector: Collector, receipt: Receipt, version: int) -> dict[int, Any]:
    told: dict[int, Any] = {}
    if receipt.quarantined:
        told[word.QUARANTINED] = len(receipt.quarantined)
        told[word.CODES] = [fault.code for fault in receipt.quarantined[:_MOST_CODES]]
    if collector.configuration_version and collector.configuration_version != version:
        told[word.CONFIGURATION] = [collector.configuration_version, collector.configuration]
    if "version" not in collector.state:
        told[word.WANTS_STATE] = True
    if _is_watched(collector):
        told[word.LIVE_S] = _LIVE_S
    return told


def _is_watched(collector: Collector) -> bool:
    watched = way.current().hub.watched()
    return (
        bool(watched)
        and Series.objects.filter(pk__in=watched, point__keys=collector.key_id).exists()
    )


def _refusal(error: KevreError, check: int | None) -> HttpResponse:
    status = 401 if isinstance(error, Refused) else int(error.http_status)
    answer = HttpResponse(cbor2.dumps({word.ERROR: error.code}), status=status)
    if check is not None:
        answer[word.ECHO] = f"{check:08x}"
    if isinstance(error, Unavailable):
        answer["Retry-After"] = str(error.retry_after_s)
    return answer
