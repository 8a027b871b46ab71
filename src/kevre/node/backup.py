"""Backup: registry and readings of one moment in a folder, with the proof that it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.db import connections

import kevre
from kevre.flow.models import Cursor
from kevre.model.errors import Conflict, Malformed, Missing, Unavailable
from kevre.node import registry_dump
from kevre.node.config import Config
from kevre.node.control import Tell
from kevre.node.install import FILE as CONFIGURATION
from kevre.store import Store

MANIFEST = "manifest.json"
READINGS = "readings.duckdb"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, and how it can be proven.

    Attributes:
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


def make(config: Config, store: Store, target: Path, tell: Tell) -> Manifest:
    """Copy registry and readings of one moment while both are in use.

    Until all is on disk the folder has another name, so that one with this name is whole.

    Raises:
        Conflict: the folder exists.
        Unavailable: the disk is full, or pg_dump is missing.
    """
    if target.exists():
        raise Conflict("backup.exists", "there is something of this name", where=target.name)
    with _under_way(target) as folder:
        facts: dict[str, int] = {}

        def registry() -> None:
            tell("copying the registry")
            facts.update(registry_dump.dump(config, folder))
            tell("copying the readings")

        readings = store.snapshot(folder / READINGS, registry)
        if (config.home / CONFIGURATION).exists():
            shutil.copyfile(config.home / CONFIGURATION, folder / CONFIGURATION)
        with Store(folder / READINGS, memory_mb=config.store_memory_mb) as copy:
            last_seq = copy.last_seq
        (folder / f"{READINGS}.lock").unlink()
        tell("writing the proof")
        files = {one.name: _facts(one) for one in sorted(folder.iterdir())}
        made = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(FORMAT, kevre.__version__, made, files, readings, facts, last_seq)
        (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1) + "\n", "utf-8")
        for one in folder.iterdir():
            one.chmod(0o600)
            _sync(one)
    return manifest


def prove(folder: Path) -> Manifest:
    """Hold that every file of a backup is as it was written.

    Raises:
        Missing: it is no backup, or lacks a file.
        Malformed: a file is damaged; or a newer Kevre made it.
    """
    try:
        kept = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError as error:
        raise Missing(
            "backup.none", "this is no backup: it has no manifest", where=folder.name
        ) from error
    except ValueError as error:
        raise Malformed("backup.damaged", "the manifest is damaged", where=MANIFEST) from error
    if kept.get("format") != FORMAT:
        raise Malformed(
            "backup.newer", "another version of Kevre made this backup", where=folder.name,
            hint=f"use Kevre {kept.get('kevre', '')}",
        )  # fmt: skip
    manifest = Manifest(**kept)
    for name, facts in manifest.files.items():
        path = folder / name
        if not path.exists():
            raise Missing("backup.incomplete", "a file of the backup is missing", where=name)
        found = _facts(path)
        if found != facts:
            raise Malformed(
                "backup.damaged",
                f"the file is not as it was written: SHA-256 {found['sha256']}, "
                f"{found['size']} bytes, not {facts['sha256']}, {facts['size']}",
                where=name,
                hint="take another backup",
            )
    return manifest


def restore(config: Config, folder: Path, tell: Tell, *, replace: bool) -> Manifest:
    """Put a proven backup in the place of what the home holds, and recount it.

    What was there is moved aside, not deleted. No node may run over the home.

    Raises:
        Conflict: there are readings already and `replace` is false; or the counts differ.
        Missing, Malformed: see `prove`.
    """
    tell("proving every file")
    manifest = prove(folder)
    home = config.home
    home.mkdir(parents=True, exist_ok=True)
    old = [home / name for name in (READINGS, *registry_dump.FILES) if (home / name).exists()]
    if old and not replace:
        raise Conflict(
            "backup.in_use",
            "there are data already",
            where=old[0].name,
            hint="--replace moves them aside first",
        )
    # Claims the readings for a moment: a running node would hold them.
    Store(config.readings_path, memory_mb=config.store_memory_mb).close()
    connections.close_all()
    aside = home / f"before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    if old:
        tell(f"moving what was there to {aside.name}")
        aside.mkdir(mode=0o700)
        for one in old:
            one.replace(aside / one.name)
    tell("putting the copies in place")
    _put(folder / READINGS, home / READINGS)
    registry_dump.load(config, folder)
    _put_configuration(folder, home)
    tell("counting again")
    _recount(config, manifest)
    return manifest


def _recount(config: Config, manifest: Manifest) -> None:
    with Store(config.readings_path, memory_mb=config.store_memory_mb) as store:
        readings, last_seq = store.counts(), store.last_seq
    Cursor.objects.filter(position__gt=last_seq).update(position=last_seq)
    for name, found, expected in (
        ("readings", readings, manifest.readings),
        ("registry", registry_dump.counts(), manifest.registry),
    ):
        wrong = sorted(key for key in expected if found.get(key) != expected[key])
        if wrong or last_seq != manifest.last_seq:
            raise Conflict(
                "backup.counts",
                f"the {name} restored do not have the rows of the backup",
                where=wrong[0] if wrong else "change log",
                hint="take another backup",
            )


@contextmanager
def _under_way(target: Path) -> Iterator[Path]:
    """Give a folder that gets its name when the block has ended well, and vanishes if not."""
    part = target.with_name(target.name + ".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        yield part
        _sync(part)
        part.rename(target)
        _sync(target.parent)
    except OSError as error:
        raise Unavailable(
            "backup.disk",
            "the backup cannot be written",
            where=target.name,
            hint="look at the free space and the rights of its folder",
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _put(source: Path, target: Path) -> None:
    fresh = target.with_name(target.name + ".fresh")
    shutil.copyfile(source, fresh)
    fresh.chmod(0o600)
    _sync(fresh)
    fresh.replace(target)
    _sync(target.parent)


def _put_configuration(folder: Path, home: Path) -> None:
    """Bring the configuration back where there is none: it holds the key of sessions."""
    if (folder / CONFIGURATION).exists() and not (home / CONFIGURATION).exists():
        _put(folder / CONFIGURATION, home / CONFIGURATION)


def _facts(path: Path) -> dict[str, str | int]:
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"sha256": digest, "size": path.stat().st_size}


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
