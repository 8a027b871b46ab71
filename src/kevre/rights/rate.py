"""Rates: how many requests a key may make in a minute, counted by this process."""

from __future__ import annotations

import threading

from kevre.model.errors import Unavailable
from kevre.rights.key import Key

_MINUTE_S = 60


class Rate:
    """Counts the requests of each key in the minute that runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[int, int] = {}

    def check(self, key: Key, now_s: int) -> None:
        """Count one request.

        Raises:
            Unavailable: the key has made as many as it may; `retry_after_s` says how long.
        """
        with self._lock:
            if now_s // _MINUTE_S != self._minute:
                self._minute, self._counts = now_s // _MINUTE_S, {}
            count = self._counts[key.pk] = self._counts.get(key.pk, 0) + 1
        if key.per_minute and count > key.per_minute:
            raise Unavailable(
                "key.too_often",
                "this key sends too often",
                hint="send several readings at once",
                retry_after_s=_MINUTE_S - now_s % _MINUTE_S,
            )
