"""Checks of readings: pure functions, no storage, no rights.

`plausible.py` holds what no meter can show; what is merely unusual comes with `assess`.
"""
