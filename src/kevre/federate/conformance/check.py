"""One rule of the protocol, how a node is held to it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from kevre.model.errors import KevreError

Subject = TypeVar("Subject")


class Outcome(StrEnum):
    """What came of a check; one that could not be tried says nothing of the node."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Check(Generic[Subject]):
    """A rule.

    Attributes:
        section: of docs/protocol/README.md or quoalise.md.
        rule: one sentence.
        run: raises `Broken` or `NotTried`, with what it found; or a KevreError of the node's.
    """

    section: str
    rule: str
    run: Callable[[Subject], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found; `found` is empty where the rule is kept."""

    section: str
    rule: str
    outcome: Outcome
    found: str = ""


class Broken(Exception):
    """The rule is not kept; says what was found instead."""


class NotTried(Exception):
    """There is nothing here by which the rule could be tried."""


def tried(checks: Iterable[Check[Subject]], subject: Subject) -> Iterator[Result]:
    """Try every check, in order, whatever the ones before found."""
    for one in checks:
        try:
            one.run(subject)
        except NotTried as reason:
            yield Result(one.section, one.rule, Outcome.NOT_TRIED, str(reason))
        except (Broken, KevreError) as error:
            yield Result(one.section, one.rule, Outcome.BROKEN, str(error))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            found = f"an answer has another shape than the protocol's: {error!r}"
            yield Result(one.section, one.rule, Outcome.BROKEN, found)
        else:
            yield Result(one.section, one.rule, Outcome.KEPT)


def hold(*, that: bool, found: object) -> None:
    """Hold that something is so.

    Raises:
        Broken: it is not; tells what was found instead.
    """
    if not that:
        raise Broken(str(found)[:300])
