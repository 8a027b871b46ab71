"""The spool keeps order, outlives the process, and never loses a reading uncounted."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kevre.collect.clock import Boot
from kevre.collect.spool import Spool
from kevre.model.errors import Unavailable
from kevre.model.quality import Quality
from kevre.model.reading import Reading

POWER = "urn:dev:prm:09876543210123_consumption/power/apparent/instant"
INDEX = "urn:dev:prm:09876543210123_consumption/energy/active/index"


def powers(values, start_s=1_800_000_000):
    return [(POWER, Reading(start_s + i, 0, (value, 0))) for i, value in enumerate(values)]


def values(parcel):
    return [value for column in parcel.columns for value in column.value]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "collect.sqlite"


def test_readings_come_out_in_order_and_again_until_acknowledged(path):
    with Spool(path) as spool:
        spool.append(powers([1, 2, 3]))

        first = spool.pending(2)
        assert values(first) == values(spool.pending(2)) == [1, 2]
        spool.acknowledge(first.number)

        assert values(spool.pending(2)) == [3]


def test_a_parcel_holds_what_was_put_in(path):
    missing = Reading(1_800_000_100, 600, None, Quality.MISSING)
    fine = Reading(1_800_000_200, 0, (25, -1), Quality.DOUBTFUL)
    with Spool(path) as spool:
        spool.append([(POWER, missing), (INDEX, fine)])
        columns = {column.series: list(column.readings()) for column in spool.pending(10).columns}

    assert columns == {POWER: [missing], INDEX: [fine]}


def test_a_restart_changes_nothing(path):
    with Spool(path) as spool:
        spool.append(powers([1, 2, 3]))
        spool.acknowledge(spool.pending(1).number)

    with Spool(path) as spool:
        assert values(spool.pending(10)) == [2, 3]
        assert spool.state().tallies == {"appended": 3, "sent": 1}


def test_the_file_is_closed_to_others(path):
    with Spool(path):
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


def test_what_is_too_far_apart_to_merge_is_dropped_and_counted_when_full(path):
    with Spool(path, capacity=10) as spool:
        for value in range(25):
            spool.append(powers([value], 1_800_000_000 + 700 * value))

        assert values(spool.pending(100)) == list(range(15, 25))
        assert spool.state().tallies["dropped"] == 15


def test_a_full_spool_makes_the_oldest_detail_coarser_and_counts_it(path):
    with Spool(path, capacity=40) as spool:
        spool.append([(POWER, Reading(1_800_000_000 + 10 * i, 0, (i, 0))) for i in range(60)])
        parcel = spool.pending(100)
        tallies = spool.state().tallies

    assert tallies == {"appended": 60, "thinned": 60 - len(parcel)}
    assert len(parcel) <= 40
    (column,) = parcel.columns
    assert list(column.readings())[-1].value == (59 * 10**-column.exponent, column.exponent)
    ends = [*column.start_s[1:], 1_800_000_600]
    held = sum(
        v * (end - start) for v, start, end in zip(column.value, column.start_s, ends, strict=True)
    )
    assert held == sum(range(60)) * 10 * 10**-column.exponent


def test_registers_keep_their_last_when_thinned(path):
    with Spool(path, capacity=10) as spool:
        spool.append([(INDEX, Reading(1_800_000_000 + 10 * i, 0, (i, 0))) for i in range(30)])

        assert values(spool.pending(100))[-1] == 29
        assert "dropped" not in spool.state().tallies


def test_what_is_on_its_way_is_not_dropped(path):
    with Spool(path, capacity=5) as spool:
        spool.append(powers(range(5)))
        sent = spool.pending(2)
        spool.append(powers(range(5, 9), 1_800_000_005))
    with Spool(path, capacity=5) as spool:
        spool.append(powers([9], 1_800_000_009))

        assert values(spool.pending(10)) == values(sent) == [0, 1]
        assert spool.acknowledge(sent.number) == 2
        (column,) = spool.pending(10).columns
        assert list(column.readings())[-1].value == (9 * 10**-column.exponent, column.exponent)
        assert len(column) == 8 - spool.state().tallies["thinned"]


def test_a_correction_while_its_reading_is_on_its_way_is_sent_too(path):
    with Spool(path) as spool:
        spool.append(powers([1]))
        sent = spool.pending(10)
        spool.append(powers([2]))
        spool.acknowledge(sent.number)

        assert values(spool.pending(10)) == [2]
        assert spool.state().tallies["replaced"] == 1


def test_what_is_refused_lets_others_pass_and_can_be_tried_again(path):
    with Spool(path) as spool:
        spool.append(powers([1, 2]))
        spool.set_aside(spool.pending(10).number, "uplink.not_accepted")
        spool.append(powers([3], 1_800_000_010))
        sent = spool.pending(10)
        assert values(sent) == [3]
        assert (spool.state().waiting, spool.state().set_aside) == (1, 2)

        assert spool.take_back() == 2
        spool.acknowledge(sent.number)

        assert values(spool.pending(10)) == [1, 2]


def test_a_correction_of_what_is_on_its_way_is_not_mixed_into_it(path):
    with Spool(path) as spool:
        spool.append(powers([1, 2]))
        assert len(spool.pending(10)) == 2
        spool.append(powers([3], 1_800_000_009))

        assert values(spool.pending(10)) == [1, 2]


def test_when_full_what_was_refused_goes_first(path):
    with Spool(path, capacity=3) as spool:
        spool.append(powers([1]))
        spool.append(powers([2], 1_800_000_001))
        spool.set_aside(spool.pending(2).number, "uplink.not_accepted")
        spool.append(powers([3, 4], 1_800_000_010))

        assert values(spool.pending(10)) == [3, 4]
        assert spool.state().set_aside == 1


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 6)),
        st.tuples(st.just("send"), st.integers(1, 8)),
        st.tuples(st.just("refuse"), st.integers(1, 8)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("take back"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=steps)
def test_every_reading_is_sent_held_or_counted_as_thinned_or_dropped(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("spool") / "s.sqlite"
    appended, sent = 0, []
    spool = Spool(path, capacity=12)
    for act, n in steps:
        if act == "append":
            spool.append(powers(range(appended, appended + n), 1_800_000_000 + appended))
            appended += n
        elif act == "take back":
            spool.take_back()
        elif act == "restart":
            spool.__exit__(None, None, None)
            spool = Spool(path, capacity=12)
        elif parcel := spool.pending(n):
            if act == "send":
                sent += values(parcel)
                spool.acknowledge(parcel.number)
            else:
                spool.set_aside(parcel.number, "uplink.not_accepted")
    state = spool.state()
    spool.__exit__(None, None, None)

    assert len(sent) == state.tallies.get("sent", 0)
    assert state.waiting + state.set_aside <= 12
    gone = state.tallies.get("dropped", 0) + state.tallies.get("thinned", 0)
    assert len(sent) + state.waiting + state.set_aside + gone == appended


WRITER = """
import sys
from kevre.collect.spool import Spool
from kevre.model.reading import Reading
from pathlib import Path
with Spool(Path(sys.argv[1])) as spool:
    for i in range(1_000_000):
        spool.append([(sys.argv[2], Reading(1_800_000_000 + i, 0, (i, 0)))])
        print(i, flush=True)
