"""The page of sources: where every reading comes from, and under which licence."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kevre.web import registry


def page(request: HttpRequest) -> HttpResponse:
    """List the sources with their nature, licence and the words their authors ask for."""
    return render(request, "sources.html", {"here": "sources", "sources": registry.sources()})
