"""Elements of large XML files, one at a time; of what else XML can do, nothing is allowed.

The tree is never built whole: each element is emptied after it was read, and taken out when
the one after it was. Entities and document types are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from lxml import etree

from kevre.model.errors import Malformed

# Without an element of interest, so much means that this is another kind of file.
_LONGEST = 64_000_000

Element = etree._Element  # noqa: SLF001 - the library's only name for it


def elements(
    pieces: Iterator[bytes], *tags: str, is_torn: Callable[[], bool] = lambda: False
) -> Iterator[Element]:
    """Give each element of these names when it has ended, in the order of their ends.

    What comes before a fault is given before the fault is told.

    Args:
        pieces: of the file, in order; nothing at all gives nothing.
        tags: names without a namespace.
        is_torn: asked at the end whether the pieces ended too early, which is told elsewhere.

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
    done: Element | None = None
    waiting = 0
    is_fed = False
    for piece in pieces:
        broken = _fed(partial(parser.feed, piece))
        is_fed = True
        waiting += len(piece)
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
    if is_fed and not is_torn() and (broken := _fed(parser.close)) is not None:
        raise broken


def name_of(element: Element) -> str:
    """Give the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _fed(feed: Callable[[], object]) -> Malformed | None:
    """Feed the parser; give what it breaks at, to be told after what came before it was read."""
    try:
        feed()
    except etree.XMLSyntaxError as error:
        broken = Malformed(
            "file.xml",
            "this is no XML, or is cut short",
            where=f"line {error.lineno or 1}",
            hint="fetch it again; what came before is kept",
        )
        broken.__cause__ = error
        return broken
    return None


def _refuse_doctype(element: Element) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise Malformed("file.xml", "a document type is not allowed here", where="line 1")


def _emptied(element: Element, done: Element | None) -> Element:
    # The element itself stays until another follows: the parser still writes beside it.
    element.clear(keep_tail=True)  # type: ignore[call-arg]  # incomplete stubs
    if done is not None and done is not element and (parent := done.getparent()) is not None:
        parent.remove(done)
    return element
