"""A count on disk that outlives a power cut, and never goes back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kevre.model.errors import Malformed, Unavailable


@dataclass(slots=True)
class Tally:
    """One whole number in one file, written whole or not at all."""

    path: Path
    count: int = 0
    _saved: int | None = None

    def open(self, start: int) -> None:
        """Read the count; where there is none it begins at `start`.

        Raises:
            Malformed: the file holds something else; a count is not guessed.
        """
        if self._saved is not None:
            return
        try:
            text = self.path.read_text("ascii").strip()
        except FileNotFoundError:
            self.count = start
            return
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable() from error
        if not text.isdecimal():
            raise Malformed(
                "tally.damaged",
                "the file of the count holds no number",
                where=self.path.name,
                hint="write into it what the meter's dial says, in pulses",
            )
        self.count = self._saved = int(text)

    def add(self, more: int) -> None:
        """Count on."""
        self.count += more

    def save(self) -> None:
        """Put the count on disk, if it changed.

        Raises:
            Unavailable: the disk is full or failing.
        """
        if self.count == self._saved:
            return
        new = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with new.open("w", encoding="ascii") as file:
                file.write(f"{self.count}\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self._unusable() from error
        self._saved = self.count

    def _unusable(self) -> Unavailable:
        return Unavailable(
            "tally.write",
            "the count cannot be kept",
            where=self.path.name,
            hint="look at the free space and the rights of its folder",
        )
