"""Several devices in one collector: one that fails leaves the others alone, and says why."""

import threading
import time
from contextlib import contextmanager

import pytest
from tests.collect.device import rig

from kevre.collect.agent import Agent
from kevre.collect.clock import Clock, this_machine
from kevre.collect.condition import Condition, decode_states, device_lines, encode_states
from kevre.collect.delivery import Backoff, Delivery
from kevre.collect.device.onewire import urn
from kevre.collect.driver import Surroundings
from kevre.collect.equipment import Device
from kevre.collect.polling import Poller
from kevre.collect.sampler import Pace
from kevre.collect.spool import Spool
from kevre.collect.uplink import Uplink
from kevre.model.errors import Malformed, Unavailable


def hasty():
    return Backoff(first_s=0.01, limit_s=0.05)


def wait_until(is_so, timeout_s=15):
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@contextmanager
def running(devices, board, spool, node, key):
    uplink = Uplink(node.address, key)
    clock = Clock(this_machine(time.time, time.monotonic))
    clock.hear(time.time())
    delivery = Delivery(spool, uplink, clock=clock, backoff=hasty())
    agent = Agent(devices, board, spool, delivery, clock=clock, backoff=hasty)
    thread = threading.Thread(target=agent.run)
    thread.start()
    try:
        yield agent
    finally:
        agent.stop()
        thread.join(15)
        assert not thread.is_alive()


def state_of(agent, name):
    return next(state for state in agent.states() if state.name == name)


def test_a_device_that_fails_spares_the_others_and_comes_back(tmp_path, node, key):
    around = Surroundings(tmp_path / "collect.state", time.time)
    with (
        rig.linky(tmp_path) as meter,
        rig.onewire(tmp_path) as rooms,
        rig.pulse(tmp_path) as water,
        Spool(tmp_path / "collect.sqlite") as spool,
    ):
        devices = [
            rig.made("linky", meter, tmp_path, around=around),
            rig.made("onewire", rooms, tmp_path, around=around),
            rig.made("pulse", water, tmp_path, around=around),
        ]
        with running(devices, around.board, spool, node, key) as agent:
            wait_until(lambda: all(s.condition is Condition.RUNNING for s in agent.states()))
            (tmp_path / "w1").rename(tmp_path / "unplugged")
            wait_until(lambda: state_of(agent, "one-onewire").condition is Condition.FAILING)
            others = {s.name: s.readings for s in agent.states() if s.name != "one-onewire"}
            wait_until(lambda: all(state_of(agent, n).readings > c for n, c in others.items()))

            failing = state_of(agent, "one-onewire")
            assert failing.error.startswith("onewire.")
            assert "(" in failing.error, "a remedy"
            assert all(state_of(agent, n).condition is Condition.RUNNING for n in others)

            (tmp_path / "unplugged").rename(tmp_path / "w1")
            wait_until(lambda: state_of(agent, "one-onewire").condition is Condition.RUNNING)
            assert state_of(agent, "one-onewire").error == failing.error
        told = decode_states(spool.state().notes["devices"][0])
        waiting = spool.state().waiting

    assert {s.condition for s in told} == {Condition.STOPPED}
    assert sum(s.readings for s in told) == len(node.readings) + waiting
    assert {urn.partition("_")[0] for urn, _ in node.readings} == {
        rig.POINT,
        urn("28-0316a2795bff"),
        urn("10-0008013a07e2"),
    }


def test_two_devices_that_give_one_series_are_told(tmp_path, node, key):
    around = Surroundings(tmp_path / "collect.state", time.time)
    with (
        rig.onewire(tmp_path) as rooms,
        Spool(tmp_path / "collect.sqlite") as spool,
    ):
        devices = [
            rig.made("onewire", rooms | {"name": name}, tmp_path, around=around)
            for name in ("one", "two")
        ]
        with running(devices, around.board, spool, node, key) as agent:
            wait_until(lambda: any(s.condition is Condition.FAILING for s in agent.states()))
            failing = next(s for s in agent.states() if s.condition is Condition.FAILING)
            other = next(s for s in agent.states() if s != failing)
            wait_until(lambda: state_of(agent, other.name).readings > 0)

    assert f"device {failing.name}: device {other.name} gives the same series" in failing.error


