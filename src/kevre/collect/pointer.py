"""Where in a JSON document a number stands: the plain part of JSONPath (RFC 9535).

Understood are `$`, members by `.name` or `['any name']`, and elements by `[0]`, also from
the end by `[-1]`; no wildcards, for a reading has one value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from kevre.model.errors import Malformed

Pointer = tuple[str | int, ...]

_STEP = re.compile(r"\.([A-Za-z_][\w:+-]*)|\[(-?[0-9]{1,6})\]|\['([^']{1,100})'\]")
_LONGEST_NUMBER = 40


def parse(text: str) -> Pointer:
    """Read a path.

    >>> parse("$.emeters[0].power"), parse("$['switch:0'].apower"), parse("$")
    (('emeters', 0, 'power'), ('switch:0', 'apower'), ())

    Raises:
        Malformed: no such path.
    """
    steps: list[str | int] = []
    at = 1
    while text.startswith("$") and at < len(text) and (found := _STEP.match(text, at)):
        name, number, quoted = found.groups()
        steps.append(int(number) if number else name or quoted)
        at = found.end()
    if at != len(text) or not text.startswith("$"):
        raise Malformed(
            "pointer.malformed",
            f"{text[:60]!r} is no path that is understood",
            hint="it reads like $.emeters[0].power",
        )
    return tuple(steps)


def document(text: bytes) -> object:
    """Read JSON with exact decimals.

    Raises:
        Malformed: it is none, or nested as no device's answer is.
    """
    try:
        read: object = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise no_json() from error
    return read


def no_json() -> Malformed:
    """Make the error of an answer that is no JSON, or too long for any."""
    return Malformed(
        "pointer.no_json",
        "the answer is not JSON",
        hint="look at what the device says: it may be a sign-in page",
    )


def number(read: object, pointer: Pointer) -> Decimal:
    """Give the number at a place; also one that is written as text.

    Raises:
        Malformed: nothing is there, or no number.
    """
    read = at(read, pointer)
    if isinstance(read, str) and len(read) <= _LONGEST_NUMBER:
        try:
            read = Decimal(read.strip())
        except InvalidOperation:
            raise _nothing(pointer) from None
    if isinstance(read, int) and not isinstance(read, bool):
        read = Decimal(read)
    if not isinstance(read, Decimal) or not read.is_finite():
        raise _nothing(pointer)
    return read


def at(read: object, pointer: Pointer) -> object:
    """Give what stands at a place; None where there is nothing."""
    for step in pointer:
        read = _step(read, step)
    return read


def has(read: object, pointer: Pointer) -> bool:
    """Say whether there is a number at a place."""
    try:
        number(read, pointer)
    except Malformed:
        return False
    return True


def _step(read: object, step: str | int) -> object:
    if isinstance(step, str):
        return read.get(step) if isinstance(read, Mapping) else None
    if isinstance(read, list) and -len(read) <= step < len(read):
        return read[step]
    return None


def _nothing(pointer: Pointer) -> Malformed:
    place = ".".join(map(str, pointer)) or "$"
    return Malformed(
        "pointer.nothing",
        "there is no number at this place",
        where=place[:60],
        hint="compare the path with what the device says",
    )


def _refuse(constant: str) -> object:
    raise ValueError(constant)
