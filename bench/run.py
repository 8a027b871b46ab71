"""Runs the measurements: `python -m bench.run [--cold]`."""

from __future__ import annotations

import sys

from bench import cold, feed, node, parse, readings, territory, wire
from bench.figure import Figure, report


def main() -> None:
    """Measure all, print the table, write build/bench.json."""
    found: list[Figure] = []
    for part in (cold, *_WARM) if "--cold" in sys.argv else _WARM:
        found += part.figures()
    report([*found, *territory.figures(200, 2_000)])


_WARM = (parse, readings, node, feed, wire)

if __name__ == "__main__":
    main()
