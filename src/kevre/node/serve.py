"""Serving: the web server and the jobs of one node, in one process."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from kevre.federate import identity, pull
from kevre.flow.way import Way
from kevre.model.window import instant
from kevre.node import backup, broker, control, job, quarantine, trace, xmpp
from kevre.node.config import Config


def serve(
    config: Config,
    way: Way,
    host: str,
    port: int,
    *,
    when_open: Callable[[], None] | None = None,
) -> None:
    """Serve until interrupted; what was acknowledged is on disk whenever it ends.

    Args:
        config: the node's configuration.
        way: the open way of the readings.
        host: address to listen on.
        port: port to listen on; taken ports are refused by the system.
        when_open: called once the server answers.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    server = _Server(_settings(config, host, port), way, when_open)
    # The server raises again what ended it: leave by the way of every exit, not by dying.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    puller = pull.Puller(way, identity.hold(config.home))
    feeds = job.Job("feeds", 2.0, lambda _: puller.tend())
    runner = job.Runner((*job.table(config), feeds), way)
    verbs: dict[str, control.Verb] = {
        "backup": _backup(config, way),
        "trace": _trace(config, way),
        "replay": partial(quarantine.replayed, way),
    }
    listener = control.Listener(config.home, verbs)
    # What talks to servers elsewhere, where the configuration names some.
    asked = (xmpp.service(config, way), broker.listener(config, way))
    talks = [one for one in asked if one is not None]
    runner.start()
    listener.start()
    for talk in talks:
        talk.start()
    try:
        server.run()
    finally:
        listener.close()
        for talk in talks:
            talk.close()
        puller.close()
        runner.close()


def _settings(config: Config, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        "kevre.node.asgi:application",
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
        timeout_keep_alive=config.keep_alive_s,
        server_header=False,
    )


def _backup(config: Config, way: Way) -> control.Verb:
    def verb(asked: Mapping[str, Any], tell: control.Tell) -> Mapping[str, Any]:
        form = str(asked.get("form", backup.COPY))
        backup.make(config, way.store, Path(str(asked["target"])), tell, form=form)
        return {}

    return verb


def _trace(config: Config, way: Way) -> control.Verb:
    def verb(asked: Mapping[str, Any], tell: control.Tell) -> Mapping[str, Any]:
        del tell
        at = instant(str(asked["at"]))
        return {"lines": trace.lines(config, way, str(asked["series"]), at)}

    return verb


class _Server(uvicorn.Server):
    """A server that says when it is open, and when it is about to close."""

    def __init__(
        self, config: uvicorn.Config, way: Way, when_open: Callable[[], None] | None
    ) -> None:
        super().__init__(config)
        self._way = way
        self._when_open = when_open

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open, then tell."""
        await super().startup(sockets)
        if self._when_open is not None and self.started:
            self._when_open()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let long answers end, then close."""
        self._way.closing.set()
        super().handle_exit(sig, frame)
