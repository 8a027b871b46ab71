"""Who asks over HTTPS, and how errors are answered: what the views of this binding share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from kevre.federate import identity, peer, signature
from kevre.federate.identity import PublicIdentity
from kevre.federate.peer import Peer, SpentNonce
from kevre.formats import problem
from kevre.model.errors import KevreError, Malformed, Refused, Unavailable

_MOST_BODY = 65_536

View = Callable[..., HttpResponseBase]


def asked(view: View) -> View:
    """Let a trusted peer's signed request in; answer every error as a problem document."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *rest: object, **named: object) -> HttpResponseBase:
        try:
            return view(request, signing_peer(request), *rest, **named)
        except KevreError as error:
            return refusal(error)

    return guarded


def signing_peer(request: HttpRequest, *, most: int = _MOST_BODY) -> Peer:
    """Tell which trusted peer signed a request, and spend its signature.

    Raises:
        Malformed: the body is longer than `most`.
        Refused: none did, or the request was sent before.
    """
    found: list[Peer] = []

    def known(name: str) -> PublicIdentity | None:
        one = peer.trusted(name)
        if one is None:
            return None
        found.append(one)
        return one.identity

    signer(request, known, most=most)
    Peer.objects.filter(pk=found[-1].pk).update(heard_at=now())
    return found[-1]


def signer(
    request: HttpRequest, known: Callable[[str], PublicIdentity | None], *, most: int = _MOST_BODY
) -> PublicIdentity:
    """Tell which known key signed a request, and spend its signature.

    Raises:
        Malformed: the body is longer than `most`.
        Refused: none did, or the request was sent before.
    """
    if int(request.headers.get("Content-Length") or 0) > most:
        raise Malformed("request.too_large", "the body is too large", hint="send less at once")
    message = signature.Message(
        request.method or "",
        settings.CONFIG.base_url.rstrip("/") + request.get_full_path(),
        dict(request.headers),
        request.body,
    )
    signed = signature.verify(message, known, now_s=int(time.time()))
    try:
        with transaction.atomic():
            SpentNonce.objects.create(
                nonce=signed.nonce[:64],
                key_name=signed.signer.name,
                until=datetime.fromtimestamp(signed.until_s, UTC),
            )
    except IntegrityError as error:
        raise Refused(
            "peer.replay", "this request was sent before", hint="sign every request anew"
        ) from error
    return signed.signer


def own() -> identity.Identity:
    """Give this node's identity."""
    return identity.hold(settings.CONFIG.home)


def now() -> datetime:
    """Give the time of the request."""
    return datetime.now(UTC)


def document(request: HttpRequest) -> dict[str, Any]:
    """Read the body as a JSON object.

    Raises:
        Malformed: it is none.
    """
    try:
        found = json.loads(request.body)
    except ValueError as error:
        raise Malformed("request.json", "the body is not JSON") from error
    if not isinstance(found, dict):
        raise Malformed("request.json", "the body is not a JSON object")
    return found


def whole(request: HttpRequest, name: str) -> int:
    """Read a whole number of the query; 0 where it is absent.

    Raises:
        Malformed: it is none.
    """
    text = request.GET.get(name, "0")
    if not text.isascii() or not text.isdecimal():
        raise Malformed("request.parameter", "this is not a whole number", where=name)
    return int(text)


def refusal(error: KevreError) -> HttpResponse:
    """Answer an error as a problem document (RFC 9457)."""
    answer = JsonResponse(problem.document(error), status=error.http_status)
    answer["Content-Type"] = problem.MEDIA_TYPE
    if isinstance(error, Unavailable):
        answer["Retry-After"] = str(error.retry_after_s)
    return answer
