"""Lines of Enedis' CSV files, cut at semicolons; curves in whole runs of rows."""

from __future__ import annotations

from collections.abc import Iterator

from kevre.connect.enedis import row
from kevre.connect.enedis.row import Rows, Run
from kevre.connect.source import Source

SECTION = "Identifiant PRM"
# Runs shorter than this are not worth an array.
_FEW = 8
_EMPTY = b"\r\n;"


class Lines:
    """The lines of a file; stops before each new section."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._blocks = source.blocks()
        self._first = 1
        self._block = b""
        self._lines: list[bytes] = []
        self._at = 0
        self._rows: Rows | None = None
        self._held: tuple[int, list[str]] | None = None

    @property
    def may_be_cut(self) -> bool:
        """Say whether the line given last has no end."""
        return self._source.is_open_ended

    def next_filled(self) -> tuple[int, list[str]] | None:
        """Give the next line that holds something."""
        if self._held is not None:
            held, self._held = self._held, None
            return held
        while self._has_more():
            cells = _cells(self._lines[self._at].rstrip(b"\r"))
            self._at += 1
            if cells[0] or any(cells):
                return self._first + self._at - 1, cells
        return None

    def next_row(self) -> tuple[int, list[str]] | None:
        """Give the next filled line of this section, None at its end."""
        found = self.next_filled()
        if found is not None and found[1][0].startswith(SECTION):
            self._held = found
            return None
        return found

    def section(self) -> Iterator[tuple[int, list[str]]]:
        """Give the filled lines up to the next section."""
        while (found := self.next_row()) is not None:
            yield found

    def next_run(self) -> Run | None:
        """Give the rows that come next, if they are regular and many; else read one by one."""
        if self._held is not None or not self._has_more() or not self._block.endswith(b"\n"):
            return None
        if self._rows is None:
            self._rows = row.read(self._block)
        run = self._rows.run(self._at, self._first + self._at)
        if len(run) < _FEW:
            return None
        self._at += len(run)
        return run

    def _has_more(self) -> bool:
        while self._at >= len(self._lines):
            found = next(self._blocks, None)
            if found is None:
                return False
            if not found[1].strip(_EMPTY):
                continue  # a bomb of empty lines is passed over as fast as it unpacks
            self._first, self._block = found
            self._lines = self._block.removesuffix(b"\n").split(b"\n")
            self._at, self._rows = 0, None
        return True


def _cells(line: bytes) -> list[str]:
    try:
        return line.decode().removeprefix("\ufeff").split(";")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace").split(";")
