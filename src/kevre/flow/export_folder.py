"""The folder of an export: each step is wholly done or not at all, whenever it is cut.

What is new is staged in `_new/`, beside the manifest that will name it; that manifest's
arrival decides. Before it, the folder is as it was; after it, the next opening finishes the
moves. Each file is whole at every moment. Engines pass over names that begin with `_`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from kevre.formats import parquet
from kevre.formats.block import Block
from kevre.formats.manifest import File, Manifest
from kevre.formats.parquet import SeriesRow, Tally
from kevre.model.errors import Conflict
from kevre.model.month import Month

MANIFEST = "manifest.json"
SERIES = "series.parquet"
_STAGE = "_new"


class ExportFolder:
    """One folder; opening it finishes or forgets what an earlier run left."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stage = path / _STAGE
        if not path.exists():
            # Who is in the folder reads how people live: nobody but its owner may look in.
            path.mkdir(parents=True, mode=0o700)
        elif any(path.iterdir()) and not (path / MANIFEST).exists() and not self._stage.exists():
            raise Conflict(
                "export.folder",
                "the folder holds something else than an export of readings",
                where=path.name,
                hint="name a new or empty folder",
            )
        self._settle()
        text = path / MANIFEST
        self.manifest = Manifest.load(text.read_text("utf-8")) if text.exists() else None

    def series(self) -> list[SeriesRow]:
        """Give what the folder says of the series; nothing where it is new."""
        return parquet.read_series(self.path / SERIES) if self.manifest else []

    def put_series(self, rows: Sequence[SeriesRow]) -> File:
        """Stage what is said of the series, for the next commit."""
        staged = self._staged(SERIES)
        parquet.write_series(staged, rows)
        file = _described(staged, SERIES, Tally(rows=len(rows)))
        if self.manifest and self.manifest.series == file:
            staged.unlink()
        return file

    def put_month(
        self, month: Month, blocks: Iterable[tuple[int, Block]]
    ) -> tuple[File | None, Tally]:
        """Stage the readings of a month, for the next commit; None if there are none.

        A file that would be the same to the byte is left alone.
        """
        name = f"month={month}/readings.parquet"
        staged = self._staged(name)
        tally = parquet.write_readings(staged, blocks)
        if not tally.rows:
            staged.unlink()
            return None, tally
        file = _described(staged, name, tally)
        if self.manifest and self.manifest.files.get(str(month)) == file:
            staged.unlink()
        return file, tally

    def commit(self, manifest: Manifest) -> None:
        """Make what was staged, and this manifest, the state of the folder."""
        staged = self._staged(MANIFEST)
        written = staged.with_suffix(".part")
        written.write_text(manifest.dump(), "utf-8")
        _sync(written)
        for folder in sorted(one for one in self._stage.rglob("*") if one.is_dir()):
            _sync(folder)
        written.replace(staged)
        _sync(self._stage)
        self._settle()
        self.manifest = manifest

    def _staged(self, name: str) -> Path:
        path = self._stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _settle(self) -> None:
        """Finish the moves that were decided; forget what was only begun."""
        decided = self._stage / MANIFEST
        if decided.exists():
            manifest = Manifest.load(decided.read_text("utf-8"))
            for staged in sorted(self._stage.rglob("*.parquet")):
                place = self.path / staged.relative_to(self._stage)
                place.parent.mkdir(exist_ok=True)
                staged.replace(place)
                _sync(place.parent)
            self._drop_others(manifest)
            decided.replace(self.path / MANIFEST)
            _sync(self.path)
        if self._stage.exists():
            shutil.rmtree(self._stage)

    def _drop_others(self, manifest: Manifest) -> None:
        """Remove months that hold no reading any more."""
        named = {file.path for file in manifest.files.values()}
        for old in self.path.glob("month=*/readings.parquet"):
            if str(old.relative_to(self.path)) not in named:
                old.unlink()
                old.parent.rmdir()


def differences(path: Path) -> list[str]:
    """Compare a folder with its manifest; give what differs, file by file.

    Raises:
        Conflict: there is no manifest.
        Malformed: the manifest cannot be read.
    """
    if not (path / MANIFEST).is_file():
        raise Conflict("export.folder", "the folder holds no export of readings", where=path.name)
    manifest = Manifest.load((path / MANIFEST).read_text("utf-8"))
    named = {file.path for file in manifest.files.values()}
    found = {str(one.relative_to(path)) for one in path.glob("month=*/*")}
    told = [f"{name}: not named by the manifest" for name in sorted(found - named)]
    for file in (manifest.series, *manifest.files.values()):
        told += [f"{file.path}: {fault}" for fault in _faults(path / file.path, file)]
    return told


def _faults(path: Path, file: File) -> list[str]:
    if not path.is_file():
        return ["absent"]
    if (path.stat().st_size, parquet.digest(path)) != (file.bytes, file.sha256):
        return ["not the bytes that were written"]
    if not file.sums:
        return []
    read = File.of(file.path, parquet.read_tally(path), length=file.bytes, sha256=file.sha256)
    return [] if read == file else ["its readings are not those that the manifest counts"]


def _described(staged: Path, name: str, tally: Tally) -> File:
    _sync(staged)
    length = staged.stat().st_size
    return File.of(name, tally, length=length, sha256=parquet.digest(staged))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
