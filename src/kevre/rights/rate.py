"""Rates: how many requests somebody may make in a minute, counted by this process."""

from __future__ import annotations

import threading

from kevre.model.errors import Unavailable
from kevre.rights.key import Key

_MINUTE_S = 60


class Rate:
    """Counts the requests of each, by whatever name, in the minute that runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[str, int] = {}

    def check(self, key: Key, now_s: int) -> None:
        """Count one request of a key.

        Raises:
            Unavailable: the key has made as many as it may; `retry_after_s` says how long.
        """
        if self._is_over(f"key {key.pk}", key.per_minute, now_s):
            raise Unavailable(
                "key.too_often",
                "this key sends too often",
                hint="send several readings at once",
                retry_after_s=_MINUTE_S - now_s % _MINUTE_S,
            )

    def count(self, who: str, most: int, now_s: int) -> None:
        """Count one request of somebody; `most` of 0 is no limit.

        Raises:
            Unavailable: there were as many as may be; `retry_after_s` says how long.
        """
        if self._is_over(who, most, now_s):
            raise Unavailable(
                "rate.too_often",
                "these are too many requests in a minute",
                hint="ask for more at once, and less often",
                retry_after_s=_MINUTE_S - now_s % _MINUTE_S,
            )

    def _is_over(self, who: str, most: int, now_s: int) -> bool:
        with self._lock:
            if now_s // _MINUTE_S != self._minute:
                self._minute, self._counts = now_s // _MINUTE_S, {}
            count = self._counts[who] = self._counts.get(who, 0) + 1
        return bool(most) and count > most
