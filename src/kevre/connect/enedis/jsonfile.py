"""Cuts a JSON file into the documents of one metering point each, one in memory at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kevre.connect.source import Source
from kevre.model.errors import Malformed

LARGEST = 64_000_000
_MEASURES = re.compile(rb'"mesures"\s*:\s*\[')
# What opens, closes or hides braces; a text that has no end yet lacks its last quote.
_BRACE = re.compile(rb'[{}\[\]]|"(?:[^"\\]|\\.)*("?)', re.DOTALL)
_LONGEST_TEXT = 65_536
_KEPT = 64


def documents(source: Source) -> Iterator[bytes]:
    """Give the documents: each element of `mesures`, or else the whole file.

    Raises:
        Malformed: one document is larger than LARGEST.
    """
    if b'"mesures"' not in source.head():
        yield source.whole(LARGEST).removeprefix(b"\xef\xbb\xbf")
        return
    cutter = _Cutter()
    for chunk in source.chunks():
        yield from cutter.take(chunk)
    if source.fault is None and cutter.is_open:
        raise Malformed("file.torn", "the file ends before it should", hint="fetch it again")


class _Cutter:
    """Cuts the elements of every `mesures` out of chunks, without reading anything twice."""

    def __init__(self) -> None:
        self._rest = b""
        self._at = 0
        self._depth = 0
        self._first = -1
        self._is_inside = False

    @property
    def is_open(self) -> bool:
        """Say whether a list of documents was begun and not ended."""
        return self._is_inside

    def take(self, chunk: bytes) -> Iterator[bytes]:
        """Give the documents that this chunk ends."""
        self._rest += chunk
        while self._is_inside or self._enter():
            document = self._next()
            if document is not None:
                yield document
            elif self._is_inside:
                break
        self._shorten()
        if len(self._rest) > LARGEST:
            raise Malformed(
                "file.too_large",
                f"more than {LARGEST // 1_000_000} MB in one piece",
                hint="split the file",
            )

    def _enter(self) -> bool:
        found = _MEASURES.search(self._rest, self._at)
        if found is None:
            self._at = max(self._at, len(self._rest) - _KEPT)
            return False
        self._at, self._is_inside = found.end(), True
        return True

    def _next(self) -> bytes | None:
        """Give the next document, None where the list ends or more is needed."""
        for found in _BRACE.finditer(self._rest, self._at):
            if found[1] == b"":
                self._at = found.start()
                self._check_unfinished()
                return None
            self._at = found.end()
            sign = found[0]
            if sign in b"{[":
                if self._depth == 0:
                    self._first = found.start()
                self._depth += 1
            elif sign in b"}]":
                if self._depth == 0:
                    self._is_inside = False
                    return None
                self._depth -= 1
                if self._depth == 0:
                    return self._document()
        return None

    def _document(self) -> bytes:
        document = self._rest[self._first : self._at]
        self._first = -1
        return document

    def _check_unfinished(self) -> None:
        if len(self._rest) - self._at > _LONGEST_TEXT:
            raise Malformed("enedis.json", f"a text is longer than {_LONGEST_TEXT} bytes")

    def _shorten(self) -> None:
        cut = self._first if self._first >= 0 else self._at
        self._rest = self._rest[cut:]
        self._at -= cut
        self._first = min(0, self._first)
