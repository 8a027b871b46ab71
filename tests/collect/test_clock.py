"""The collector's time runs evenly, whatever the machine's clock does."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kevre.collect.clock import (
    Boot,
    Clock,
    ClockState,
    Machine,
    kernel_is_synchronised,
    this_machine,
)
from kevre.collect.spool import Spool
from kevre.model.quality import Quality
from kevre.model.reading import Reading

TRUE_S = 1_800_000_000.0
POWER = "urn:dev:prm:09876543210123_consumption/power/apparent/instant"


class Lab:
    """A machine whose clock can be moved while true time goes on."""

    def __init__(self, wall_off_s=0.0, synchronised=False, boot="b1"):
        self.passed_s = 0.0
        self.wall_off_s = wall_off_s
        self.synchronised = synchronised
        self.machine = Machine(
            lambda: self.true_s + self.wall_off_s,
            lambda: 17.0 + self.passed_s,
            lambda: self.synchronised,
            boot,
        )

    @property
    def true_s(self):
        return TRUE_S + self.passed_s


def test_a_clock_that_a_time_server_keeps_is_taken_at_once():
    lab = Lab(synchronised=True)
    clock = Clock(lab.machine)
    clock.look()

    assert (clock.state, clock()) == (ClockState.SYNCHRONISED, TRUE_S)


def test_the_kernel_is_asked_and_gives_an_answer():
    assert kernel_is_synchronised() in {True, False}
    assert this_machine(lambda: 0.0, lambda: 0.0).boot != ""


def test_where_no_time_server_answers_the_nodes_word_sets_the_time():
    lab = Lab(wall_off_s=-40_000_000.0)
    clock = Clock(lab.machine)
    clock.look()
    assert not clock.is_set

    clock.hear(TRUE_S)

    assert (clock.state, clock()) == (ClockState.NODE, TRUE_S)


def test_once_set_a_jump_of_the_machines_clock_changes_nothing():
    lab = Lab(synchronised=True)
    clock = Clock(lab.machine)
    clock.look()
    for jump_s in (3_600.0, -86_400.0, 1e9):
        lab.wall_off_s = jump_s
        lab.passed_s += 10
        clock.look()
        assert clock() == lab.true_s
    assert clock.state is ClockState.HELD


def test_a_little_drift_is_caught_up_slowly():
    lab = Lab(synchronised=True)
    clock = Clock(lab.machine)
    clock.look()
    lab.wall_off_s = 5.0
    seen = []
    for _ in range(120):
        lab.passed_s += 1
        clock.look()
        seen.append(clock())

    assert seen[-1] == lab.true_s + 5.0
    assert all(0.94 <= b - a <= 1.06 for a, b in pairwise(seen))


def test_a_large_difference_counts_once_the_node_agrees():
    lab = Lab(synchronised=True)
    clock = Clock(lab.machine)
    clock.look()
    lab.wall_off_s = 7_200.0
    clock.look()
    assert clock() == lab.true_s

    clock.hear(lab.true_s + 7_200.0)
    clock.look()

    assert clock() == lab.true_s + 7_200.0


def test_a_later_process_of_the_same_boot_goes_on_with_its_time():
    lab = Lab(synchronised=True)
    first = Clock(lab.machine)
    first.look()
    lab.wall_off_s, lab.passed_s, lab.synchronised = -500_000.0, 60.0, False

    second = Clock(lab.machine, known=first.boot)

    assert second() == lab.true_s
    assert second.is_set


def test_a_boot_in_the_past_begins_after_the_last_reading():
    lab = Lab(wall_off_s=-1_000.0, boot="b2")
    clock = Clock(lab.machine, last_s=int(TRUE_S), known=Boot("b1", 3.0, True))

    assert clock() >= TRUE_S + 1
    assert not clock.is_set


def test_a_stamp_taken_just_before_the_time_was_set_is_mended():
    lab = Lab(wall_off_s=-500_000.0)
    clock = Clock(lab.machine)
    stamp_s = int(clock())
    clock.hear(TRUE_S)

    assert clock.mended(stamp_s) == TRUE_S
    assert clock.mended(int(TRUE_S) - 3_000) == TRUE_S - 3_000


acts = st.lists(
    st.one_of(
        st.tuples(st.just("jump"), st.integers(-(10**8), 10**8)),
        st.tuples(st.just("synchronised"), st.booleans()),
        st.tuples(st.just("node"), st.just(0)),
        st.tuples(st.just("process"), st.just(0)),
        st.tuples(st.just("boot"), st.integers(-(10**8), 10**6)),
        st.tuples(st.just("read"), st.integers(1, 4)),
    ),
    max_size=40,
)


class World:
    """A lab, a spool and a clock through boots; remembers what was true."""

    def __init__(self, path, wall_off_s):
        self.path, self.lab, self.boots = path, Lab(wall_off_s), 1
        self.truth, self.in_boot, self.doubtful_boots = [], [], set()
        self.begin()

    def begin(self):
        self.spool = Spool(self.path)
        last_s, known = self.spool.timeline(self.lab.machine.boot)
        self.clock = Clock(
            self.lab.machine,
            last_s=last_s,
            known=known,
            on_shift=lambda by_s, boot: self.spool.set_time(boot, by_s, int(self.lab.true_s)),
        )
        self.spool.keep_boot(self.clock.boot)
        self.clock.look()

    def jump(self, by_s):
        self.lab.wall_off_s, self.lab.synchronised = float(by_s), False

    def synchronised(self, is_so):
        """The kernel says so only while its clock is right, as kernels do."""
        self.lab.synchronised = is_so
        self.lab.wall_off_s = 0.0 if is_so else self.lab.wall_off_s

    def node(self, _):
        self.clock.hear(float(int(self.lab.true_s)))

    def process(self, _):
        self.spool.__exit__(None, None, None)
        self.begin()

    def boot(self, wall_off_s):
        if not self.clock.is_set:
            self.doubtful_boots.add(self.boots)
        self.spool.__exit__(None, None, None)
        self.boots += 1
        passed_s = self.lab.passed_s
        self.lab = Lab(float(wall_off_s), boot=f"b{self.boots}")
        self.lab.passed_s = passed_s
        self.begin()

    def read(self, times):
        for _ in range(times):
            self.lab.passed_s += 10
            reading = Reading(int(self.clock()), 0, (len(self.truth), 0))
            boot = "" if self.clock.is_set else self.clock.boot.name
            self.spool.append([(POWER, reading)], boot=boot)
            self.in_boot.append(self.boots)
            self.truth.append(int(self.lab.true_s))

    def left(self):
        """What is sent at last, and whether anything was replaced."""
        parcel, tallies = self.spool.pending(10_000), self.spool.state().tallies
        self.spool.__exit__(None, None, None)
        columns = parcel.columns if parcel else ()
        return [one for column in columns for one in column.readings()], "replaced" in tallies


@given(acts=acts, wall_off_s=st.integers(-(10**8), 10**8))
def test_no_jump_makes_a_duplicate_or_a_hole(acts, wall_off_s, tmp_path_factory):
    """Each reading leaves once, in order; where the time came, at its true time."""
    world = World(tmp_path_factory.mktemp("clock") / "s.sqlite", float(wall_off_s))
    for act, n in [*acts, ("node", 0)]:
        world.lab.passed_s += 10
        getattr(world, act)(n)
        world.clock.look()

    left, is_replaced = world.left()

    assert [one.value[0] for one in left] == list(range(len(world.truth)))
    assert not is_replaced
    for one, true_s, boot in zip(left, world.truth, world.in_boot, strict=True):
        is_doubtful = boot in world.doubtful_boots
        assert one.quality is (Quality.DOUBTFUL if is_doubtful else Quality.MEASURED)
        assert is_doubtful or abs(one.start_s - true_s) <= 2
