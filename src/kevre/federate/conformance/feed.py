"""The checks of the feed: frames, cursors, seals."""

from __future__ import annotations

import time
from collections.abc import Sequence

from kevre.federate import seal
from kevre.federate.conformance.caller import Node
from kevre.federate.conformance.check import Check, NotTried, hold
from kevre.federate.frame import Frame
from kevre.federate.identity import PublicIdentity

_FIRST_S = 20.0
_LONGEST_SILENCE_S, _GRACE_S = 15.0, 5.0


def sends_what_waits(node: Node) -> None:
    """What is known comes, in the window that is told, under numbers that grow."""
    frames = _first(node)
    given_out = node.last(node.subscribed()["handle"])
    last = -1
    for one in frames:
        hold(that=one.cursor >= last, found=f"number {one.cursor} after {last}")
        hold(that=one.cursor <= given_out, found=f"number {one.cursor}, {given_out} is the last")
        last = one.cursor
        names = [piece.column.series for piece in one.pieces]
        hold(that=len(set(names)) == len(names), found="a series twice in a frame")
        for piece in one.pieces:
            starts = list(piece.column.start_s)
            hold(that=starts == sorted(set(starts)), found="readings out of order, or twice")
            window = piece.window
            inside = all(window.start_s <= start < window.end_s for start in starts)
            hold(that=inside, found=f"readings outside the window of {piece.column.series}")


def seals_what_it_sends(node: Node) -> None:
    """A seal holds, with the key of the node or of one that it knows."""
    sealed = [piece for one in _first(node) for piece in one.pieces if piece.seal is not None]
    if not sealed:
        raise NotTried("nothing that came was sealed")
    keys = [node.described.key, *(one.key for one in node.described.neighbours)]
    known = {one.name: one for one in keys}

    def key(name: str) -> PublicIdentity | None:
        return known.get(name)

    for piece in sealed:
        if piece.seal is not None:
            seal.verify(piece.seal, piece.column, key)


def tells_the_terms(node: Node) -> None:
    """The terms of a series come before its readings, and once a receipt was given not again."""
    frames = _first(node)
    told = {one.urn: one.number for frame in frames for one in frame.told}
    known: set[str] = set()
    for frame in frames:
        known |= {one.urn for one in frame.told}
        names = {piece.column.series for piece in frame.pieces}
        hold(that=names <= known, found=f"readings before terms: {sorted(names - known)[:3]}")
    handle = node.subscribed()["handle"]
    receipts = [{"notice": number, "done": "bound"} for number in told.values()]
    answer = node.client.ask("POST", f"subscriptions/{handle}/receipts", {"receipts": receipts})
    hold(that=answer.get("noted") == len(receipts), found=answer)
    again = [one for frame in _sent(node, 0) for one in frame.told]
    hold(that=not again, found=f"{len(again)} notices came again after their receipts")


def sends_again_until_acknowledged(node: Node) -> None:
    """What was not acknowledged comes again, the same."""
    held = node.subscribed()
    after = int(held["acknowledged"])
    one, other = (_told(_sent(node, after)) for _ in range(2))
    hold(that=one == other, found=f"{len(one)} readings, then {len(other)} or others")


def begins_anew(node: Node) -> None:
    """A receiver that stands before what it acknowledged gets everything under new numbers."""
    frames = _first(node)
    wanted = _instants(frames)
    last = max(one.cursor for one in frames)
    handle = node.subscribed()["handle"]
    node.client.ask("POST", f"subscriptions/{handle}/acknowledgement", {"cursor": last})
    again = node.frames(handle, 0, enough=lambda found: wanted <= _instants(found))
    for one in again:
        hold(that=not one.pieces or one.cursor > last, found=f"number {one.cursor} after {last}")
    lacking = wanted - _instants(again)
    hold(that=not lacking, found=f"{len(lacking)} readings did not come again")


def is_silent_but_alive(node: Node) -> None:
    """After all was acknowledged nothing comes again, but a sign of life does."""
    frames = _first(node)
    handle = node.subscribed()["handle"]
    last = max(frames[-1].cursor, node.last(handle))
    told = node.client.ask("POST", f"subscriptions/{handle}/acknowledgement", {"cursor": last})
    hold(that=told.get("acknowledged") == last, found=told)
    began = time.monotonic()
    came = node.frames(handle, last, enough=bool)
    took_s = time.monotonic() - began
    hold(that=bool(came), found="the answer ended without a frame")
    hold(that=not len(came[0]), found=f"{len(came[0])} readings came again")
    hold(that=took_s < _LONGEST_SILENCE_S + _GRACE_S, found=f"silent for {took_s:.0f} s")


def _first(node: Node) -> list[Frame]:
    """Give what waits, of a subscription that begins."""
    node.subscribed()
    node.client.ask("DELETE", "subscriptions", {"selector": node.selector})
    held = node.subscribed()
    found = _sent(node, int(held["acknowledged"]))
    if not any(len(one) for one in found):
        raise NotTried("there are no readings that we may read")
    return found


def _sent(node: Node, after: int) -> list[Frame]:
    """Give all that comes after a number, once there is something."""
    handle = node.subscribed()["handle"]
    until = time.monotonic() + _FIRST_S
    while (last := node.last(handle)) <= after and time.monotonic() < until:
        time.sleep(0.2)
    if last <= after:
        return []
    return node.frames(handle, after, enough=lambda found: found[-1].cursor >= last)


def _instants(frames: Sequence[Frame]) -> set[tuple[str, int]]:
    return {(series, start) for series, start, _ in _told(frames)}


def _told(frames: Sequence[Frame]) -> list[tuple[str, int, int]]:
    return [
        (piece.column.series, start, value)
        for one in frames
        for piece in one.pieces
        for start, value in zip(piece.column.start_s, piece.column.value, strict=True)
    ]


CHECKS: tuple[Check[Node], ...] = (
    Check("The feed", "what waits is sent in order, inside its windows", sends_what_waits),
    Check("Terms", "terms come before readings, until a receipt", tells_the_terms),
    Check("Seals", "seals hold", seals_what_it_sends),
    Check("The feed", "what is not acknowledged comes again", sends_again_until_acknowledged),
    Check("The feed", "a restored receiver gets everything again", begins_anew),
)
PATIENT: tuple[Check[Node], ...] = (
    Check(
        "The feed",
        "what is acknowledged is not sent again, but signs of life are",
        is_silent_but_alive,
    ),
)
