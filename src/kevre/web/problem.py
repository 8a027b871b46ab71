"""Turns an error of ours into a page that says what happened, where, and how to mend it."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kevre.model.errors import Conflict, KevreError, Malformed, Missing, Refused, Unavailable

log = logging.getLogger(__name__)

_TITLES: tuple[tuple[type[KevreError], Promise], ...] = (
    (Malformed, _("This address cannot be read")),
    (Refused, _("You may not see this")),
    (Missing, _("There is nothing here")),
    (Conflict, _("This has changed meanwhile")),
    (KevreError, _("Not now")),
)


class ProblemMiddleware(MiddlewareMixin):
    """Catches the five families of errors at the rim of the pages."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for an error of ours; leave every other to Django."""
        if not isinstance(error, KevreError):
            return None
        return problem(request, error)


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's
    """Answer a request that Django could not read."""
    return render(request, "400.html", status=400)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's
    """Answer a request that Django refused."""
    return render(request, "403.html", status=403)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's
    """Answer an address that no page has."""
    return render(request, "404.html", status=404)


def handler500(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's
    """Answer when something broke, without anything that may be what broke."""
    return HttpResponse(render_to_string("500.html"), status=500)


def problem(request: HttpRequest, error: KevreError) -> HttpResponse:
    """Render the page of an error, with its HTTP status."""
    log.info("page refused", extra={"code": error.code})
    title = next(words for family, words in _TITLES if isinstance(error, family))
    # A person who mistypes a date has sent a bad request, not an unprocessable entity.
    status = HTTPStatus.BAD_REQUEST if isinstance(error, Malformed) else error.http_status
    view = {
        "title": title,
        "code": error.code,
        "message": gettext(error.message),
        "where": error.where,
        "hint": gettext(error.hint) if error.hint else "",
        "may_sign_in": isinstance(error, Refused | Missing) and not request.user.is_authenticated,
    }
    response = render(request, "problem.html", view, status=status)
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
