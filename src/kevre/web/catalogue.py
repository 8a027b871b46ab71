"""The catalogues of screen words: found in code and templates, kept as PO, compiled to MO.

`tools/messages.py` brings the PO files up to date; set-up compiles them, since compiled
files are not kept with the source.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

LANGUAGES = ("fr", "br", "en")
_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDER = _PACKAGE / "web" / "locale"
# gettext's own names, and what Django calls their lazy forms. None: the message alone.
_KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# Header lines that change at every run or name nobody.
_NOISE = (
    b'"Report-Msgid-Bugs-To',
    b'"POT-Creation-Date',
    b'"PO-Revision-Date',
    b'"Last-Translator',
    b'"Language-Team',
    b'"Generated-By',
)


def path(language: str) -> Path:
    """Give the PO file of a language."""
    return _FOLDER / language / "LC_MESSAGES" / "django.po"


def extracted() -> Catalog:
    """Gather every message that code and templates of the package ask gettext for."""
    catalog = Catalog(charset="utf-8")
    for source in sorted([*_PACKAGE.rglob("*.py"), *_PACKAGE.rglob("*.html")]):
        text = source.read_text("utf-8")
        if source.suffix == ".html":
            text = templatize(text)
        place = source.relative_to(_PACKAGE).as_posix()
        for _, message, _, context in extract(
            "python", io.BytesIO(text.encode()), keywords=_KEYWORDS
        ):
            catalog.add(message, locations=[(place, 0)], context=context)
    return catalog


def read(language: str) -> Catalog:
    """Read the catalogue of a language; its plural rule stands in the file's header."""
    with path(language).open("rb") as lines:
        return read_po(lines, locale=language)


def write(language: str, catalog: Catalog) -> None:
    """Write the catalogue of a language, sorted, so that a change shows as one."""
    catalog.fuzzy = False
    text = io.BytesIO()
    write_po(text, catalog, sort_output=True, include_lineno=False)
    kept = (one for one in text.getvalue().splitlines() if not one.startswith(_NOISE))
    path(language).write_bytes(b"\n".join(kept) + b"\n")


def update() -> dict[str, tuple[int, int]]:
    """Bring the PO files in step with the code; give (translated, all) of each language."""
    found = extracted()
    counts: dict[str, tuple[int, int]] = {}
    for language in LANGUAGES:
        catalog = read(language)
        catalog.update(found, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        write(language, catalog)
        counts[language] = count(catalog)
    return counts


def count(catalog: Catalog) -> tuple[int, int]:
    """Count the translated messages, and all."""
    messages = [one for one in catalog if one.id]
    return sum(_is_translated(one.string) for one in messages), len(messages)


def missing(language: str) -> tuple[str, ...]:
    """Give the messages of the code that a language does not translate yet."""
    catalog = read(language)
    absent = []
    for one in extracted():
        if not one.id:
            continue
        known = catalog.get(one.id if isinstance(one.id, str) else one.id[0], one.context)
        if known is None or not _is_translated(known.string):
            absent.append(one.id if isinstance(one.id, str) else one.id[0])
    return tuple(absent)


def _translated(catalog: Catalog) -> Catalog:
    """Drop what is not translated: compiled, a plural without words would stand in English."""
    for message in [one for one in catalog if one.id and not _is_translated(one.string)]:
        key = message.id if isinstance(message.id, str) else message.id[0]
        catalog.delete(key, message.context)
    return catalog


def compile_catalogues() -> tuple[Path, ...]:
    """Compile every PO file beside itself; a language's untranslated messages stay out."""
    written = []
    for language in LANGUAGES:
        target = path(language).with_suffix(".mo")
        compiled = io.BytesIO()
        write_mo(compiled, _translated(read(language)))
        # Several processes may do this at once: each puts its whole file in place.
        part = target.with_suffix(f".{os.getpid()}")
        part.write_bytes(compiled.getvalue())
        part.replace(target)
        written.append(target)
    return tuple(written)


def _is_translated(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) if isinstance(string, str) or string is None else all(string)
