"""What an address that nothing has is answered with: a page, or a problem to a machine."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from kevre.api import problem as machine
from kevre.model.errors import Missing
from kevre.web import problem as page


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer as the rest of what lies there does."""
    if request.path.startswith("/api/"):
        return machine.answer(Missing("resource.absent", "there is nothing here"))
    return page.handler404(request, exception)
