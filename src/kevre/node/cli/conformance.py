"""`kevre conformance`: hold another node to the written protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from kevre.model.errors import Conflict
from kevre.node import start

if TYPE_CHECKING:
    from kevre.federate.conformance.check import Result
    from kevre.node.config import Config

out = Console(highlight=False)
_SIGNS = {"kept": "✓", "broken": "✗", "not tried": "·"}


def conformance(
    target: Annotated[
        str, typer.Argument(help="Address of a node, or full JID of a Quoalise service.")
    ],
    *,
    series: Annotated[str, typer.Option(help="What is subscribed to; the first readable.")] = "",
    quick: Annotated[bool, typer.Option(help="Leave out the check that takes 15 s.")] = False,
) -> None:
    """Hold a node or service, of whatever program, to docs/protocol; exit 5 if a rule is broken.

    It must trust this node and let it read something. Subscriptions to that series are made
    and ended: do not name what this node receives in earnest.
    """
    config = start.ready()
    is_web = target.startswith(("http://", "https://"))
    results = (
        _over_https(config, target, series, quick=quick)
        if is_web
        else _over_xmpp(config, target, series)
    )
    broken = 0
    for one in results:
        broken += one.outcome == "broken"
        _line(_SIGNS[one.outcome], f"{one.section}: {one.rule}", one.found)
    if broken:
        raise Conflict("conformance.broken", f"{broken} rules are broken", where=target)
    out.print("Every rule that was tried is kept.")


def _over_https(config: Config, url: str, series: str, *, quick: bool) -> Iterator[Result]:
    from kevre.federate import identity
    from kevre.federate.conformance import feed, https
    from kevre.federate.conformance.caller import Node
    from kevre.federate.conformance.check import tried
    from kevre.federate.models import Feed

    node = Node.at(url, identity.hold(config.home), series)
    living = Feed.objects.filter(peer__base_url=node.described.base_url, ended_at=None)
    if living.filter(selector__in=(node.selector, "*")).exists():
        raise Conflict(
            "conformance.in_use",
            "this node receives that series in earnest",
            where=node.selector,
            hint="name another one with --series",
        )
    try:
        patient = () if quick else feed.PATIENT
        yield from tried((*https.FIRST, *feed.CHECKS, *patient, *https.LAST), node)
    finally:
        node.close()


def _over_xmpp(config: Config, jid: str, series: str) -> Iterator[Result]:
    from kevre.federate.conformance import xmpp as checks
    from kevre.federate.conformance.check import tried
    from kevre.node import xmpp

    service = checks.Service.at(jid, xmpp.address(config), series)
    yield from tried(checks.CHECKS, service)


def _line(sign: str, rule: str, found: str) -> None:
    text = f"{sign} {rule}" + (f" — {found}" if found else "")
    out.print(text, markup=False, soft_wrap=True)
