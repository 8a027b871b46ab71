"""Téléinformation: what a French electricity meter says on its customer port.

Follows Enedis-NOI-CPT_54E, "Sorties de télé-information client des appareils de comptage
Linky utilisés en généralisation par Enedis", in both modes. A frame stands between STX and
ETX; a group of it between LF and CR: label, separator, [stamp, separator,] text, separator,
checksum. Historical: 1200 baud, space. Standard: 9600 baud, HT. Both 7 bits, even parity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

_STX, _ETX, _EOT, _LF, _CR = b"\x02", b"\x03", b"\x04", b"\n", b"\r"
_PIECES = re.compile(rb"[\x02-\x04\n\r\x82-\x84\x8a\x8d]|[^\x02-\x04\n\r\x82-\x84\x8a\x8d]+")
_LABEL = re.compile(r"[A-Z][A-Za-z0-9+\-]{1,8}\Z")
_TEXT = re.compile(r"[\x20-\x7e]*\Z")
_STAMP = re.compile(r"[EHeh ][0-9]{12}\Z")
# PJOURF+1, the longest group, has 110 characters; a frame of a three-phase producer 1,400.
_LONGEST_GROUP = 160
_MOST_GROUPS = 120
_NOISE = 0  # what a character of wrong parity becomes: no text holds it
_SUMMER, _WINTER = timezone(timedelta(hours=2)), timezone(timedelta(hours=1))


def _is_even(code: int) -> bool:
    return code.bit_count() % 2 == 0


_MASKED = bytes(code & 0x7F for code in range(256))
_CHECKED = bytes(code & 0x7F if _is_even(code) else _NOISE for code in range(256))
_WITH_PARITY = bytes(code if _is_even(code) else code | 0x80 for code in range(128)) + bytes(128)


class Mode(StrEnum):
    """How the meter's port is set; it says the same things in other words."""

    HISTORICAL = "historical"
    STANDARD = "standard"

    @property
    def baud(self) -> int:
        """Give the speed of the port [bit/s]."""
        return 1_200 if self is Mode.HISTORICAL else 9_600

    @property
    def separator(self) -> str:
        """Give the character between the fields of a group."""
        return " " if self is Mode.HISTORICAL else "\t"


@dataclass(frozen=True, slots=True)
class Stamp:
    """The instant a meter gives with a value: season, then YYMMDDhhmmss of legal time."""

    text: str

    @property
    def is_degraded(self) -> bool:
        """Say whether the meter warns that its clock may be wrong (small letter)."""
        return self.text[0] in "eh"

    @property
    def instant(self) -> datetime | None:
        """Give the instant in UTC, or None where the season is blank or the date is none.

        The season letter decides between the two hours of October that have one name.
        """
        zone = {"E": _SUMMER, "H": _WINTER}.get(self.text[0].upper())
        if zone is None:
            return None
        try:
            return (
                datetime.strptime(self.text[1:], "%y%m%d%H%M%S")
                .replace(tzinfo=zone)
                .astimezone(UTC)
            )
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Value:
    """What stands beside a label, as the meter wrote it."""

    text: str
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """The groups of one frame whose checksum holds, in the meter's order."""

    mode: Mode
    labels: Mapping[str, Value]


@dataclass(slots=True)
class Counts:
    """What a decoder met: a bad cable shows here before it shows in the readings."""

    frames: int = 0
    torn: int = 0  # frames without a beginning or an end, or with two of one label
    checksum_errors: int = 0
    malformed: int = 0  # groups that are no groups


