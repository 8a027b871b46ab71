"""SenML in XML (RFC 8428, section 7), as Quoalise carries it.

Entities, external or not, and document types are refused: nothing here needs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from lxml import etree

from kevre.formats import senml
from kevre.model.batch import Batch, Column
from kevre.model.errors import Malformed

MEDIA_TYPE = "application/senml+xml"
NAMESPACE = "urn:ietf:params:xml:ns:senml"
_NUMERIC = frozenset({"bt", "bv", "t", "v", "s", "bs", "ut", "bver", "st", "bst", "q", "bq"})
_WHOLE = frozenset({"bver", "q", "bq"})


def decode_xml(content: bytes, *, now_s: int, origin: str, source: str = "") -> Batch:
    """Read a pack.

    Raises:
        Malformed: it is not XML, holds a document type, or no `sensml` element.
    """
    return senml.batch(records(content), now_s=now_s, origin=origin, source=source, content=content)


def records(content: bytes) -> list[object]:
    """Give the records of every `sensml` element, with the labels of the JSON form.

    Raises:
        Malformed: as `decode_xml`.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise Malformed("senml.xml", "this is not XML", where=f"line {line or 1}") from error
    if root.getroottree().docinfo.doctype:  # type: ignore[union-attr]  # incomplete stubs
        raise Malformed("senml.xml", "a document type is not allowed here", where="line 1")
    packs = list(root.iter(f"{{{NAMESPACE}}}sensml"))
    if not packs:
        raise Malformed(
            "senml.xml", "there is no sensml element", hint=f"its namespace is {NAMESPACE}"
        )
    return [_record(one) for pack in packs for one in pack.iter(f"{{{NAMESPACE}}}senml")]


def encode_xml(columns: Iterable[Column]) -> bytes:
    """Write columns as one `sensml` element."""
    root = etree.Element(f"{{{NAMESPACE}}}sensml", nsmap={None: NAMESPACE})  # type: ignore[dict-item]  # stubs
    for record in senml.records(columns):
        one = etree.SubElement(root, f"{{{NAMESPACE}}}senml")
        for label, value in record.items():
            one.set(label, format(value, "f") if isinstance(value, Decimal) else str(value))
    return etree.tostring(root)


def _record(element: etree._Element) -> dict[str, object]:
    return {str(label): _value(str(label), str(text)) for label, text in element.attrib.items()}


def _value(label: str, text: str) -> object:
    """Give numbers as numbers; a text in their place is left for the core to refuse."""
    if label == "vb":
        return text == "true"
    if label not in _NUMERIC:
        return text
    try:
        number = Decimal(text.strip())
        return int(number) if label in _WHOLE else number
    except (ArithmeticError, ValueError):
        return text
