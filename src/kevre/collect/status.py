"""How a collector stands: in lines for a person, and in a word for its node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import kevre
from kevre.collect.clock import Clock
from kevre.collect.condition import DeviceState, decode_states, device_lines, instant_text
from kevre.collect.remote import Remote
from kevre.collect.spool import Spool, State
from kevre.collect.uplink import Receipt

STATES_NOTE = "devices"
_AGAIN_S = 3_600.0  # the whole state is told so often, and at once when it changes
_LONGEST = 200  # characters of one device's error


class Standing:
    """Tells the node how this collector stands, and hears what the node wishes.

    Args:
        states: gives how the devices stand.
        on_configuration: called when another configuration was taken over.
    """

    def __init__(
        self,
        spool: Spool,
        clock: Clock,
        remote: Remote,
        *,
        states: Callable[[], tuple[DeviceState, ...]],
        on_configuration: Callable[[], None],
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._remote = remote
        self._states = states
        self._on_configuration = on_configuration
        self._news: object = None
        self._told_news: object = None
        self._told_at_s = -_AGAIN_S

    def told(self) -> object:
        """Give readings that wait, the version of the configuration, and the state if new."""
        spool = self._spool.state()
        self._news = self._marks()
        is_old = time.monotonic() - self._told_at_s >= _AGAIN_S
        is_news = is_old or self._news != self._told_news
        whole = self._whole(spool) if is_news else None
        return [spool.waiting, self._remote.known, whole]

    def heard(self, receipt: Receipt) -> None:
        """Take over another configuration, if the answer brings one that can be used."""
        if self._news != self._told_news:
            self._told_at_s = time.monotonic()
        self._told_news = self._news
        if time.monotonic() - self._told_at_s >= _AGAIN_S:
            self._told_at_s = time.monotonic()
        if receipt.wants_state:
            self._told_news = None
        if receipt.configuration is not None and self._remote.take(*receipt.configuration):
            self._on_configuration()

    def _marks(self) -> object:
        """Give what is news when it changes: no counts."""
        devices = [(one.name, one.condition, one.error[:40]) for one in self._states()]
        return devices, self._clock.state, self._remote.known, self._remote.refusal

    def _whole(self, spool: State) -> dict[str, Any]:
        count = spool.tallies.get
        return {
            "version": kevre.__version__,
            "clock": str(self._clock.state),
            "off_by_s": round(self._clock.off_by_s, 1),
            "waiting": spool.waiting,
            "unset": spool.unset,
            "set_aside": spool.set_aside,
            "sent": count("sent", 0),
            "merged": count("merged", 0),
            "thinned": count("thinned", 0),
            "dropped": count("dropped", 0),
            "damaged": count("damaged", 0),
            "bytes": count("bytes", 0),
            "refusal": self._remote.refusal,
            "devices": [
                [one.name, one.driver, str(one.condition), one.error[:_LONGEST]]
                for one in self._states()
            ],
        }


def lines(state: State) -> Iterator[str]:
    """Say for a person how the collector stands."""
    count = state.tallies.get
    sent = count("sent", 0)
    yield f"waiting to be sent:    {state.waiting}"
    if state.unset:
        yield f"waiting for the time:  {state.unset}"
    yield f"kept by the node:      {sent}"
    yield f"left out, no change:   {count('merged', 0)}"
    yield f"set aside (refused):   {state.set_aside}"
    yield f"quarantined by node:   {count('quarantined', 0)}"
    yield f"thinned, spool full:   {count('thinned', 0)}"
    yield f"dropped, spool full:   {count('dropped', 0)}"
    yield f"replaced, same second: {count('replaced', 0)}"
    yield f"frames from the meter: {count('frames', 0)}"
    yield f"checksum errors:       {count('checksum_errors', 0)}"
    if count("damaged", 0):
        yield f"damaged spools:        {count('damaged', 0)}, moved aside"
    if sent:
        yield f"bytes a reading:       {count('bytes', 0) / sent:.1f}, TLS and HTTP included"
    notes = dict(state.notes)
    devices, told_s = notes.pop(STATES_NOTE, ("[]", 0))
    if told_s:
        yield f"devices, as of {instant_text(told_s)}:"
        yield from device_lines(decode_states(devices))
    for name, (text, at_s) in sorted(notes.items()):
        yield f"last {name}: {instant_text(at_s)} {text}".rstrip()
