from array import array

from kevre.model.batch import Column
from kevre.model.identifier import KINDS
from kevre.model.quality import Quality
from kevre.quality.summary import Summary

PATH = "consumption/power/active/raw"


def column(starts, values, steps=1800, quality=0, exponent=0):
    count = len(starts)
    steps = steps if isinstance(steps, list) else [steps] * count
    return Column(
        f"urn:dev:prm:09876543210123_{PATH}", KINDS[PATH], exponent, array("q", starts),
        array("i", steps), array("q", values), array("B", [quality] * count),
    )  # fmt: skip


def summary(*columns):
    one = Summary("W")
    for each in columns:
        one.take(each)
    return one


def test_pieces_sum_up_as_one():
    one = summary(column([0, 1800], [1, 2]), column([3600], [5], exponent=-1), column([], []))
    assert (one.count, one.first_s, one.last_s, one.total, one.gaps) == (3, 0, 3600, "3.5", 0)


def test_gaps_are_where_time_passes_between_two_intervals():
    one = summary(column([0, 3600, 5400], [1, 2, 3]), column([10_800], [4]))
    assert (one.gaps, one.gap_s) == (2, 1800 + 3600)


def test_instants_have_no_gaps():
    assert summary(column([0, 90_000], [1, 2], steps=0)).gaps == 0


def test_steps_and_qualities_are_counted():
    one = summary(
        column([0, 3600], [1, 2], steps=[3600, 1800]), column([5400], [0], quality=Quality.MISSING)
    )
    assert one.steps_s == {3600: 1, 1800: 2}
    assert one.qualities == {Quality.MEASURED: 2, Quality.MISSING: 1}
