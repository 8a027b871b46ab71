"""What every template knows of the node and of the other languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import translate_url
from django.utils.translation import get_language, get_language_info

from kevre import __version__


@dataclass(frozen=True, slots=True)
class LanguageLink:
    """The same page in one language."""

    code: str
    name: str
    path: str
    is_current: bool


def node(request: HttpRequest) -> dict[str, Any]:
    """Give the node's title, whether it is a demo, and the page in each language."""
    return {
        "node": {
            "title": settings.CONFIG.title,
            "is_demo": settings.CONFIG.is_demo,
            "base_url": settings.CONFIG.base_url,
            "version": __version__,
        },
        "language_links": tuple(_link(request, code) for code, _ in settings.LANGUAGES),
    }


def _link(request: HttpRequest, code: str) -> LanguageLink:
    current = get_language() or settings.LANGUAGE_CODE
    path = request.get_full_path()
    translated = translate_url(path, code)
    if translated == path and code != current:  # a page that does not exist, in no language
        translated = f"/{code}/"
    local = get_language_info(code)["name_local"]
    return LanguageLink(code, local[:1].upper() + local[1:], translated, code == current)
