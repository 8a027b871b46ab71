"""Replaying from quarantine, for the control socket and for the command line alike."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from kevre.flow.quarantine import Wanted
from kevre.flow.replay import Mending, replay
from kevre.flow.way import Way
from kevre.node.control import Tell


def replayed(way: Way, asked: Mapping[str, Any], tell: Tell) -> Mapping[str, Any]:
    """Replay what is asked for; give the counts.

    Raises:
        Malformed: the unit or the series of the mending makes no sense.
    """
    del tell
    wanted = Wanted(*(str(asked.get(name, "")) for name in ("origin", "code", "series")))
    mending = Mending(
        str(asked.get("urn", "")), str(asked.get("unit", "")), bool(asked.get("is_doubtful"))
    )
    return asdict(replay(way.gate, wanted, mending, now_s=int(time.time())))
