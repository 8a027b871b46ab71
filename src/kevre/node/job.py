"""What runs beside the web server: a table of jobs, each a function and a period."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import close_old_connections
from django.utils import timezone

from kevre.federate import hook as hook_sender
from kevre.federate import identity, keep, peer
from kevre.flow import arrival, derive, notify, quarantine, share, silence, tray
from kevre.flow.way import Way
from kevre.node import sponsorship
from kevre.node.config import Config
from kevre.rights import application, hook, session, spent

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that is done again and again.

    Attributes:
        every_s: pause after one run before the next [s].
        run: does it once; what it raises is logged, and it is tried again next time.
    """

    name: str
    every_s: float
    run: Callable[[Way], object]


def table(config: Config) -> tuple[Job, ...]:
    """Give the jobs of a node."""
    jobs = (
        Job("derive", 1.0, lambda way: derive.catch_up(way.store)),
        Job("tray", 2.0, lambda way: tray.drain(way.gate, int(time.time()))),
        Job("share", 1.0, lambda way: share.catch_up(way.store, timezone.now())),
        Job("close-day", 300.0, lambda _: share.close_day(timezone.now())),
        Job("silence", 60.0, lambda _: _watch(config)),
        Job("signatures", 3_600.0, lambda _: peer.forget_signatures(timezone.now())),
        Job("lines", 86_400.0, lambda _: _let_lines_go()),
        Job("keep", 3_600.0, lambda way: keep.tend(way, timezone.now())),
        Job("sponsors", 10.0, lambda way: sponsorship.tend(config, way)),
        Job("notify", 5.0, lambda way: notify.catch_up(way.store, timezone.now())),
        Job("hooks", 5.0, lambda _: _tell(config)),
        Job("sessions", 3_600.0, lambda _: _forget(timezone.now())),
        Job("compact", 3_600.0, lambda way: way.store.compact(_today_s())),
        Job("retain", 86_400.0, lambda way: way.store.retain(config.retention, _today_s())),
    )
    if not config.is_demo:
        return jobs
    from kevre.node.demo.feed import feed

    return (*jobs, Job("demo-feed", 60.0, lambda way: feed(way, config.home, int(time.time()))))


def _let_lines_go() -> int:
    """Let old lines about batches go, and those of quarantine that were dealt with."""
    now = timezone.now()
    return arrival.forget(now) + quarantine.let_go(now)


def _watch(config: Config) -> int:
    """Tell of collectors that are silent, in the node's first language."""
    return silence.watch(timezone.now(), language="fr", base_url=config.base_url)


def _tell(config: Config) -> int:
    return hook_sender.send_due(identity.hold(config.home), timezone.now(), config.hook_networks)


def _forget(now: datetime) -> int:
    """Let go what is told of sessions, tokens and messages that are over."""
    return session.forget(now) + application.forget(now) + hook.forget(now) + spent.forget(now)


def _today_s() -> int:
    """Give the start of this day of UTC: what is older is seldom added to [epoch s]."""
    return int(time.time()) // 86_400 * 86_400


class Runner:
    """Runs each job in a thread of its own until it is closed."""

    def __init__(self, jobs: Sequence[Job], way: Way) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(job, way), name=job.name, daemon=True)
            for job in jobs
        ]

    def start(self) -> None:
        """Start every job."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop after the runs that are under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _loop(self, job: Job, way: Way) -> None:
        while not self._stop.is_set():
            try:
                close_old_connections()
                job.run(way)
            except Exception:
                log.exception("job failed", extra={"job": job.name})
            self._stop.wait(job.every_s)
        close_old_connections()
