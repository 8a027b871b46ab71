"""Problems: our five families of errors as RFC 9457 documents."""

from __future__ import annotations

import json
from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from kevre.formats import problem
from kevre.model.errors import KevreError, Malformed, Missing, Refused, Unavailable


def install(api: NinjaAPI) -> None:
    """Make every error of the API a problem document."""

    @api.exception_handler(KevreError)
    def _ours(request: HttpRequest, error: KevreError) -> HttpResponse:
        del request
        return _refused(error) if error.code == "token.refused" else answer(error)

    @api.exception_handler(ValidationError)
    def _parameters(request: HttpRequest, error: ValidationError) -> HttpResponse:
        del request
        first = error.errors[0] if error.errors else {}
        where = ".".join(str(part) for part in first.get("loc", ()))
        return answer(
            Malformed("request.parameter", str(first.get("msg", "malformed")), where=where)
        )

    @api.exception_handler(Http404)
    def _absent(request: HttpRequest, error: Http404) -> HttpResponse:
        del request, error
        return answer(Missing("resource.absent", "there is nothing here"))

    @api.exception_handler(AuthenticationError)
    def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        del request, error
        response = answer(
            Refused("key.refused", "a valid key is needed", hint="Authorization: Bearer kvw_…"),
            HTTPStatus.UNAUTHORIZED,
        )
        response["WWW-Authenticate"] = "Bearer"
        return response


def answer(error: KevreError, status: int | None = None) -> HttpResponse:
    """Write one error as a problem document."""
    if status is None and error.code.endswith(".too_often"):
        status = HTTPStatus.TOO_MANY_REQUESTS
    members = problem.document(error, status)
    response = HttpResponse(
        json.dumps(members), problem.MEDIA_TYPE, int(status or error.http_status)
    )
    if isinstance(error, Unavailable):
        response["Retry-After"] = str(error.retry_after_s)
    return response


def _refused(error: KevreError) -> HttpResponse:
    """Answer a token that is good for nothing (RFC 6750, 3)."""
    response = answer(error, HTTPStatus.UNAUTHORIZED)
    response["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response
