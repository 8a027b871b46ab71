"""Elements of large XML files, one at a time; of what else XML can do, nothing is allowed.

The tree is never built whole: each element is emptied after it was read, and taken out when
the one after it was. Entities and document types are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from lxml import etree

from kevre.connect.source import Source
from kevre.model.errors import Malformed

# Without an element of interest, so much means that this is another kind of file.
_LONGEST = 32_000_000

Element = etree._Element  # noqa: SLF001 - the library's only name for it


def elements(source: Source, tags: frozenset[str]) -> Iterator[Element]:
    """Give each element of these names when it has ended, in the order of their ends.

    Raises:
        Malformed: it is not XML, holds a document type, or one element is beyond bounds.
    """
    parser = etree.XMLPullParser(
        events=("end",),
        tag=tuple(f"{{*}}{tag}" for tag in sorted(tags)),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
    )
    done: Element | None = None
    waiting = 0
    for chunk in source.chunks():
        broken = _fed(parser.feed, chunk)
        waiting += len(chunk)
        for _, element in parser.read_events():
            if not isinstance(element, Element):
                continue
            _refuse_doctype(element)
            waiting = 0
            yield element
            done = _emptied(element, done)
        if broken is not None:
            raise broken
        if waiting > _LONGEST:
            raise Malformed(
                "file.too_large",
                f"more than {_LONGEST // 1_000_000} MB in one piece",
                hint="split the file",
            )
    if source.fault is None and (broken := _fed(lambda _: parser.close(), b"")) is not None:
        raise broken


def _fed(feed: Callable[[bytes], object], chunk: bytes) -> Malformed | None:
    """Feed a chunk; what it breaks is told after what came before it was read."""
    try:
        feed(chunk)
    except etree.XMLSyntaxError as error:
        broken = Malformed(
            "enedis.xml",
            "this is not XML, or is cut short",
            where=f"line {error.lineno or 1}",
            hint="fetch it again; what came before is kept",
        )
        broken.__cause__ = error
        return broken
    return None


def _refuse_doctype(element: Element) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise Malformed("enedis.xml", "a document type is not allowed here", where="line 1")


def _emptied(element: Element, done: Element | None) -> Element:
    # The element itself stays until another follows: the parser still writes beside it.
    element.clear(keep_tail=True)  # type: ignore[call-arg]  # incomplete stubs
    if done is not None and (parent := done.getparent()) is not None and done is not element:
        parent.remove(done)
    return element


def text(element: Element | None, name: str) -> str:
    """Give the text of a child; empty where there is none."""
    return "" if element is None else (element.findtext(name) or "").strip()


def name_of(element: Element) -> str:
    """Give the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def parts(element: Element) -> dict[str, object]:
    """Give what an element holds as the same in JSON would: names, texts, lists of the repeated."""
    found: dict[str, object] = {}
    for child in element:
        held: object = parts(child) if len(child) else (child.text or "").strip()
        name = name_of(child)
        before = found.get(name)
        if before is None:
            found[name] = held
        elif isinstance(before, list):
            before.append(held)
        else:
            found[name] = [before, held]
    return found


class Texts:
    """Reads the same children of many elements at once: a column for each of their names.

    One search a column is three times as fast as one a cell; it is good only if every
    element has every child with a text, so counts are compared.
    """

    def __init__(self, row: str, names: tuple[str, ...], *, are_attributes: bool = False) -> None:
        self._row = row
        self._names = names
        self._are_attributes = are_attributes
        tails = [f"@{name}" if are_attributes else f"{name}/text()" for name in names]
        self._searches = [etree.XPath(f"{row}/{tail}", smart_strings=False) for tail in tails]

    def columns(self, parent: Element) -> list[list[str]]:
        """Give the columns; a cell without a text is empty."""
        count = sum(1 for _ in parent.iterchildren(self._row))
        found = [cast("list[str]", search(parent)) for search in self._searches]
        for place, column in enumerate(found):
            if len(column) != count:
                found[place] = self._cells(parent, self._names[place]) if column else [""] * count
        return found

    def _cells(self, parent: Element, name: str) -> list[str]:
        rows = parent.iterchildren(self._row)
        if self._are_attributes:
            return [str(row.get(name) or "") for row in rows]
        return [row.findtext(name) or "" for row in rows]
