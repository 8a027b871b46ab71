"""Quoalise: readings with what they measure, as XML elements that XMPP stanzas carry.

Sources: the wire of Quoalise 0 (`urn:quoalise:0`) as its clients and servers speak it; SenML in
XML (RFC 8428). Records are compressed as those clients expect it: base name, time and unit on
the first one. A missing reading is left out, since they know no mark for it. Our labels `bst` and
`q` are attributes that they ignore.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, tostring

from kevre.formats import senml, senml_xml
from kevre.model import identifier
from kevre.model.batch import Batch, Column
from kevre.model.quality import Quality
from kevre.model.series import Kind, Statistic
from kevre.model.step import duration

NAMESPACE = "urn:quoalise:0"


_METERS = {"prm": ("electricity-meter", "enedis"), "pce": ("gas-meter", "grdf")}
_AGGREGATION = {Statistic.MEAN: "mean", Statistic.SUM: "sum", Statistic.MAX: "max"}
# What version 1 called the same series.
V1_NAMES = {
    "consumption/power/active/raw": "consumption_load",
    "production/power/active/raw": "production_load",
    "consumption/energy/active/daily": "daily_consumption",
    "production/energy/active/daily": "daily_production",
}


def element(columns: Iterable[Column], *, start_s: int | None = None) -> Element:
    """Write columns as one `quoalise` element, a `data` for each.

    Args:
        columns: one series each.
        start_s: given for version 1, whose base time is the start of the period asked for, and
            whose names and description are its own.
    """
    root = Element(_tag("quoalise"))
    for column in columns:
        data = SubElement(root, _tag("data"))
        meta = SubElement(data, _tag("meta"))
        _device(meta, column)
        if start_s is None:
            _measurement(meta, column)
        else:
            _measurement_v1(meta, column)
        data.append(_sensml(column, start_s))
    return root


def chunks(column: Column, size: int) -> Iterator[Column]:
    """Cut a column into parts of at most `size` readings."""
    for first in range(0, len(column), size):
        at = slice(first, first + size)
        yield Column(
            column.series,
            column.kind,
            column.exponent,
            column.start_s[at],
            column.step_s[at],
            column.value[at],
            column.quality[at],
        )


def notice(said: Mapping[str, str]) -> Element:
    """Write what a subscriber must know of a series, see docs/protocol; it holds no readings."""
    root = Element(_tag("quoalise"))
    SubElement(root, _tag("notice"), dict(said))
    return root


def batch(root: Element, *, now_s: int, origin: str, source: str) -> Batch:
    """Read a `quoalise` element, of our making or that of any other program.

    Raises:
        Malformed: it holds no `sensml`.
    """
    content = tostring(root)
    records = [_tolerant(record) for record in senml_xml.records(content)]
    return senml.batch(records, now_s=now_s, origin=origin, source=source, content=content)


def _tolerant(record: object) -> object:
    """Accept what the first servers write: `None` or `null` for a value that is missing."""
    if not isinstance(record, dict) or record.get("v") not in {"None", "null", ""}:
        return record
    return {label: value for label, value in record.items() if label != "v"} | {
        "q": int(Quality.MISSING)
    }


def _device(meta: Element, column: Column) -> None:
    name = identifier.parse(column.series)
    kind, authority = _METERS.get(name.authority, ("sensor", name.authority))
    device = SubElement(meta, _tag("device"), {"type": kind})
    SubElement(
        device,
        _tag("identifier"),
        {"authority": authority, "type": name.authority, "value": name.device},
    )


def _measurement(meta: Element, column: Column) -> None:
    kind, path = column.kind, identifier.parse(column.series).path
    about = {
        "name": _name(kind),
        "direction": kind.direction.value,
        "quantity": kind.quantity.partition("/")[0],
        "type": "electrical" if kind.fluid.value == "electricity" else kind.fluid.value,
        "unit": kind.unit,
    }
    if kind.statistic in _AGGREGATION:
        about["aggregation"] = _AGGREGATION[kind.statistic]
    if path.endswith(("/raw", "/corrected")):
        about["corrected"] = str(path.endswith("/corrected")).lower()
    step_s = column.step_s[0] if len(column) else 0
    if step_s:
        about["sampling-interval"] = duration(step_s)
    SubElement(meta, _tag("measurement"), about)


def _measurement_v1(meta: Element, column: Column) -> None:
    kind = column.kind
    measurement = SubElement(meta, _tag("measurement"))
    quantity = kind.quantity.partition("/")[0]
    physical = {"quantity": quantity, "type": "electrical", "unit": kind.unit}
    SubElement(measurement, _tag("physical"), physical)
    graph = "load-profile" if quantity == "power" else "active-energy"
    SubElement(measurement, _tag("business"), {"graph": graph, "direction": kind.direction.value})
    is_mean = kind.statistic is Statistic.MEAN
    SubElement(measurement, _tag("aggregate"), {"type": "average" if is_mean else "sum"})
    step_s = column.step_s[0] if len(column) else 0
    SubElement(measurement, _tag("sampling"), {"interval": str(step_s)})


def _name(kind: Kind) -> str:
    quantity, _, which = kind.quantity.partition("/")
    name = f"{which}-{quantity}" if which else quantity
    return f"{name}-index" if kind.statistic is Statistic.REGISTER else name


def _sensml(column: Column, start_s: int | None) -> Element:
    pack = Element(f"{{{senml_xml.NAMESPACE}}}sensml")
    name = column.series
    if start_s is not None:
        path = identifier.parse(name).path
        name = f"{name.removesuffix(path)}{V1_NAMES.get(path, path)}"
    base_s = start_s
    step_s = written_s = 0
    for record, reading_s in zip(senml.records([column]), column.start_s, strict=True):
        step_s = record.get("bst", step_s)  # also of a missing reading, which is left out
        if "v" not in record:
            continue
        attributes: dict[str, str] = {}
        if not len(pack):
            base_s = reading_s if base_s is None else base_s
            attributes = {"bn": name, "bt": str(base_s), "bu": column.kind.unit}
        if start_s is not None or reading_s != base_s:
            attributes["t"] = str(reading_s - (base_s or 0))
        value = record["v"]
        attributes["v"] = format(value, "f") if isinstance(value, Decimal) else str(value)
        if step_s != written_s:
            attributes["bst"] = str(step_s)
            written_s = step_s
        if "q" in record:
            attributes["q"] = str(record["q"])
        SubElement(pack, f"{{{senml_xml.NAMESPACE}}}senml", attributes)
    return pack


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
