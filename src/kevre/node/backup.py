"""Backup: registry and readings of one moment in a folder, with the proof that it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import kevre
from kevre.federate import identity, recovery
from kevre.model.errors import Conflict, Malformed, Missing, Unavailable
from kevre.node import registry_dump, registry_rows
from kevre.node.config import Config
from kevre.node.control import Tell
from kevre.node.install import FILE as CONFIGURATION
from kevre.store import Store, proof, unload

MANIFEST = "manifest.json"
READINGS = "readings.duckdb"
# What makes the node this one: it comes back where it is missing, and replaces nothing.
OF_THE_NODE = (CONFIGURATION, identity.FILE, identity.PREVIOUS, recovery.FILE)
FORMAT = 3
# Format 2 knew no forms: it is a copy.
_READ = (2, 3)
COPY, PORTABLE = "copy", "portable"
_DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, and how it can be proven.

    Attributes:
        form: a copy of the files as they are, or portable: rows that every kind of registry
            and of store can take in.
        made: when [ISO 8601, UTC].
        files: of each file its SHA-256 and its size.
        readings: rows of each table of the readings.
        registry: rows of each table of the registry.
        last_seq: last number of the change log.
    """

    format: int
    kevre: str
    made: str
    files: dict[str, dict[str, str | int]]
    readings: dict[str, int]
    registry: dict[str, int]
    last_seq: int
    form: str = COPY


def make(config: Config, store: Store, target: Path, tell: Tell, *, form: str = COPY) -> Manifest:
    """Copy registry and readings of one moment while both are in use.

    Until all is on disk the folder has another name, so that one with this name is whole.

    Raises:
        Conflict: the folder exists.
        Unavailable: the disk is full, or pg_dump is missing.
    """
    if target.exists():
        raise Conflict("backup.exists", "there is something of this name", where=target.name)
    with _under_way(target) as folder:
        copied = _portable if form == PORTABLE else _copied
        readings, facts, last_seq = copied(config, store, folder, tell)
        for name in OF_THE_NODE:
            if (config.home / name).exists():
                shutil.copyfile(config.home / name, folder / name)
        tell("writing the proof")
        files = {one.name: facts_of(one) for one in sorted(folder.iterdir())}
        made = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(FORMAT, kevre.__version__, made, files, readings, facts, last_seq, form)
        kept = asdict(manifest)
        text = json.dumps(kept | {_DIGEST: _digest(kept)}, indent=1)
        (folder / MANIFEST).write_text(text + "\n", "utf-8")
        for one in folder.iterdir():
            one.chmod(0o600)
            sync(one)
    return manifest


_Counted = tuple[dict[str, int], dict[str, int], int]


def _copied(config: Config, store: Store, folder: Path, tell: Tell) -> _Counted:
    """Copy both files; give the rows of each table of both, and the last change."""
    facts: dict[str, int] = {}

    def registry() -> None:
        tell("copying the registry")
        facts.update(registry_dump.dump(config, folder))
        tell("copying the readings")

    readings = store.snapshot(folder / READINGS, registry)
    _, last_seq = proof(folder / READINGS)
    return readings, facts, last_seq


def _portable(config: Config, store: Store, folder: Path, tell: Tell) -> _Counted:
    """Write both as rows; give the rows of each table of both, and the last change."""
    with ExitStack() as until_written:

        def registry() -> str:
            tell("holding the registry as it is")
            return until_written.enter_context(registry_rows.moment(config, folder))

        held: list[str] = []
        readings = store.snapshot(folder / READINGS, lambda: held.append(registry()))
        tell("writing the rows of the registry")
        facts = registry_rows.dump(folder, held[0])
    _, last_seq = proof(folder / READINGS)
    tell("writing the rows of the readings")
    unload(folder / READINGS, folder)
    (folder / READINGS).unlink()
    return readings, facts, last_seq


def prove(folder: Path) -> Manifest:
    """Hold that every file of a backup is as it was written.

    Raises:
        Missing: it is no backup, or lacks a file.
        Malformed: a file is damaged; or a newer Kevre made it.
    """
    manifest = _read(folder)
    for name, facts in manifest.files.items():
        path = folder / name
        if not path.exists():
            raise Missing("backup.incomplete", "a file of the backup is missing", where=name)
        found = facts_of(path)
        if found != facts:
            raise Malformed(
                "backup.damaged",
                f"the file is not as it was written: SHA-256 {found['sha256']}, "
                f"{found['size']} bytes, not {facts['sha256']}, {facts['size']}",
                where=name,
                hint="take another backup",
            )
    if manifest.form == PORTABLE:
        return manifest  # the rows are counted when they are put in place
    readings, last_seq = proof(folder / READINGS)
    compare("readings", readings, manifest.readings)
    compare("change log", {"last_seq": last_seq}, {"last_seq": manifest.last_seq})
    if registry_dump.SQLITE in manifest.files:
        rows = registry_dump.count_copy(folder, manifest.registry)
        compare("registry", rows, manifest.registry)
    return manifest


def compare(name: str, found: Mapping[str, int], expected: Mapping[str, int]) -> None:
    """Hold that counts are those of the backup.

    Raises:
        Conflict: one differs.
    """
    wrong = sorted(key for key in expected if found.get(key) != expected[key])
    if wrong:
        raise Conflict(
            "backup.counts",
            f"the {name} restored do not have the rows of the backup",
            where=wrong[0],
            hint="take another backup",
        )


def _read(folder: Path) -> Manifest:
    try:
        kept = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError as error:
        raise Missing(
            "backup.none", "this is no backup: it has no manifest", where=folder.name
        ) from error
    except ValueError as error:
        raise _damaged_manifest() from error
    if not isinstance(kept, dict):
        raise _damaged_manifest()
    if kept.get("format") not in _READ:
        raise Malformed(
            "backup.newer", "another version of Kevre made this backup", where=folder.name,
            hint=f"use Kevre {kept.get('kevre', '')}",
        )  # fmt: skip
    if kept.pop(_DIGEST, None) != _digest(kept):
        raise _damaged_manifest()
    return Manifest(**kept)


def _damaged_manifest() -> Malformed:
    return Malformed(
        "backup.damaged", "the manifest is not as it was written", where=MANIFEST,
        hint="take another backup",
    )  # fmt: skip


def _digest(kept: Mapping[str, object]) -> str:
    """Give the SHA-256 of a manifest's content, in whatever order and layout it is kept."""
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


@contextmanager
def _under_way(target: Path) -> Iterator[Path]:
    """Give a folder that gets its name when the block has ended well, and vanishes if not."""
    part = target.with_name(target.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        yield part
        sync(part)
        part.rename(target)
        sync(target.parent)
    except OSError as error:
        raise Unavailable(
            "backup.disk",
            "the backup cannot be written",
            where=target.name,
            hint="look at the free space and the rights of its folder",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def facts_of(path: Path) -> dict[str, str | int]:
    """Give what proves a file: its SHA-256 and its size [bytes]."""
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"sha256": digest, "size": path.stat().st_size}


def sync(path: Path) -> None:
    """Hold a file, or the names in a folder, on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
