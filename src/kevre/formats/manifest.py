"""The manifest of a folder of Parquet files: what each holds, so that anyone can prove it.

A JSON file. Sums are texts, because they can be larger than what JSON readers hold exactly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from kevre.formats.parquet import Tally
from kevre.model.errors import Malformed
from kevre.model.month import Month

FORMAT = "kevre-readings-parquet"
VERSION = 1


@dataclass(frozen=True, slots=True)
class File:
    """What one file holds; of `series.parquet`, only rows, bytes and digest.

    Attributes:
        path: inside the folder.
        bytes: its length.
        first, last: earliest and latest start, ISO 8601 in UTC.
        sums: exact sum of the mantissas, by exponent; both written as text.
    """

    path: str
    rows: int
    bytes: int
    sha256: str
    first: str | None = None
    last: str | None = None
    sums: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, path: str, tally: Tally, *, length: int, sha256: str) -> Self:
        """Say what a file of readings holds."""
        sums = {str(exponent): str(total) for exponent, total in sorted(tally.sums.items())}
        return cls(
            path, tally.rows, length, sha256, _text(tally.first_s), _text(tally.last_s), sums
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder holds, and up to where it follows the node.

    Attributes:
        created: when this state was written, ISO 8601 in UTC.
        kevre: the version that wrote it.
        territory: code of the territory whose series it holds; None for all.
        since, until: the months that were asked for; None where open.
        closed: the last month that had ended when this was written.
        change: number of the last line of the change log that is dealt with.
        pending: months that are known to differ from the node; none after a whole run.
        series: the file that says what the series are.
        files: of readings, by month.
    """

    created: str
    kevre: str
    territory: str | None
    since: str | None
    until: str | None
    closed: str
    change: int
    pending: tuple[str, ...]
    series: File
    files: Mapping[str, File]

    def dump(self) -> str:
        """Write it as JSON."""
        whole = {"format": FORMAT, "version": VERSION} | asdict(self)
        return json.dumps(whole, indent=2) + "\n"

    @classmethod
    def load(cls, text: str) -> Self:
        """Read it back.

        Raises:
            Malformed: it is not such a manifest, or of another version.
        """
        try:
            whole: dict[str, Any] = json.loads(text)
            if (whole.pop("format"), whole.pop("version")) != (FORMAT, VERSION):
                raise _unreadable()
            whole["pending"] = tuple(whole["pending"])
            whole["series"] = File(**whole["series"])
            whole["files"] = {month: File(**one) for month, one in whole["files"].items()}
            for month in (*whole["files"], *whole["pending"], whole["closed"]):
                Month.parse(month)
            return cls(**whole)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unreadable() from error


def _text(at_s: int | None) -> str | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC).isoformat()


def _unreadable() -> Malformed:
    return Malformed(
        "export.manifest",
        "the manifest cannot be read by this version",
        where="manifest.json",
        hint="export into a new folder",
    )
