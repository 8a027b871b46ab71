"""The spool keeps order, outlives the process, and never loses a reading uncounted."""

import os
import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_a_full_spool_drops_the_oldest_and_counts_them(path):
    with Spool(path, capacity=10) as spool:
        for value in range(25):
            spool.append(powers([value], 1_800_000_000 + value))

        assert values(spool.pending(100)) == list(range(15, 25))
        assert spool.state().tallies["dropped"] == 15


def test_what_is_on_its_way_is_not_dropped(path):
    with Spool(path, capacity=5) as spool:
        spool.append(powers(range(5)))
        sent = spool.pending(2)
        spool.append(powers(range(5, 9), 1_800_000_005))

        assert spool.acknowledge(sent.number) == 2
        assert values(spool.pending(10)) == [6, 7, 8]
        assert spool.state().tallies["dropped"] == 4


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
def test_every_reading_is_sent_held_or_counted_as_dropped(tmp_path_factory, steps):
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

    assert len(sent) == len(set(sent)) == state.tallies.get("sent", 0)
    assert state.waiting + state.set_aside <= 12
    dropped = state.tallies.get("dropped", 0)
    assert len(sent) + state.waiting + state.set_aside + dropped == appended


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


def test_a_file_that_is_no_spool_says_so(tmp_path):
    path = tmp_path / "collect.sqlite"
    path.write_bytes(b"not a spool" * 100)

    with pytest.raises(Unavailable) as told:
        Spool(path)
    assert told.value.code == "spool.unusable"
