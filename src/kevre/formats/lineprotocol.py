r"""InfluxDB line protocol, read line by line as it arrives.

Follows "Line protocol" of the InfluxDB v2 documentation (docs.influxdata.com). A line is
`measurement,tag=value field=value,field=value time`. Numbers become values of inputs; texts
and booleans are no measurements and are passed over. The measurement is the node, tags and
field together the name. Home Assistant writes the unit where the measurement stands.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kevre.model import exact
from kevre.model import unit as units
from kevre.model.errors import KevreError, Malformed
from kevre.model.exact import Exact
from kevre.model.input import MOST_NAME, MOST_NODE, InputName, InputValue, Posted, short
from kevre.model.reading import Fault

# Parts of a second in each precision, and seconds in the coarse ones.
_FINE = {"ns": 10**9, "n": 10**9, "us": 10**6, "u": 10**6, "ms": 10**3, "s": 1}
_COARSE = {"m": 60, "h": 3_600}
_LONGEST = 64 * 1024  # bytes of one line
_MOST_JOINED = 50  # lines of one text that holds line breaks
AT_ONCE = 5_000  # values of one batch

_HEAD = re.compile(r"((?:[^\\ ]|\\.)+) +", re.DOTALL)
_TAG = re.compile(r"((?:[^\\,=]|\\.)+)=((?:[^\\,=]|\\.)+)", re.DOTALL)
_COMMA = re.compile(r"(?:[^\\,]|\\.)+", re.DOTALL)
_FIELD = re.compile(
    r'((?:[^\\,= ]|\\.)+)=("(?:[^"\\]|\\.)*"|[^, "]+)(,|\s+|\Z)', re.DOTALL
)  # fmt: skip
_TORN = re.compile(r'(?:[^\\,= ]|\\.)+="(?:[^"\\]|\\.)*\\?\Z', re.DOTALL)
_TIME = re.compile(r"-?[0-9]{1,19}\s*\Z")
_ESCAPED = re.compile(r"\\([,= ])")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_WHOLE = re.compile(r"[+-]?[0-9]+[iu]\Z")
_BOOLEANS = {"t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"}


class _Torn(Exception):
    """A text goes on in the next line."""


@dataclass(frozen=True, slots=True)
class Clock:
    """How times are written, and the time of lines that have none."""

    precision: str
    now_s: int

    def __post_init__(self) -> None:
        """Refuse a precision that is not known."""
        if self.precision not in _FINE and self.precision not in _COARSE:
            raise Malformed("line.precision", "invalid precision", hint="ns, us, ms or s")

    def seconds(self, text: str) -> int:
        """Read a time, or take that of arrival."""
        if not text:
            return self.now_s
        if not _TIME.match(text):
            raise _bad("bad timestamp")
        ticks = int(text)
        if self.precision in _COARSE:
            return ticks * _COARSE[self.precision]
        return ticks // _FINE[self.precision]


def read(pieces: Iterable[bytes], clock: Clock) -> Iterator[Posted]:
    """Read lines from pieces of any size; gives some thousand values at a time, in order.

    A line that cannot be read is a fault with its number; the others are read.
    """
    values: list[InputValue] = []
    faults: list[Fault] = []
    for number, line in _whole_lines(_lines(pieces)):
        try:
            values.extend(_values(line, clock, number))
        except (_Torn, KevreError) as error:
            mistake = error if isinstance(error, KevreError) else _bad("unbalanced quotes")
            faults.append(Fault.of(mistake, line=number, field="line", raw=line[:200]))
        if len(values) >= AT_ONCE or len(faults) >= AT_ONCE:
            yield Posted(tuple(values), tuple(faults))
            values, faults = [], []
    if values or faults:
        yield Posted(tuple(values), tuple(faults))


def _lines(pieces: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Cut pieces into lines, numbered from 1; of one that is too long only the beginning."""
    number, rest = 0, b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            number += 1
            yield number, line[: _LONGEST + 1].decode("utf-8", "replace").rstrip("\r")
        rest = rest[: _LONGEST + 1]
    if rest:
        yield number + 1, rest.decode("utf-8", "replace").rstrip("\r")


def _whole_lines(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Join lines that one text goes through; leave comments and empty ones out.

    Where no end of the text is found, the first line stands alone, and those that were
    looked at are read as lines of their own.
    """
    ahead: deque[tuple[int, str]] = deque()
    while found := (ahead.popleft() if ahead else next(lines, None)):
        number, line = found
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        taken: list[tuple[int, str]] = []
        joined = line
        while _is_torn(joined) and len(taken) < _MOST_JOINED:
            following = ahead.popleft() if ahead else next(lines, None)
            if following is None:
                break
            taken.append(following)
            joined = f"{joined}\n{following[1]}"
        if taken and _is_torn(joined):
            ahead.extendleft(reversed(taken))
            joined = line
        yield number, joined


def _is_torn(line: str) -> bool:
    if '"' not in line or len(line) > _LONGEST:
        return False
    try:
        for _field in _fields(line, _head(line).end()):
            pass
    except _Torn:
        return True
    except KevreError:
        return False
    return False


def _values(line: str, clock: Clock, number: int) -> list[InputValue]:
    if len(line) > _LONGEST:
        raise _bad("line is too long")
    head = _head(line)
    node, tags = _named(head[1])
    unit = _unit(node)
    found: list[tuple[str, Exact]] = []
    end = head.end()
    for name, text, stop in _fields(line, end):
        end = stop
        value = _value(text)
        if value is not None:
            found.append((name, value))
    at_s = clock.seconds(line[end:].strip())
    return [
        InputValue(InputName(node, _name(tags, name)), at_s, value, unit, number)
        for name, value in found
    ]


def _head(line: str) -> re.Match[str]:
    found = _HEAD.match(line.lstrip() if line[:1] == " " else line)
    if found is None:
        raise _bad("missing fields")
    return found


def _named(head: str) -> tuple[str, list[str]]:
    """Read measurement and tags; tags in the order of their names."""
    parts = _COMMA.findall(head)
    if not parts or head.startswith(","):
        raise _bad("missing measurement")
    tags = []
    for part in parts[1:]:
        tag = _TAG.fullmatch(part)
        if tag is None:
            raise _bad("missing tag value")
        tags.append(f"{_plain(tag[1])}={_plain(tag[2])}")
    return short(_plain(parts[0]), MOST_NODE), sorted(tags)


def _fields(line: str, start: int) -> Iterator[tuple[str, str, int]]:
    """Give name, text and end of each field."""
    at = start
    while True:
        found = _FIELD.match(line, at)
        if found is None:
            if _TORN.match(line, at):
                raise _Torn
            raise _bad("invalid field format")
        at = found.end()
        yield _plain(found[1]), found[2], at
        if found[3] != ",":
            return


def _value(text: str) -> Exact | None:
    """Read a number; None for a text or a boolean."""
    if text[0] == '"' or text in _BOOLEANS:
        return None
    if _WHOLE.match(text):
        return exact.parse(text[:-1])
    if _NUMBER.match(text):
        return exact.parse(text)
    raise _bad("invalid number")


def _name(tags: list[str], field: str) -> str:
    return short(f"{','.join(tags)} {field}".strip(), MOST_NAME)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _unit(measurement: str) -> str:
    try:
        units.unit(measurement)
    except KevreError:
        return ""
    return measurement


def _bad(message: str) -> Malformed:
    return Malformed("line.malformed", message, hint="see the documentation of line protocol")