"""


def test_what_append_returned_for_survives_a_kill(path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), POWER], stdout=subprocess.PIPE, text=True
    )
    for _ in range(20):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    told = [int(line) for line in writer.communicate()[0].split()]
    last = told[-1] if told else 19

    with Spool(path) as spool:
        held = values(spool.pending(1_000_000))
    assert held == list(range(len(held)))
    assert len(held) > last


def test_a_damaged_file_is_moved_aside_and_work_goes_on(path):
    path.parent.mkdir()
    path.write_bytes(b"not a spool" * 100)

    with Spool(path) as spool:
        spool.append(powers([1]))
        assert values(spool.pending(10)) == [1]
        assert spool.state().tallies["damaged"] == 1
    assert path.with_name("collect.sqlite.damaged-1").read_bytes().startswith(b"not a spool")


def test_a_file_torn_in_its_middle_while_in_use_is_moved_aside(path):
    with Spool(path) as spool:
        for start in range(0, 3_000, 100):
            spool.append(powers(range(start, start + 100), 1_800_000_000 + start))
    whole = path.read_bytes()
    path.write_bytes(whole[:4_096] + os.urandom(len(whole) - 8_192) + whole[-4_096:])

    with Spool(path) as spool:
        spool.append(powers([7]))
        assert values(spool.pending(10)) == [7]
    assert path.with_name("collect.sqlite.damaged-1").exists()


def test_the_status_of_a_damaged_file_only_says_so(path):
    path.parent.mkdir()
    path.write_bytes(b"not a spool" * 100)

    with pytest.raises(Unavailable) as told:
        Spool(path, mend=False)
    assert told.value.code == "spool.damaged"


def test_while_the_disk_is_full_readings_are_sent_from_memory_then_written(path):
    with Spool(path) as spool:
        spool.append(powers([1]))
        pages = spool._base.execute("pragma page_count").fetchone()[0]
        spool._base.execute(f"pragma max_page_count = {pages}")
        wide = [(f"{POWER}/{k}", Reading(1_800_000_000, 0, (k, 0))) for k in range(2_000)]

        spool.append(wide)
        first = spool.pending(500)
        assert (first.number, len(first)) == (0, 500)
        assert spool.acknowledge(first.number) == 500

        spool._base.execute("pragma max_page_count = 1000000")
        spool.flush()
        state = spool.state()

    assert state.waiting == 1_501
    assert state.tallies == {"appended": 2_001, "sent": 500}


def test_readings_wait_in_memory_no_longer_than_told(path):
    now_s = 0.0
    with Spool(path, flush_s=60, monotonic=lambda: now_s) as spool:
        spool.append(powers([1]))
        with Spool(path) as other:
            assert other.state().waiting == 0
        now_s = 61.0
        spool.flush_due()

        with Spool(path) as other:
            assert other.state().waiting == 1


def test_readings_without_time_wait_and_leave_with_the_right_stamps(path):
    with Spool(path) as spool:
        spool.append(powers([1, 2]), boot="b1")
        assert spool.pending(10) is None
        assert spool.state().unset == 2

        spool.set_time(Boot("b1", 5.0, True), 3_600, 1_800_004_000)

        (column,) = spool.pending(10).columns
        assert list(column.start_s) == [1_800_003_600, 1_800_003_601]
        assert set(column.quality) == {Quality.MEASURED}
        assert spool.timeline("b1") == (1_800_003_601, Boot("b1", 5.0, True))


def test_what_an_earlier_boot_left_without_time_is_doubtful_in_order_and_before_this_one(path):
    with Spool(path) as spool:
        spool.append(powers([1, 2], 1_900_000_000), boot="b1")
    with Spool(path) as spool:
        spool.append(powers([3], 1_900_000_100), boot="b2")
        spool.set_time(Boot("b2", 5.0, True), -50_000_000, 1_850_000_101)

        (column,) = spool.pending(10).columns

    assert list(column.value) == [1, 2, 3]
    assert list(column.start_s) == [1_850_000_098, 1_850_000_099, 1_850_000_100]
    assert list(column.quality) == [Quality.DOUBTFUL, Quality.DOUBTFUL, Quality.MEASURED]


def test_a_spool_of_the_version_before_is_read_on(path):
    path.parent.mkdir()
    old = sqlite3.connect(path)
    old.executescript(OLD)
    old.close()

    with Spool(path) as spool:
        assert values(spool.pending(10)) == [42]


OLD = f"""
create table series (id integer primary key, urn text not null unique);
create table reading (
    number integer primary key autoincrement,
    series integer not null references series (id),
    start_s integer not null, step_s integer not null, mantissa integer,
    exponent integer not null, quality integer not null, refusal text,
    unique (series, start_s)
);
insert into series values (1, '{POWER}');
insert into reading values (1, 1, 1800000000, 0, 42, 0, 0, null);
"""