class Broken:
    """A driver with a fault of its own making."""

    listens = False

    def __init__(self):
        self.opened = 0

    def open(self):
        self.opened += 1

    def read(self):
        raise ZeroDivisionError

    def close(self):
        raise OSError

    def counts(self):
        return {}


@pytest.fixture
def broken(tmp_path):
    around = Surroundings(tmp_path, time.time)
    driver = Broken()
    one = Device("broken", "linky", rig.POINT, Pace(1, 1), driver)
    poller = Poller(
        one, lambda name, due: None, board=around.board, clock=time.time, backoff=hasty()
    )
    stopping = threading.Event()
    thread = threading.Thread(target=poller.run, args=(stopping,))
    thread.start()
    yield poller, driver
    stopping.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_fault_in_a_driver_does_not_end_its_loop(broken):
    poller, driver = broken
    wait_until(lambda: driver.opened > 2)

    assert poller.state.failures >= 2
    assert poller.state.error == "device.crash: ZeroDivisionError"
    assert poller.state.condition is Condition.FAILING


class Rare:
    """A driver that fails at first, and then listens to a sensor that speaks rarely."""

    listens = True

    def __init__(self):
        self.reads = 0

    def open(self):
        pass

    def read(self):
        self.reads += 1
        if self.reads == 1:
            raise Unavailable("mqtt.unreachable", "out of reach")
        time.sleep(0.01)
        return ()

    def close(self):
        pass

    def counts(self):
        return {}


def test_a_device_that_came_back_but_says_nothing_yet_is_no_longer_failing(tmp_path):
    around = Surroundings(tmp_path, time.time)
    one = Device("rare", "mqtt", rig.POINT, Pace(1, 1), Rare())
    poller = Poller(
        one,
        lambda name, due: None,
        board=around.board,
        clock=time.time,
        backoff=hasty(),
        calm_s=0.1,
    )
    stopping = threading.Event()
    thread = threading.Thread(target=poller.run, args=(stopping,))
    thread.start()
    try:
        wait_until(lambda: poller.state.condition is Condition.FAILING)
        wait_until(lambda: poller.state.condition is Condition.STARTING)
        assert poller.state.error.startswith("mqtt.unreachable")
    finally:
        stopping.set()
        thread.join(5)


class Noting:
    """A driver that notes in which period it was read."""

    listens = False

    def __init__(self, clock):
        self.clock, self.periods = clock, []

    def open(self):
        pass

    def read(self):
        self.periods.append(int(self.clock()))
        return ()

    def close(self):
        pass

    def counts(self):
        return {}


def test_a_clock_that_runs_slow_makes_no_device_be_read_twice_in_a_period(tmp_path):
    begin = time.monotonic()

    def slow():
        return 1_000_000 + (time.monotonic() - begin) * 0.7

    driver = Noting(slow)
    around = Surroundings(tmp_path, slow)
    one = Device("slow", "test", rig.POINT, Pace(1, 1), driver)
    poller = Poller(one, lambda name, due: None, board=around.board, clock=slow)
    stopping = threading.Event()
    thread = threading.Thread(target=poller.run, args=(stopping,))
    thread.start()
    wait_until(lambda: len(driver.periods) >= 3)
    stopping.set()
    thread.join(5)

    assert driver.periods == sorted(set(driver.periods))


def test_states_are_read_back_as_they_were_written(broken):
    poller, driver = broken
    wait_until(lambda: driver.opened > 1)
    state = poller.state

    assert decode_states(encode_states([state])) == (state,)
    lines = "\n".join(device_lines([state]))
    assert "device broken (linky): failing, 0 readings" in lines
    assert "device.crash" in lines


@pytest.mark.parametrize("text", ["", "[1]", '[{"name": "a"}]', '[{"condition": "odd"}]'])
def test_what_is_no_state_is_refused(text):
    with pytest.raises(Malformed):
        decode_states(text)
