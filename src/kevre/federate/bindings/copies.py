"""The verbs of sponsorship over HTTPS: a node leaves its encrypted copies, and fetches them.

Leaving is the trusted peer's; fetching also that of whoever holds its recovery key.
"""

from __future__ import annotations

from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from kevre.federate import sponsor
from kevre.federate.bindings.guard import View, document, now, refusal, signer
from kevre.federate.identity import PublicIdentity
from kevre.federate.sponsor import Sponsored
from kevre.model.errors import KevreError, Malformed, Refused

_MOST_BODY = sponsor.LARGEST_PIECE


def _owned(view: View) -> View:
    """Let in who may fetch the copies; a copy is only written by the peer itself."""

    @csrf_exempt
    @wraps(view)
    def guarded(request: HttpRequest, *rest: object, **named: object) -> HttpResponseBase:
        found: list[tuple[Sponsored, PublicIdentity]] = []

        def known(name: str) -> PublicIdentity | None:
            one = sponsor.owner(name)
            if one is None:
                return None
            found.append(one)
            return one[1]

        try:
            key = signer(request, known, most=_MOST_BODY)
            held = found[-1][0]
            if request.method != "GET" and key.name != held.peer.key_name:
                raise Refused(
                    "sponsor.read_only",
                    "with a recovery key copies are only fetched",
                    hint="restore the node; then it leaves copies with its own key",
                )
            return view(request, held, *rest, **named)
        except KevreError as error:
            return refusal(error)

    return guarded


@require_http_methods(["GET", "POST"])
@_owned
def copies(request: HttpRequest, held: Sponsored) -> HttpResponse:
    """List the whole copies, newest first; or begin a new one."""
    if request.method == "POST":
        begun = sponsor.begin(held, _text(request, "recovery"), now())
        return JsonResponse({"copy": begun.pk}, status=201)
    return JsonResponse(
        {
            "quota": held.quota_bytes,
            "used": held.used_bytes,
            "copies": [
                {"copy": one.pk, "made": one.opened_at.isoformat(), "index": one.index}
                for one in sponsor.copies(held)
            ],
        }
    )


@require_POST
@_owned
def named(request: HttpRequest, held: Sponsored, number: int) -> HttpResponse:
    """Name pieces of an open copy; answer those that are missing."""
    missing = sponsor.name(sponsor.opened(held, number), _digests(request, "pieces"))
    return JsonResponse({"missing": missing})


@require_POST
@_owned
def closing(request: HttpRequest, held: Sponsored, number: int) -> HttpResponse:
    """Call an open copy whole."""
    copy = sponsor.opened(held, number)
    used = sponsor.close(settings.CONFIG.home, copy, _digests(request, "index"), now())
    return JsonResponse({"used": used})


@require_http_methods(["GET", "PUT"])
@_owned
def piece(request: HttpRequest, held: Sponsored, digest: str) -> HttpResponse:
    """Give a piece, or keep one."""
    home = settings.CONFIG.home
    if request.method == "PUT":
        sponsor.take(home, held, digest, request.body)
        return JsonResponse({}, status=201)
    content = sponsor.piece(home, held, digest)
    return HttpResponse(content, content_type="application/octet-stream")


def _text(request: HttpRequest, name: str) -> str:
    found = document(request).get(name)
    if not isinstance(found, str):
        raise Malformed("request.parameter", "a text is missing", where=name)
    return found


def _digests(request: HttpRequest, name: str) -> list[str]:
    found = document(request).get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Malformed("request.parameter", "a list of digests is missing", where=name)
    return found
