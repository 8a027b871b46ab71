"""Control: a running node does for the command line what only its process may do.

The node's process alone has the readings open. It listens on a Unix socket in its home,
which only its owner can reach: one line of JSON asks (`{"verb": ..., ...}`), lines of JSON
answer (`{"step": ...}`), the last with `result` or `error`.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedRWPair
from pathlib import Path
from typing import Any

from django.db import close_old_connections

from kevre.model.errors import Conflict, KevreError, Malformed, Missing, Refused, Unavailable

log = logging.getLogger(__name__)

NAME = "control.sock"
_MOST = 65_536
_FAMILIES = {one.family: one for one in (Malformed, Refused, Missing, Conflict, Unavailable)}

Tell = Callable[[str], None]
Verb = Callable[[Mapping[str, Any], Tell], Mapping[str, Any]]


class Listener:
    """Answers on the socket of a home until it is closed; one request at a time."""

    def __init__(self, home: Path, verbs: Mapping[str, Verb]) -> None:
        self._verbs = verbs
        self._path = home / NAME
        self._busy = threading.Lock()
        # Only the process that has the readings open gets here: a socket left is a dead one's.
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        with _reachable(home) as address:
            before = os.umask(0o177)
            try:
                self._socket.bind(address)
            finally:
                os.umask(before)
        self._socket.listen()
        self._thread = threading.Thread(target=self._listen, name="control", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening; what is under way ends with the process."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(caller,), daemon=True).start()

    def _answer(self, caller: socket.socket) -> None:
        with caller, caller.makefile("rwb") as line, suppress(OSError):
            try:
                _say(line, {"result": dict(self._do(line))})
            except KevreError as error:
                _say(line, {"error": _told(error)})
            except Exception:
                log.exception("a command of the control socket failed")
                _say(line, {"error": _told(_failed())})
            finally:
                close_old_connections()

    def _do(self, line: BufferedRWPair[Any, Any]) -> Mapping[str, Any]:
        try:
            asked = json.loads(line.readline(_MOST))
            verb = self._verbs[asked["verb"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Malformed(
                "control.unknown",
                "the running node does not know this command",
                hint="restart it with this version of kevre",
            ) from error
        if not self._busy.acquire(blocking=False):
            raise Conflict(
                "control.busy",
                "the node is already doing such work",
                hint="wait until it has ended",
            )
        try:
            return verb(asked, lambda step: _say(line, {"step": step}))
        finally:
            self._busy.release()


def ask(home: Path, verb: str, tell: Tell, **asked: object) -> Mapping[str, Any] | None:
    """Ask the node that runs over a home; None if none runs.

    Raises:
        KevreError: what the node answered, or that it went away.
    """
    with socket.socket(socket.AF_UNIX) as caller, _reachable(home) as address:
        try:
            caller.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        with caller.makefile("rwb") as line:
            _say(line, {"verb": verb} | asked)
            for said in _answers(line):
                if "result" in said:
                    result: Mapping[str, Any] = said["result"]
                    return result
                if "error" in said:
                    error = dict(said["error"])
                    raise _FAMILIES[error.pop("family")](**error)
                tell(str(said.get("step", "")))
    raise Unavailable(
        "control.gone", "the node ended before it was done", hint="start it and try again"
    )


def _answers(line: BufferedRWPair[Any, Any]) -> Iterator[Mapping[str, Any]]:
    with suppress(ConnectionError):
        for answer in line:
            yield json.loads(answer)


@contextmanager
def _reachable(home: Path) -> Iterator[str]:
    """Give the socket's address by way of its folder: a path of more than 107 bytes is none."""
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{NAME}"
    finally:
        os.close(folder)


def _say(line: BufferedRWPair[Any, Any], answer: Mapping[str, object]) -> None:
    line.write(json.dumps(answer).encode() + b"\n")
    line.flush()


def _failed() -> KevreError:
    return Unavailable("control.failed", "the node failed to do it", hint="see its log")


def _told(error: KevreError) -> dict[str, str]:
    return {
        "family": error.family,
        "code": error.code,
        "message": error.message,
        "where": error.where,
        "hint": error.hint,
    }
