"""What devices publish to an MQTT broker, subscribed to and read as it comes.

Each message that holds a number asked for gives a reading, stamped when it arrived. What
the broker kept from before (retained) is not read: when it was measured is not known.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping

from kevre.collect import pointer
from kevre.collect.broker import Broker, Subscription, unreachable
from kevre.collect.device.shape import SHAPES, Rule
from kevre.collect.driver import Sample, Task
from kevre.collect.measure import measure
from kevre.collect.option import Options
from kevre.model.errors import KevreError, Unavailable

_WAIT_S = 1.0
_LONGEST = 64 * 1024  # bytes of one message
_EVENTS = "events/rpc"


class Mqtt:
    """Listens to the messages of one device.

    Args:
        topic: of the device; the rules' topics stand below it.
        rules: what numbers to take.
        silence_s: after so long without a number something is wrong.
    """

    listens = True

    def __init__(
        self, broker: Broker, topic: str, rules: tuple[Rule, ...], *, silence_s: int
    ) -> None:
        self._broker = broker
        self._topic = topic
        self._rules = rules
        self._silence_s = silence_s
        self._subscription: Subscription | None = None
        self._heard_s = 0.0
        self._counts = Counter({"messages": 0, "dropped": 0, "malformed": 0})

    def open(self) -> None:
        """Connect and subscribe."""
        self._subscription = Subscription(self._broker, sorted(self._topics()))
        self._heard_s = time.monotonic()

    def read(self) -> Iterator[Sample]:
        """Give the numbers of what arrived, waiting a second at most.

        Raises:
            Unavailable: the broker is gone, or nothing came for long.
        """
        if self._subscription is None:
            raise AssertionError("read after open")
        for topic, payload in self._subscription.messages(_WAIT_S):
            yield from self._samples(topic, payload)
        if self._subscription.is_lost:
            raise unreachable("connection lost")
        if time.monotonic() - self._heard_s > self._silence_s:
            raise Unavailable(
                "mqtt.silent",
                "no message with a number that was asked for",
                hint="compare the topic: mosquitto_sub -v -t '#' shows what is published",
            )

    def close(self) -> None:
        """Leave the broker, and remember what was counted."""
        if self._subscription is not None:
            self._subscription.close()
            self._counts.update(self._subscription.counts)
            self._subscription = None

    def counts(self) -> Mapping[str, int]:
        """Count messages, those dropped unread, and those that could not be read."""
        subscription = self._subscription
        now = Counter() if subscription is None else subscription.counts
        return {name: count + now[name] for name, count in self._counts.items()}

    def _topics(self) -> set[str]:
        below = {rule.topic for rule in self._rules}
        if any(topic.startswith("status/") for topic in below):
            below.add(_EVENTS)
        return {f"{self._topic}/{topic}".strip("/") for topic in below}

    def _samples(self, topic: str, payload: bytes) -> Iterator[Sample]:
        below = topic.removeprefix(self._topic).strip("/")
        try:
            if len(payload) > _LONGEST:
                raise pointer.no_json()
            for name, read in _messages(below, pointer.document(payload)):
                yield from self._matching(name, read)
        except KevreError:
            # One odd message is no reason to leave the broker.
            self._counts["malformed"] += 1

    def _matching(self, below: str, read: object) -> Iterator[Sample]:
        for rule in self._rules:
            if rule.topic != below or not pointer.has(read, rule.place):
                continue
            if rule.besides and not pointer.has(read, rule.besides):
                continue
            if rule.unless and pointer.at(read, rule.unless[0]) == rule.unless[1]:
                continue
            self._heard_s = time.monotonic()
            value = rule.measure.value(pointer.number(read, rule.place))
            yield Sample(rule.measure.path, value)


def _messages(below: str, read: object) -> Iterator[tuple[str, object]]:
    """Give a message as it is; of an event of Shelly gen2 each part as its own."""
    if below != _EVENTS or not isinstance(read, dict):
        yield below, read
        return
    parts = read.get("params")
    if isinstance(parts, dict) and str(read.get("method")).startswith("Notify"):
        for name, part in parts.items():
            yield f"status/{name}", part


def make(task: Task) -> Mqtt:
    """Make the driver of its options: broker, topic, shape or measures."""
    options = task.options
    is_secure = options.flag("tls")
    broker = Broker(
        options.text("broker"),
        options.whole("port", 8_883 if is_secure else 1_883, least=1),
        options.text("user", ""),
        options.secret("password_file"),
        is_secure,
    )
    topic = options.text("topic").strip("/")
    if "+" in topic or "#" in topic:
        raise options.wrong("topic", "the topic of one device, without + or #")
    rules = tuple(_rules(options))
    return Mqtt(broker, topic, rules, silence_s=options.whole("silence_s", 3_600, least=1))


def _rules(options: Options) -> Iterator[Rule]:
    shape = options.choice("shape", SHAPES | {"own": None}, "own")
    if shape != "own":
        yield from SHAPES[shape](options.whole("channel", 0))
        return
    for table in options.tables("measure", least=1):
        try:
            place = pointer.parse(table.text("at", "$"))
        except KevreError as error:
            error.where = table.where
            raise
        rule = Rule(table.text("below", ""), place, measure(table))
        table.done()
        yield rule
