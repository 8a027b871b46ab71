"""The collector's own time: it runs evenly whatever happens to the machine's clock.

A Raspberry Pi has no clock that outlives a power cut: it wakes in its past, and jumps when a
time server answers. So readings are stamped by the monotonic counter plus an offset that
changes only here:

- at the start of a boot the offset is that of the machine's clock, but never before the last
  reading of the boots before: the time is *unset*, and what is stamped is only in order;
- once the kernel says that it is synchronised, or the node has told its time, the offset is
  set; the same shift is due to all that was stamped before in this boot;
- from then on a jump of the machine's clock changes nothing. Small differences from a
  synchronised clock are caught up by running 5 % faster or slower; large ones count only if
  the node's time agrees with the machine's.

Shifts are whole seconds, so that readings keep their distances.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

_NOT_SYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
_TIMEX_BYTES = 1_024  # more than struct timex has anywhere
_SLEW = 0.05
_LARGE_S = 60.0  # beyond this a difference is no drift but somebody's mistake
_NOISE_S = 2.0  # what the node tells is in whole seconds, and late by the way of its answer
_LATE_S = 30  # a driver may take so long between a stamp and its reading
_EARLIEST_S = 1_750_000_000  # before this software: such a clock was never set
_TIMESYNC = Path("/run/systemd/timesync/synchronized")
_BOOT_NAME = Path("/proc/sys/kernel/random/boot_id")


class ClockState(StrEnum):
    """How far the stamps of readings can be trusted."""

    UNSET = "unset"  # in order only; readings wait for the time
    NODE = "node"  # set by the node's answer, to a second or two
    SYNCHRONISED = "synchronised"  # the machine follows a time server
    HELD = "held"  # was set; the machine's clock says otherwise or is not synchronised now


@dataclass(frozen=True, slots=True)
class Boot:
    """What must outlive the process, so that all processes of one boot share their time.

    Attributes:
        name: the kernel's name of this boot.
        offset_s: from the monotonic counter to the epoch [s].
        is_set: whether the offset is known to be right.
    """

    name: str
    offset_s: float
    is_set: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """The clocks of this machine, each a function, so that tests can give their own."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]
    is_synchronised: Callable[[], bool]
    boot: str


@dataclass(slots=True)
class Clock:
    """Gives the time; threads may share it.

    Args:
        machine: what it is made of.
        last_s: no reading of an earlier boot is later [epoch s].
        known: what an earlier process of this same boot has written down.
        on_shift: told, when time is set, by how much earlier stamps of this boot move [s];
            called before any later stamp is given.
    """

    machine: Machine
    last_s: int = 0
    known: Boot | None = None
    on_shift: Callable[[int, Boot], None] = lambda _shift_s, _boot: None
    state: ClockState = ClockState.UNSET
    off_by_s: float = 0.0
    shifts: int = 0
    _offset_s: float = 0.0
    _slew_s: float = 0.0
    _slewed_at_s: float = 0.0
    _shift_s: int = 0
    _node_off_s: float | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        """Take up the time of this boot, or begin it."""
        counted_s = self._slewed_at_s = self.machine.monotonic()
        if self.known is not None and self.known.name == self.machine.boot != "":
            self._offset_s = self.known.offset_s
            if self.known.is_set:
                self.state = ClockState.HELD
            return
        wall_s = max(self.machine.wall(), self.last_s + 1.0)
        self._offset_s = wall_s - counted_s

    @property
    def boot(self) -> Boot:
        """Give what a later process of this boot must know."""
        with self._lock:
            return Boot(self.machine.boot, self._offset_s, self.is_set)

    @property
    def is_set(self) -> bool:
        """Say whether stamps are right, and not only in order."""
        return self.state is not ClockState.UNSET

    def __call__(self) -> float:
        """Give the time now [epoch s]."""
        with self._lock:
            counted_s = self.machine.monotonic()
            most_s = _SLEW * max(0.0, counted_s - self._slewed_at_s)
            step_s = max(-most_s, min(most_s, self._slew_s))
            self._offset_s += step_s
            self._slew_s -= step_s
            self._slewed_at_s = counted_s
            return counted_s + self._offset_s

    @contextmanager
    def steady(self) -> Iterator[None]:
        """Hold off every setting of the time, while what was stamped is put away."""
        with self._lock:
            yield

    def look(self) -> None:
        """Compare with the machine's clock; call it every few seconds."""
        with self._lock:
            now_s, wall_s = self(), self.machine.wall()
            if not self.machine.is_synchronised() or wall_s < _EARLIEST_S:
                if self.state is ClockState.SYNCHRONISED:
                    self.state = ClockState.HELD
                return
            self.off_by_s = wall_s - now_s
            if not self.is_set:
                self._set(self.off_by_s, ClockState.SYNCHRONISED)
            elif abs(self.off_by_s) <= _LARGE_S:
                self._slew_s = self.off_by_s
                self.state = ClockState.SYNCHRONISED
            elif self._node_agrees():
                self._set(self.off_by_s, ClockState.SYNCHRONISED)
            else:
                self.state = ClockState.HELD

    def hear(self, node_s: float) -> None:
        """Take the time that the node told in an answer that has just come."""
        with self._lock:
            self._node_off_s = node_s - self()
            if not self.is_set:
                self._set(self._node_off_s, ClockState.NODE)
            elif self.state is not ClockState.SYNCHRONISED:
                self.off_by_s = self._node_off_s
                if _NOISE_S < abs(self.off_by_s) <= _LARGE_S:
                    self._slew_s = self.off_by_s

    def mended(self, start_s: int) -> int:
        """Give a stamp again that was taken just before the time was set."""
        with self._lock:
            now_s = self()
            is_old = abs(start_s - now_s) > _LATE_S >= abs(start_s + self._shift_s - now_s)
            return start_s + self._shift_s if is_old else start_s

    def _node_agrees(self) -> bool:
        """Say whether the node, when last heard, was as far off as the machine's clock is."""
        heard_s = self._node_off_s
        return heard_s is not None and abs(heard_s - self.off_by_s) <= _NOISE_S

    def _set(self, off_by_s: float, state: ClockState) -> None:
        shift_s = round(off_by_s)
        self._offset_s += shift_s
        self._slew_s = 0.0
        self._node_off_s = None
        self.state = state
        self.shifts += shift_s != 0
        self._shift_s = shift_s
        self.on_shift(shift_s, Boot(self.machine.boot, self._offset_s, is_set=True))


def this_machine(
    wall: Callable[[], float], monotonic: Callable[[], float], *, boot: Path = _BOOT_NAME
) -> Machine:
    """Give the clocks of a Linux machine; elsewhere it counts as not synchronised."""
    try:
        name = boot.read_text("ascii").strip()
    except OSError:
        name = ""
    return Machine(wall, monotonic, kernel_is_synchronised, name)


def kernel_is_synchronised() -> bool:
    """Ask the kernel whether a time server keeps its clock (adjtimex(2), modes 0)."""
    try:
        ask = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return False
    said: int = ask(ctypes.create_string_buffer(_TIMEX_BYTES))
    if said < 0:  # a service that may not touch the clock may not ask either
        return _TIMESYNC.exists()
    return said != _NOT_SYNCHRONISED
