"""Doing what the rules of retention say: thinning old chunks, erasing older readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kevre.model.window import EARLIEST_S, Window
from kevre.store import catalog, change, chunk, daily, erase, shelf, thin
from kevre.store.catalog import Declared
from kevre.store.chunk import CAPACITY
from kevre.store.connection import Connection, Cursor
from kevre.store.daily import Dirty
from kevre.store.rule import Rule
from kevre.store.shelf import Piece
from kevre.store.write import Writer

# Chunks that one transaction takes up: 30 MB of readings.
_MOST_CHUNKS = 50

# Chunks whose readings lie more than half again as close as the rule wants.
DENSE = """
    select first_s from chunk
    where series = $series and first_s > $after_s and last_s < $before_s
        and 2 * count * $step_s > 3 * (last_s - first_s + $step_s)
    order by first_s limit $most
"""
EARLIER = """
    select first_s, count from chunk where series = ? and first_s < ?
    order by first_s desc limit 1
"""
SPAN = """
    select series, first_s, last_s, count, pitch_s, exponent, low, high, payload from chunk
    where series = ? and first_s >= ? and first_s <= ? order by first_s
"""
DROP = "delete from chunk where series = ? and first_s >= ? and first_s <= ?"
FORGET_REVISIONS = "delete from superseded where series = ? and start_s >= ? and start_s <= ?"
LONGEST = "update series set longest_s = greatest(longest_s, ?) where id = ?"
OLDEST = """
    select series, min(first_s) from (
        select series, first_s from chunk union all select series, start_s from recent)
    group by series order by series
"""


@dataclass(frozen=True, slots=True)
class Retained:
    """What one run of the rules did: readings that were taken away by each of them."""

    thinned: int
    erased: int


@dataclass(frozen=True, slots=True)
class Thinned:
    """What one step of thinning did to a series: from its first reading to its last."""

    first_s: int
    last_s: int
    before: int
    after: int


def retain(
    connection: Connection,
    writer: Writer,
    rules: Sequence[Rule],
    now_s: int,
    *,
    erase_window: Callable[..., int],
) -> Retained:
    """Apply to each series the first rule for its kind.

    Args:
        connection: of the store.
        writer: of the store.
        rules: in their order.
        now_s: the instant from which ages are counted back [epoch s].
        erase_window: `Store.erase`.
    """
    thinned = erased = 0
    with connection.reading() as cursor:
        oldest = dict(cursor.execute(OLDEST).fetchall())
    for series, oldest_s in oldest.items():
        declared = writer.known(series)
        rule = next((one for one in rules if declared and one.covers(declared)), None)
        if declared is None or rule is None:
            continue
        kept_from_s = rule.kept_from_s(now_s)
        if kept_from_s is not None and oldest_s < kept_from_s:
            old = Window.of_seconds(oldest_s, kept_from_s)
            erased += erase_window(series, old, now_s=now_s, batch=change.RETENTION)
        before_s = rule.detail_before_s(now_s)
        if before_s is not None and oldest_s < before_s:
            thinned += _thin(connection, writer, declared, (rule.step_s, before_s, now_s))
    return Retained(thinned, erased)


def _thin(
    connection: Connection, writer: Writer, declared: Declared, rule_s: tuple[int, int, int]
) -> int:
    """Thin what is dense before an instant, some chunks at a time; count what went."""
    step_s, before_s, now_s = rule_s
    gone, after_s = 0, EARLIEST_S
    while True:
        with connection.upkeep:
            with connection.reading() as cursor:
                span_s = _dense(cursor, declared.series, step_s, before_s, after_s=after_s)
            if span_s is None:
                return gone
            with connection.lock:
                try:
                    with connection.writing() as cursor:
                        done = _thin_chunks(cursor, declared, span_s, step_s)
                        if done.after < done.before:
                            _note(cursor, writer, declared, done, now_s=now_s)
                finally:
                    writer.forget()
        gone += done.before - done.after
        after_s = span_s[1]


def _note(cursor: Cursor, writer: Writer, declared: Declared, done: Thinned, *, now_s: int) -> None:
    """Bring daily totals and the change log in step with what was thinned."""
    window = Window.of_seconds(done.first_s, done.last_s + 1)
    known = catalog.one(cursor, declared.series) or declared
    daily.refresh(cursor, [Dirty(known, *erase.days(window, known))])
    count = done.before - done.after
    line = change.Line(known.series, window.start_s, window.end_s, count, now_s, change.RETENTION)
    writer.note(cursor, line)


def _dense(
    cursor: Cursor, series: int, step_s: int, before_s: int, *, after_s: int
) -> tuple[int, int] | None:
    """Give the starts of the first and last of some chunks that are to be thinned, or None."""
    bound = {
        "series": series,
        "step_s": step_s,
        "before_s": before_s,
        "after_s": after_s,
        "most": _MOST_CHUNKS,
    }
    found = cursor.execute(DENSE, bound).fetchall()
    return (int(found[0][0]), int(found[-1][0])) if found else None


def _thin_chunks(
    cursor: Cursor, declared: Declared, span_s: tuple[int, int], step_s: int
) -> Thinned:
    """Write the chunks that begin in a span anew, with one reading for each interval.

    A small chunk before them is taken along, so that a series has few. Replaced readings
    of the span are forgotten: they tell more than is to be kept. Daily totals and the
    change log are the caller's duty.
    """
    series = declared.series
    first_s, last_s = span_s
    earlier = cursor.execute(EARLIER, [series, first_s]).fetchone()
    if earlier is not None and earlier[1] < CAPACITY // 2:
        first_s = int(earlier[0])
    found = [Piece(*row) for row in cursor.execute(SPAN, [series, first_s, last_s]).fetchall()]
    exponent = min(piece.exponent for piece in found)
    run = chunk.joined([_decoded(piece, exponent) for piece in found])
    fewer = thin.thinned(run, declared.statistic, step_s)
    done = Thinned(first_s, int(run.start_s[-1]), len(run), len(fewer))
    if done.after == done.before:
        return done
    cursor.execute(DROP, [series, first_s, last_s])
    shelf.put(cursor, shelf.pieces(series, exponent, fewer))
    cursor.execute(FORGET_REVISIONS, [series, done.first_s, done.last_s])
    cursor.execute(LONGEST, [int(np.max(fewer.step_s)), series])
    return done


def _decoded(piece: Piece, exponent: int) -> chunk.Run:
    run = chunk.decode(piece.payload, piece.first_s, piece.count, is_dated=True)
    return run.finer(piece.exponent - exponent)
