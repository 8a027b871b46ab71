"""Readings on disk: one embedded DuckDB file behind `Store`.

Here live the readings, their daily totals and the log of what changed, keyed by the
registry's number of a series. What a series is called, who may read it and what follows
from a change live elsewhere: nothing is read without a `Permit`, and the store knows no
person. Only `flow` and `node` import this room. Start with `store.py`, then `write.py`.
"""

from kevre.store.change import RETENTION
from kevre.store.connection import claimed
from kevre.store.place import Lake
from kevre.store.portable import load, unload
from kevre.store.result import Change, Curve, DayTotals, Latest, PeriodTotals, Written
from kevre.store.retention import Retained
from kevre.store.rule import Rule
from kevre.store.snapshot import proof
from kevre.store.store import Store

__all__ = [
    "RETENTION",
    "Change",
    "Curve",
    "DayTotals",
    "Lake",
    "Latest",
    "PeriodTotals",
    "Retained",
    "Rule",
    "Store",
    "Written",
    "claimed",
    "load",
    "proof",
    "unload",
]
