"""One run of the collector, from its start to its stop, through changes of configuration."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kevre.collect.agent import Agent
from kevre.collect.clock import Clock, this_machine
from kevre.collect.delivery import Delivery
from kevre.collect.driver import Surroundings
from kevre.collect.equipment import Equipment, load
from kevre.collect.remote import Remote
from kevre.collect.spool import Spool
from kevre.collect.status import Standing
from kevre.collect.uplink import Uplink
from kevre.model.errors import KevreError, Malformed, Missing

log = logging.getLogger(__name__)

KEY_VARIABLE = "KEVRE_KEY"
SEND_S = 600
FLUSH_S = 60
_GATHER_S = 1.0
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asked for on this machine; what is None or empty stands in the file.

    Attributes:
        local: reads the file of this machine, and makes its drivers.
    """

    spool: Path
    capacity: int
    local: Callable[[Surroundings], Equipment]
    node: str = ""
    key_file: Path | None = None
    plain_http: bool = False
    send_s: int | None = None
    flush_s: int | None = None


def collect(order: Order) -> None:
    """Collect until told to stop.

    Raises:
        KevreError: what was asked for cannot be begun.
    """
    folder = state_folder(order.spool)
    with Spool(order.spool, capacity=order.capacity) as spool:
        clock = timed(spool)
        remote = Remote(
            folder / "remote.toml", lambda path: _usable(path, Surroundings(folder, clock))
        )
        while _session(order, spool, clock, remote):
            log.info("beginning anew")
    log.info("stopped")


def state_folder(spool: Path) -> Path:
    """Give where drivers keep what outlives a power cut."""
    return spool.with_suffix(".state")


def timed(spool: Spool) -> Clock:
    """Make the clock of this machine, whose settings stamp anew what waits in the spool."""
    machine = this_machine(time.time, lambda: time.clock_gettime(time.CLOCK_BOOTTIME))
    last_s, known = spool.timeline(machine.boot)
    clock = Clock(
        machine,
        last_s=last_s,
        known=known,
        on_shift=lambda shift_s, boot: spool.set_time(boot, shift_s, int(time.time()) + shift_s),
    )
    spool.keep_boot(clock.boot)
    clock.look()
    return clock


def _session(order: Order, spool: Spool, clock: Clock, remote: Remote) -> bool:
    """Collect until told to stop, or until the node gives another configuration: then True."""
    around = Surroundings(state_folder(order.spool), clock)
    local = order.local(around)
    equipment = _in_force(remote, local, around)
    spool.flush_s = order.flush_s or equipment.flush_s or local.flush_s or FLUSH_S
    has_changed = threading.Event()
    uplink = _uplink(order, local)
    delivery = Delivery(
        spool,
        uplink,
        clock=clock,
        send_s=order.send_s or equipment.send_s or local.send_s or SEND_S,
        report=equipment.report,
        gather_s=_GATHER_S,
    )
    agent = Agent(equipment.devices, around.board, spool, delivery, clock=clock)

    def changed() -> None:
        has_changed.set()
        agent.stop()

    delivery.teller = Standing(spool, clock, remote, states=agent.states, on_configuration=changed)
    log.info("collecting", extra={"devices": len(equipment.devices)})
    was_told = _run_until_told(agent)
    return has_changed.is_set() and not was_told


def _in_force(remote: Remote, local: Equipment, around: Surroundings) -> Equipment:
    if not remote.version:
        return local
    try:
        return load(remote.path, around)
    except KevreError as error:
        remote.refusal = f"{error.code}: {error}"
        log.warning("the node's configuration cannot be used", extra={"code": error.code})
        return local


def _usable(path: Path, around: Surroundings) -> None:
    made = load(path, around)
    if made.node or made.key_file or made.plain_http or made.trust:
        # Who could change these could lead the readings, and the key, elsewhere.
        raise Malformed(
            "remote.not_here",
            "node, key_file, plain_http and trust are set on the collector alone",
            hint="take them out",
        )


def _uplink(order: Order, local: Equipment) -> Uplink:
    node = order.node or local.node
    if not node:
        raise Malformed(
            "uplink.address",
            "no node was named",
            hint="give --node https://kevre.example, or node in the file",
        )
    key = read_key(order.key_file or local.key_file)
    trust = None if local.trust is None else str(local.trust)
    return Uplink(node, key, plain_http=order.plain_http or local.plain_http, trust=trust)


def read_key(path: Path | None) -> str:
    """Give the key from its file, or from the environment; never from the command line.

    Raises:
        Missing: there is none.
    """
    if path is None:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key:
            raise Missing(
                "key.missing",
                "no key was given",
                hint=f"use --key-file, or put the key into {KEY_VARIABLE}",
            )
        return key
    try:
        if path.stat().st_mode & _OTHERS:
            log.warning("the key file can be read by others: chmod 600 would close it")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Missing(
            "key.missing", "the key file cannot be read", where=path.name, hint="check its path"
        ) from error


def _run_until_told(agent: Agent) -> bool:
    """Run the agent in a thread until it ends, or until SIGTERM or Ctrl-C: then True.

    This thread only waits: a handler that set an event which it was itself about to set
    would wait for ever. It waits for an event, for Python 3.11 takes a thread whose `join`
    was interrupted for ended.
    """
    done, was_told = threading.Event(), False

    def work() -> None:
        try:
            agent.run()
        finally:
            done.set()

    worker = threading.Thread(target=work, name="agent")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    worker.start()
    try:
        done.wait()
    except KeyboardInterrupt:
        was_told = True
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        agent.stop()
    worker.join()
    return was_told
