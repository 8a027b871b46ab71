"""Pages of words: what Kevre is, privacy, accessibility."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kevre.rights.gate import LEAST_TOGETHER


def page(request: HttpRequest) -> HttpResponse:
    """Say what Kevre is, and what a guest may read."""
    return render(request, "about.html", {"least_together": LEAST_TOGETHER})


def privacy(request: HttpRequest) -> HttpResponse:
    """Say what the node keeps of people, and what it does not."""
    return render(request, "privacy.html", {"least_together": LEAST_TOGETHER})


def accessibility(request: HttpRequest) -> HttpResponse:
    """State how far the pages follow WCAG 2.2, and what is known to be lacking."""
    return render(request, "accessibility.html")