@dataclass(slots=True)
class Decoder:
    """Makes frames of whatever bytes arrive, in pieces of any size; keeps one frame at most.

    A group counts only when its checksum holds and nothing but CR stands between it and
    the next LF or ETX: so a disturbed character can end a group early without its
    beginning passing for a whole one. Where the line carries the parity bit (STX is then
    0x82), it is checked too, which finds what six bits of checksum cannot.
    """

    counts: Counts = field(default_factory=Counts)
    _groups: dict[str, tuple[Mode, Value]] | None = None  # None: outside a frame
    _closed: bytes | None = None  # a group ended by CR, not yet followed by LF or ETX
    _open: bytearray | None = None  # the group being read, None between groups
    _is_spoilt: bool = False  # the group being read began inside another one
    _table: bytes = _MASKED

    def feed(self, chunk: bytes) -> tuple[Frame, ...]:
        """Take bytes as they came and give the frames they complete."""
        return tuple(self._read(chunk))

    def _read(self, chunk: bytes) -> Iterator[Frame]:
        for found in _PIECES.finditer(chunk):
            piece = found[0]
            control = piece.translate(_MASKED) if len(piece) == 1 else b""
            if control == _STX:
                self._begin(piece)
            elif self._groups is None:
                continue
            elif control == _ETX:
                yield from self._end()
            elif control == _EOT:
                self._drop()
            elif control == _LF:
                self._begin_group()
            elif control == _CR:
                self._end_group()
            else:
                self._take(piece)

    def _begin(self, piece: bytes) -> None:
        if self._groups is not None:
            self._drop()
        self._forget()
        self._groups = {}
        self._table = _MASKED if piece == _STX else _CHECKED

    def _drop(self) -> None:
        self.counts.torn += 1
        self._forget()

    def _forget(self) -> None:
        self._groups = self._closed = self._open = None
        self._is_spoilt = False

    def _end(self) -> Iterator[Frame]:
        if self._open is not None:
            self.counts.malformed += 1
        self._keep_closed()
        groups = self._groups
        self._forget()
        if not groups:
            return
        # A frame has one mode; a group that reads in the other is noise.
        mode = next(iter(groups.values()))[0]
        labels = {label: value for label, (spoken, value) in groups.items() if spoken is mode}
        self.counts.frames += 1
        self.counts.malformed += len(groups) - len(labels)
        yield Frame(mode, labels)

    def _begin_group(self) -> None:
        self._keep_closed()
        if self._open is not None:
            self.counts.malformed += 1
        self._is_spoilt = self._open is not None
        self._open = bytearray()

    def _end_group(self) -> None:
        if self._open is None:
            return
        if self._is_spoilt:
            self.counts.malformed += 1
        else:
            self._closed = bytes(self._open)
        self._open = None

    def _take(self, piece: bytes) -> None:
        if self._open is None:
            self._spoil_closed()
        elif len(self._open) + len(piece) <= _LONGEST_GROUP:
            self._open += piece
        else:
            self._is_spoilt = True

    def _spoil_closed(self) -> None:
        if self._closed is not None:
            self._closed = None
            self.counts.malformed += 1

    def _keep_closed(self) -> None:
        if self._closed is None or self._groups is None:
            return
        group = self._closed.translate(self._table).decode("ascii")
        self._closed = None
        read = _group(group)
        if read is None:
            self.counts.malformed += 1
            return
        mode, label, value = read
        if group[-1] != checksum(group[:-1], mode):
            self.counts.checksum_errors += 1
        elif label in self._groups or len(self._groups) == _MOST_GROUPS:
            self._drop()  # an ETX and an STX were lost: two frames would mix
        else:
            self._groups[label] = mode, value


def checksum(group: str, mode: Mode) -> str:
    """Give the checksum character of a group, from its label to its last separator.

    Historical mode leaves the last separator out of the sum, standard mode counts it.

    >>> checksum("ADCO 812164417227 ", Mode.HISTORICAL)
    'D'

    Source: Enedis-NOI-CPT_54E, "Checksum": S1 is the sum of the characters,
    the checksum (S1 & 0x3F) + 0x20.
    """
    summed = group if mode is Mode.STANDARD else group[:-1]
    s1 = sum(summed.encode("ascii"))
    return chr((s1 & 0x3F) + 0x20)


def encode(frame: Frame, *, parity: bool = True) -> bytes:
    """Write a frame as a meter does, with the even parity bit as the eighth, or without."""
    groups = b"".join(
        _LF + _written(label, value, frame.mode) + _CR for label, value in frame.labels.items()
    )
    plain = _STX + groups + _ETX
    return plain.translate(_WITH_PARITY) if parity else plain


def frames(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """Decode a whole capture, piece by piece."""
    decoder = Decoder()
    for chunk in chunks:
        yield from decoder.feed(chunk)


def _written(label: str, value: Value, mode: Mode) -> bytes:
    fields = (label, value.stamp.text, value.text) if value.stamp else (label, value.text)
    group = "".join(part + mode.separator for part in fields)
    return (group + checksum(group, mode)).encode("ascii")


def _group(group: str) -> tuple[Mode, str, Value] | None:
    """Split a group into mode, label and value; None where it has no such shape."""
    mode = Mode.STANDARD if group[-2:-1] == "\t" else Mode.HISTORICAL
    if group[-2:-1] != mode.separator:
        return None
    label, separator, rest = group[:-2].partition(mode.separator)
    if not separator or not _LABEL.match(label):
        return None
    value = Value(rest) if mode is Mode.HISTORICAL else _standard_value(rest)
    if value is None or not _TEXT.match(value.text):
        return None
    return mode, label, value


def _standard_value(rest: str) -> Value | None:
    stamp, separator, text = rest.partition("\t")
    if not separator:
        return Value(rest)
    return Value(text, Stamp(stamp)) if _STAMP.match(stamp) else None
