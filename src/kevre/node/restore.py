"""Restore: a proven backup takes the place of what a home holds, which is kept aside.

Nothing is moved before the copies lie beside it, whole and on disk. From the first move to
the last a mark stands in the home: with it no node starts, and the restore is done again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from django.db import connections

from kevre.flow.models import Cursor
from kevre.flow.share import DAY_CLOSER
from kevre.model.errors import Conflict, Unavailable
from kevre.node import registry_dump, registry_rows
from kevre.node.backup import (
    OF_THE_NODE,
    PORTABLE,
    READINGS,
    Manifest,
    compare,
    facts_of,
    prove,
    sync,
)
from kevre.node.config import Config
from kevre.node.control import Tell
from kevre.node.start import RESTORING
from kevre.store import claimed, load, proof

_HELD = (READINGS, f"{READINGS}.wal", *registry_dump.FILES)
_FRESH = ".fresh"
# What is made of the rows of a portable backup.
_BUILT: dict[str, Callable[[Path, Path], object]] = {
    READINGS: load,
    registry_dump.SQLITE: registry_rows.build,
}


def restore(config: Config, folder: Path, tell: Tell, *, replace: bool) -> Manifest:
    """Put a proven backup in the place of what the home holds, and count it again.

    What was there, be it damaged, is moved aside, not deleted. No node may run over the home.

    Raises:
        Conflict: there are data already and `replace` is false; or the counts differ.
        Missing, Malformed: see `prove`.
        Unavailable: a node runs; the disk is full; or the registry is of another kind.
    """
    tell("proving every file")
    manifest = prove(folder)
    _check(config, folder, manifest)
    home = config.home
    home.mkdir(parents=True, exist_ok=True)
    mark = home / RESTORING
    if config.lake_url:
        raise Unavailable(
            "restore.lake",
            "a backup is restored into a file, and this node's readings lie in a lake",
            hint="unset lake_url, restore, and start from the file",
        )
    with claimed(config.readings_path):
        old = [home / name for name in _HELD if (home / name).exists()]
        if old and not (replace or mark.exists()):
            raise Conflict(
                "backup.in_use",
                "there are data already",
                where=old[0].name,
                hint="--replace moves them aside first",
            )
        tell("copying")
        fresh = _copied(config, folder, manifest)
        connections.close_all()
        mark.touch()
        sync(home)
        _move_aside(config, old, tell)
        tell("putting the copies in place")
        for one in fresh:
            one.replace(one.with_name(one.name.removesuffix(_FRESH)))
        sync(home)
        if config.database_url:
            _fill(config, folder, manifest)
        tell("counting again")
        _recount(config, manifest)
        mark.unlink()
        sync(home)
    return manifest


def _check(config: Config, folder: Path, manifest: Manifest) -> None:
    if manifest.form == PORTABLE:
        registry_rows.check(folder)
        return
    registry_dump.check(config, folder)


def _fill(config: Config, folder: Path, manifest: Manifest) -> None:
    """Put the registry into the database that is configured."""
    if manifest.form == PORTABLE:
        registry_rows.load(folder, "default")
        return
    registry_dump.load(config, folder)


def _copied(config: Config, folder: Path, manifest: Manifest) -> list[Path]:
    """Copy the files beside those that they replace; give them, proven and on disk."""
    names = [READINGS] if config.database_url else [READINGS, registry_dump.SQLITE]
    names += [
        name for name in OF_THE_NODE if name in manifest.files and not (config.home / name).exists()
    ]
    fresh = [config.home / f"{name}{_FRESH}" for name in names]
    try:
        for name, one in zip(names, fresh, strict=True):
            if manifest.form == PORTABLE and name in _BUILT:
                _BUILT[name](folder, one)
            else:
                shutil.copyfile(folder / name, one)
                _hold_equal(one, manifest.files[name])
            one.chmod(0o600)
            sync(one)
    except OSError as error:
        for one in fresh:
            one.unlink(missing_ok=True)
        raise Unavailable(
            "restore.disk",
            "the copies cannot be written; nothing was moved",
            where=config.home.name,
            hint="look at the free space and the rights of the home",
        ) from error
    return fresh


def _hold_equal(path: Path, facts: dict[str, str | int]) -> None:
    if facts_of(path) != facts:
        raise OSError(path.name)


def _move_aside(config: Config, old: list[Path], tell: Tell) -> None:
    if not old and not config.database_url:
        return
    aside = config.home / f"before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    tell(f"moving what was there to {aside.name}")
    aside.mkdir(mode=0o700)
    if config.database_url:
        registry_dump.keep(config, aside)
    for one in old:
        one.replace(aside / one.name)
    sync(aside)


def _recount(config: Config, manifest: Manifest) -> None:
    readings, last_seq = proof(config.readings_path)
    compare("readings", readings, manifest.readings)
    compare("registry", registry_dump.counts(), manifest.registry)
    # That of the day's end counts days, not changes.
    followers = Cursor.objects.exclude(follower=DAY_CLOSER)
    followers.filter(position__gt=last_seq).update(position=last_seq)
