"""Trying again what was refused because another process wrote at the same moment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from kevre.model.errors import Unavailable
from kevre.store.connection import Connection

TRIES = 6
_FIRST_PAUSE_S = 0.05

Answer = TypeVar("Answer")


def again(connection: Connection, work: Callable[[], Answer]) -> Answer:
    """Do the work; where it is refused six times in all, with pauses that double.

    The work is one transaction, which is refused whole; that never happens to a file. The
    pauses differ by chance, so that two that collide part: 1.6 to 3.1 s together.

    Raises:
        Unavailable: it was refused each time.
    """
    for tried in range(TRIES - 1):
        try:
            return work()
        except Unavailable as refused:
            if refused.code != "store.contended":
                raise
        time.sleep(_FIRST_PAUSE_S * 2**tried * random.uniform(1, 2))  # noqa: S311 - no secret
        connection.renew()
    return work()
