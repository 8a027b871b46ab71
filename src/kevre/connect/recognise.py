"""Recognises a file by its content and reads it in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from kevre.connect.archive import sources
from kevre.connect.emhass import parse as emhass
from kevre.connect.enedis import dataconnect, export, root
from kevre.connect.enedis import parse as enedis
from kevre.connect.gathering import Gathering, Hints
from kevre.connect.grdf import customer
from kevre.connect.grdf import parse as grdf
from kevre.connect.greenbutton import parse as greenbutton
from kevre.connect.meteofrance import parse as meteofrance
from kevre.connect.senml import parse as senml
from kevre.connect.source import Source, digest
from kevre.connect.table import parse as table
from kevre.model.batch import Batch
from kevre.model.errors import Malformed, Missing
from kevre.model.window import PARIS

__all__ = ["KINDS", "Hints", "Kind", "read"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Attributes:
        name: what people call it.
        fits: says from the first bytes whether a file is of this kind.
        parse: reads it; raises Malformed only where nothing can be read.
    """

    name: str
    fits: Callable[[bytes], bool]
    parse: Callable[[Source, Gathering, Hints], Iterator[Batch]]


KINDS = (
    Kind("Enedis curve or index (CSV)", enedis.fits, enedis.parse),
    Kind("Enedis workbook of the customer (XLSX)", export.fits, export.parse),
    Kind("Enedis Data Connect answer or file R6x (JSON)", dataconnect.fits, dataconnect.parse),
    Kind("answer of an Enedis SGE web service (XML)", root.is_answer, root.parse_answer),
    Kind("Enedis stream R50, R4x, R151, R171, R15 or C15 (XML)", root.is_stream, root.parse_stream),
    Kind("GRDF consumptions from ADICT (JSON)", grdf.fits, grdf.parse),
    Kind("GRDF export of the customer (XLSX, CSV)", customer.fits, customer.parse),
    Kind("GRDF answer of the customer's page", customer.fits_answer, customer.parse_answer),
    Kind("Green Button feed (XML)", greenbutton.fits, greenbutton.parse),
    Kind("Météo-France hourly observations (CSV)", meteofrance.fits, meteofrance.parse),
    Kind("house with photovoltaics, as EMHASS keeps it (CSV)", emhass.fits, emhass.parse),
    Kind("table of one series: start,value (CSV)", table.fits, table.parse),
    Kind("SenML (JSON, XML or CBOR)", senml.fits, senml.parse),
)


# Faults of a sheet that holds no readings, as the first page of a workbook does.
_COVERS = frozenset({"file.unrecognised", "file.empty", "enedis.no_rows"})


def read(path: Path, hints: Hints, on_bytes: Callable[[int], None]) -> Iterator[Batch]:
    """Read a file of any known kind.

    Args:
        path: the file; gzip, a zip of several files, and encrypted ones are opened.
        hints: what a person adds to what the file says.
        on_bytes: told how many bytes were read, as they are.

    Raises:
        Malformed: the file is of no known kind, or nothing in it can be read.
        Missing: the file cannot be opened.
    """
    refused: list[Malformed] = []
    left_out: list[Malformed] = []
    key = ""
    count = 0
    try:
        for count, source in enumerate(sources(path, on_bytes, hints.keys), start=1):
            try:
                kind = _recognise(source.head(), source.name)
                key = key or digest(path)
                numbered = key if count == 1 else f"{key}.{count}"
                gathering = Gathering("import", numbered, source.name)
                yield from _kept(kind.parse(source, gathering, _hints(source, hints)), gathering)
            except Malformed as error:
                (left_out if _is_cover(source, error) else refused).append(error)
    except OSError as error:
        raise _unreadable(error, path) from error
    if count and len(refused) + len(left_out) == count:
        raise (refused or left_out)[0]
    # Of several files in an archive, one that cannot be read does not hold back the others.
    if refused:
        yield from _told(refused, f"{key}.refused", path.name)


def _hints(source: Source, hints: Hints) -> Hints:
    """Give the hints for one source: cells hold no offsets, and mean local time."""
    return replace(hints, zone=PARIS) if source.is_sheet and hints.zone is None else hints


def _is_cover(source: Source, error: Malformed) -> bool:
    """Say whether this is a sheet without readings, such as the first page of a workbook."""
    return source.is_sheet and error.code in _COVERS


def _told(refused: list[Malformed], key: str, name: str) -> Iterator[Batch]:
    gathering = Gathering("import", key, name)
    for error in refused:
        gathering.fault(error, field=error.where)
    yield from gathering.rest()


def _unreadable(error: OSError, path: Path) -> Missing:
    why = error.strerror or type(error).__name__
    return Missing("file.unreadable", f"cannot be opened: {why}", where=path.name)


def _recognise(head: bytes, name: str) -> Kind:
    for kind in KINDS:
        if kind.fits(head):
            return kind
    known = "; ".join(kind.name for kind in KINDS)
    if not head:
        raise Malformed("file.empty", "the file is empty or cannot be unpacked", where=name)
    raise Malformed(
        "file.unrecognised",
        "this is no kind of file that is known here" + (" (it is binary)" if b"\0" in head else ""),
        where=f"{name}, line 1",
        hint=f"known are: {known}",
    )


def _kept(batches: Iterator[Batch], gathering: Gathering) -> Iterator[Batch]:
    """Keep what was read before something that ends the reading, which becomes a fault."""
    try:
        yield from batches
    except Malformed as error:
        if gathering.is_empty:
            name = gathering.source
            error.where = f"{name}, {error.where}" if error.where else name
            raise
        yield from gathering.rest(error)
