"""Numbers under their sender's own names, before anybody said what they measure.

Software that people already run names what it sends as it likes: `emontx`, `power1`. Such
a pair is an *input*; it becomes a series when a person says what it measures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from kevre.model.exact import Exact
from kevre.model.reading import Fault

MOST_NODE = 64
MOST_NAME = 200
MOST_UNIT = 20


@dataclass(frozen=True, slots=True, order=True)
class InputName:
    """What a sender calls one of its numbers: the device or topic, and the number's own name."""

    node: str
    name: str

    def __str__(self) -> str:
        """Write both, for a person who looks at a fault."""
        return f"{self.node}/{self.name}"


@dataclass(frozen=True, slots=True)
class InputValue:
    """One number of one input.

    Attributes:
        at_s: when it was measured; when it arrived, where the sender does not say [epoch s].
        unit: as the sender wrote it; empty where it says none.
        line: number of the line or record in what was sent, from 1.
    """

    input: InputName
    at_s: int
    value: Exact
    unit: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Posted:
    """What was sent at once: its numbers, the faults of the rest, and how much said nothing.

    Attributes:
        nulls: values that say that there is none; they are no readings, and no faults.
    """

    values: tuple[InputValue, ...]
    faults: tuple[Fault, ...] = ()
    nulls: int = 0

    @property
    def names(self) -> frozenset[InputName]:
        """Give the inputs that occur."""
        return frozenset(value.input for value in self.values)


def short(text: str, most: int) -> str:
    """Give a name that fits, of letters that a database keeps; a longer one with its digest.

    So no two names become one.

    >>> short("power", 20), short("a-very-long-name-of-a-sensor", 20)
    ('power', 'a-very-long~80f67fb2')
    """
    kept = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if len(kept) <= most:
        return kept
    digest = hashlib.sha256(kept.encode()).hexdigest()[:8]
    return f"{kept[: most - 9]}~{digest}"


def first_faults(faults: Iterable[Fault], most: int) -> tuple[Fault, ...]:
    """Give the first faults, and say in a last one how many more there were.

    >>> [fault.code for fault in first_faults([Fault("a.b", "")] * 3, 1)]
    ['a.b', 'input.more_faults']
    """
    kept: list[Fault] = []
    more = 0
    for fault in faults:
        if len(kept) < most:
            kept.append(fault)
        else:
            more += 1
    if more:
        kept.append(Fault("input.more_faults", f"{more} more lines were as bad"))
    return tuple(kept)
