"""What clients of emoncms send to `input/post` and `input/bulk`, as values of inputs.

Follows the behaviour of emoncms 11 (openenergymonitor/emoncms, its input API page), with these
deviations: `null` is no reading, where emoncms stores 0; times in milliseconds are seen as
such; a time that cannot be read is refused, where emoncms takes the time of arrival; a text
that is no number is a fault, where emoncms stores 0.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from kevre.formats.document import document
from kevre.model import exact
from kevre.model.errors import KevreError, Malformed
from kevre.model.exact import Exact
from kevre.model.input import MOST_NAME, MOST_NODE, InputName, InputValue, Posted, short
from kevre.model.reading import Fault

_FORMS = ("json", "fulljson", "csv", "data")
_REFERENCES = ("sentat", "offset", "time")
_MILLISECONDS_FROM = 1e11  # the year 5138 in seconds, 1973 in milliseconds
_LEAST_ROW = 3  # time, node, one value
_MOST_BYTES = 16 * 2**20
_MOST_ROWS = 100_000
_NO_NODE = "0"


@dataclass(slots=True)
class _Reader:
    """Gathers what one post holds."""

    values: list[InputValue] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    nulls: int = 0

    def take(self, name: InputName, at_s: int, given: object, line: int) -> None:
        """Take one value; what is no number becomes a fault."""
        if _is_null(given):
            self.nulls += 1
            return
        try:
            self.values.append(InputValue(name, at_s, _number(given), line=line))
        except KevreError as error:
            raw = f"{name} {given!r}"
            self.faults.append(Fault.of(error, line=line, field=name.name[:80], raw=raw))

    def posted(self) -> Posted:
        """Give what was gathered."""
        return Posted(tuple(self.values), tuple(self.faults), self.nulls)


def read_post(parameters: Mapping[str, str], now_s: int) -> Posted:
    """Read one post: `node`, one of json, fulljson, csv and data, and `time`.

    Raises:
        Malformed: it is not in a form of emoncms; the message is the one that it gives.
    """
    form = next((form for form in _FORMS if parameters.get(form)), None)
    if form is None:
        raise _wrong("Request contains no data via csv, json or data tag")
    at_s = _time(parameters.get("time", ""), now_s)
    # The presence of fulljson asks for strict JSON, whichever form comes first.
    if "fulljson" in parameters:
        named = _strict(parameters[form])
        inner = [name for name in named if name.lower() == "time"]
        for name in inner:
            said = named.pop(name)
            at_s = at_s if parameters.get("time") else _time(_text(said), now_s)
    else:
        named = dict(_loose(parameters[form]))
    node = _clean(parameters.get("node", ""), MOST_NODE) or _NO_NODE
    reader = _Reader()
    for name, given in named.items():
        cleaned = _clean(name, MOST_NAME)
        if cleaned:
            reader.take(InputName(node, cleaned), at_s, given, 1)
    if reader.faults and "fulljson" not in parameters:
        raise _wrong("Format error, json value is not numeric")
    return reader.posted()


def read_bulk(parameters: Mapping[str, str], body: bytes, now_s: int) -> Posted:
    """Read many posts at once: rows of time, node and values.

    Args:
        parameters: with `data`, and what says how the times of the rows are meant.
        body: the whole request, for `cb=1`: then it is `data`, compressed.
        now_s: time of arrival.

    Raises:
        Malformed: as `read_post`.
    """
    rows = _json(_data(parameters, body))
    if not isinstance(rows, list) or not rows:
        raise _wrong("Format error, json string supplied is not valid")
    if len(rows) > _MOST_ROWS:
        raise _wrong("Format error, too many rows at once")
    reference_s = _reference(parameters, rows, now_s)
    reader = _Reader()
    for line, row in enumerate(rows, 1):
        try:
            _take_row(reader, row, reference_s, line)
        except KevreError as error:
            raw = json.dumps(row, default=str)[:200]
            reader.faults.append(Fault.of(error, line=line, field="row", raw=raw))
    return reader.posted()


def _take_row(reader: _Reader, row: object, reference_s: int, line: int) -> None:
    if not isinstance(row, list):
        raise _wrong("Format error, bulk item is not an array")
    if len(row) < _LEAST_ROW:
        return
    at_s = reference_s + _seconds(row[0])
    if isinstance(row[1], dict | list):
        raise _wrong("Format error, node must not be an object")
    node = _clean(_text(row[1]), MOST_NODE) or _NO_NODE
    place = 0
    for given in row[2:]:
        if isinstance(given, dict):
            for name, one in given.items():
                cleaned = _clean(name, MOST_NAME)
                if cleaned:
                    reader.take(InputName(node, cleaned), at_s, one, line)
            continue
        place += 1
        reader.take(InputName(node, str(place)), at_s, given, line)


def _reference(parameters: Mapping[str, str], rows: list[object], now_s: int) -> int:
    """Give the time that the times of the rows count from."""
    said = next((name for name in _REFERENCES if parameters.get(name, "") != ""), None)
    if said == "time":
        return _seconds(parameters["time"])
    if said is not None:
        return now_s - _seconds(parameters[said])
    last = rows[-1]
    if not isinstance(last, list) or not last:
        raise _wrong("Format error, last item in bulk data does not contain any data")
    return now_s - _seconds(last[0])


def _data(parameters: Mapping[str, str], body: bytes) -> str:
    if parameters.get("cb") == "1":
        return _inflated(body)
    if parameters.get("c") == "1":
        try:
            return _inflated(bytes.fromhex(parameters.get("data", "")))
        except ValueError as error:
            raise _wrong("Format error, compressed data is not hexadecimal") from error
    if not parameters.get("data"):
        raise _wrong("Format error, json string supplied is not valid")
    return parameters["data"]


def _inflated(packed: bytes) -> str:
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, _MOST_BYTES)
    except zlib.error as error:
        raise _wrong("Format error, data is not compressed") from error
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise _wrong("Format error, compressed data is torn or too large")
    return plain.decode("utf-8", "replace")


def _strict(text: str) -> dict[str, object]:
    read = _json(text)
    if isinstance(read, list):
        read = {str(place): one for place, one in enumerate(read)}
    if not isinstance(read, dict) or any(isinstance(one, dict | list) for one in read.values()):
        raise _wrong("Input in not a valid JSON object")
    return read


def _json(text: str) -> object:
    try:
        return document(text)
    except ValueError as error:
        raise _wrong("Input in not a valid JSON object") from error


def _loose(text: str) -> Iterator[tuple[str, str]]:
    """Read what emoncms takes for JSON or CSV: braces and quotes mean nothing."""
    place = 0
    for part in re.sub(r"[{}\"']", "", text).split(","):
        name, colon, given = part.partition(":")
        if not colon:
            place += 1
            name, given = str(place), part
        yield name.strip(), given.strip()


def _number(given: object) -> Exact:
    if isinstance(given, bool):
        return int(given), 0
    if isinstance(given, Decimal):
        return exact.from_decimal(given)
    return exact.parse(_text(given))


def _is_null(given: object) -> bool:
    return given is None or (isinstance(given, str) and given.lower() in {"", "null", "nan"})


def _time(text: str, now_s: int) -> int:
    if not text:
        return now_s
    try:
        return _seconds(text)
    except KevreError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise _wrong("Format error, time is not understood") from error
    if at.tzinfo is None:
        raise _wrong("Format error, time has no zone")
    return math.floor(at.astimezone(UTC).timestamp())


def _seconds(given: object) -> int:
    """Give whole seconds; a fraction is cut, and milliseconds are seen as such."""
    text = _text(given).strip()
    try:
        number = Decimal(text)
    except ArithmeticError as error:
        raise _wrong("Format error, time is not understood") from error
    if not number.is_finite() or abs(number) > _MILLISECONDS_FROM * 1_000:
        raise _wrong("Format error, time is not understood")
    if abs(number) > _MILLISECONDS_FROM:
        number /= 1_000
    return int(number)


def _text(given: object) -> str:
    return given if isinstance(given, str) else str(given)


def _clean(name: str, most: int) -> str:
    """Keep of a name what emoncms keeps: letters and digits of any script, and _ - . space."""
    return short(re.sub(r"[^\w\s.\-]", "", name).replace("\n", " ").strip(), most)


def _wrong(message: str) -> Malformed:
    return Malformed("emoncms.format", message, hint="see docs/users/entrance.md")
