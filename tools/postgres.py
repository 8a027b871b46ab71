"""A PostgreSQL server of one's own, for the time of a block: real, empty, on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def binaries() -> Path | None:
    """Give the folder of Debian's PostgreSQL programs, or None."""
    return next((folder for folder in _PLACES if (folder / "initdb").exists()), None)


@contextmanager
def running() -> Iterator[str]:
    """Start a server; give the address of its database; stop and forget it at the end."""
    folder = binaries()
    if folder is None:
        raise RuntimeError("PostgreSQL is not installed: sudo apt install postgresql")
    home = Path(tempfile.mkdtemp(prefix="kevre-postgres-"))
    as_user = _unprivileged(home)
    port = _free_port()
    try:
        cluster = home / "cluster"
        _run(
            [*as_user, folder / "initdb", "-D", cluster, "-U", "kevre", "-A", "trust", "-E", "UTF8"]
        )
        settings = f"-p {port} -c listen_addresses=127.0.0.1 -k {home} -c fsync=off"
        control = [*as_user, folder / "pg_ctl", "-D", cluster, "-w", "-l", home / "log"]
        _run([*control, "-o", settings, "start"])
        try:
            yield f"postgresql://kevre@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged(home: Path) -> list[str]:
    """Give the prefix that leaves root behind: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(home, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _run(command: list[str | Path]) -> None:
    # pg_ctl leaves a server behind that would keep a captured pipe open for ever.
    subprocess.run(
        [str(part) for part in command],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
