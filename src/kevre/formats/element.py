"""Elements of XML, one at a time as it comes; of what else XML can do, nothing is allowed."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from kevre.model.errors import Malformed

# Without an element of interest, so much means that this is another kind of file.
_LONGEST = 64_000_000

Element = etree._Element  # noqa: SLF001 - the library's only name for it


def elements(pieces: Iterator[bytes], *tags: str) -> Iterator[Element]:
    """Give each element of these names when it has ended; what was given is emptied.

    Raises:
        Malformed: it is no XML, holds a document type, or one element is beyond bounds.
    """
    parser = etree.XMLPullParser(
        events=("end",),
        tag=tuple(f"{{*}}{tag}" for tag in tags),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    waiting = 0
    is_fed = False
    done: Element | None = None
    for piece in pieces:
        _fed(parser, piece)
        is_fed = True
        waiting += len(piece)
        for _, element in parser.read_events():
            if not isinstance(element, Element):
                continue
            if element.getroottree().docinfo.internalDTD is not None:
                raise Malformed("file.xml", "a document type is not allowed here")
            waiting = 0
            yield element
            element.clear(keep_tail=True)  # type: ignore[call-arg]  # incomplete stubs
            if done is not None and (parent := done.getparent()) is not None:
                parent.remove(done)
            done = element
        if waiting > _LONGEST:
            raise Malformed(
                "file.too_large",
                f"more than {_LONGEST // 1_000_000} MB in one piece",
                hint="split the file",
            )
    if is_fed:
        _fed(parser, None)


def _fed(parser: etree.XMLPullParser, piece: bytes | None) -> None:
    try:
        if piece is None:
            parser.close()
        else:
            parser.feed(piece)
    except etree.XMLSyntaxError as error:
        where = f"line {error.lineno or 1}"
        raise Malformed(
            "file.xml",
            "this is no XML, or is cut short",
            where=where,
            hint="fetch it again; what came before is kept",
        ) from error


def name_of(element: Element) -> str:
    """Give the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]
