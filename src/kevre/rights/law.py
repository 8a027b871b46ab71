"""The law of the access log, which the database itself keeps: SQLite and PostgreSQL triggers.

A line that no right covers cannot be written, and what is written cannot be changed; only a
recorded purge lets old lines go. The gate asks before; this holds when the gate is wrong.

The triggers are laid after each `migrate` and, in SQLite, lifted before it: SQLite changes a
table by making it anew, which would lose its triggers and stumble over those that name it.
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from kevre.model.step import Resolution

TRIGGERS = ("access_needs_right", "access_stays", "access_leaves_by_purge")

_LEAST_S = " ".join(f"when '{one.value}' then {one.least_s}" for one in Resolution)

COVERED = """
(new.basis = 'grant' and exists (
    select 1 from rights_grant g
    join places_series s on s.id = new.series_id
    join places_meteringpoint p on p.id = s.point_id
    where g.id = new.grant_id and p.site_id = g.site_id
    and not exists (select 1 from rights_heldterms t
        where t.urn = s.urn and t.source_id = s.source_id
        and not t.is_open and (not t.onward or t.ended_at is not null))
    and substr(s.urn, {position} + 1, length(g.path_prefix)) = g.path_prefix
    and g.valid_since <= new.at and (g.valid_until is null or g.valid_until > new.at)
    and g.withdrawn_at is null
    and (g.readings_since is null or g.readings_since <= new.start)
    and (g.readings_until is null or g.readings_until >= new."end")
    and case new.resolution {least_s} else -1 end >= case g.finest {least_s} end
    and (not g.totals_only or new.totals_only)
    and (g.audience = 'everyone' or (g.audience = 'party' and (
        g.party_id = new.party_id or exists (
            select 1 from rights_membership m
            where m.party_id = g.party_id and m.account_id = new.account_id))))))
or (new.basis = 'holder' and new.grant_id is null and exists (
    select 1 from places_series s
    join places_meteringpoint p on p.id = s.point_id
    join places_site h on h.id = p.site_id
    join rights_membership m on m.party_id = h.party_id
    where s.id = new.series_id and m.account_id = new.account_id
    and not exists (select 1 from rights_heldterms t
        where t.urn = s.urn and t.source_id = s.source_id
        and not t.is_open and t.ended_at is not null)))
or (new.basis = 'operator' and new.grant_id is null and exists (
    select 1 from rights_account a where a.id = new.account_id and a.is_superuser))
or (new.basis = 'export' and new.grant_id is null and new.account_id is null
    and new.party_id is null and new.purpose = 'operator export')
"""
PURGED = "exists (select 1 from rights_accesspurge p where p.until > old.at)"
UNCOVERED, FIXED = "no right covers this access", "the access log is not changed"

# Name, when it fires, what it says; the expression is what must hold.
_RULES = (
    ("access_needs_right", "insert", COVERED, UNCOVERED),
    ("access_stays", "update", "false", FIXED),
    ("access_leaves_by_purge", "delete", PURGED, FIXED),
)

SQLITE = """
create trigger {name} before {event} on rights_accessrecord
when not coalesce({holds}, false) begin select raise(abort, '{says}'); end
"""
FUNCTION = """
create or replace function {name}() returns trigger language plpgsql as $$
begin
    if not coalesce({holds}, false) then
        raise exception '{says}' using errcode = 'check_violation';
    end if;
    if tg_op = 'DELETE' then return old; end if;
    return new;
end $$
"""
POSTGRESQL = """
create trigger {name} before {event} on rights_accessrecord
for each row execute function {name}()
"""
# PostgreSQL empties a table without asking the triggers of its rows; SQLite has no such word.
LAID = {
    "sqlite": "select name from sqlite_master where type = 'trigger'",
    "postgresql": "select tgname from pg_trigger where tgenabled in ('O', 'A')",
}


def lay(using: str, **_: Any) -> None:
    """Make the database keep the law, in place of what it kept before."""
    connection = connections[using]
    position = "instr(s.urn, '_')" if connection.vendor == "sqlite" else "strpos(s.urn, '_')"
    _drop(connection)
    with connection.cursor() as cursor:
        for name, event, rule, says in _RULES:
            holds = rule.format(position=position, least_s=_LEAST_S)
            filled = {"name": name, "event": event, "holds": f"({holds})", "says": says}
            if connection.vendor == "sqlite":
                cursor.execute(SQLITE.format(**filled))
                continue
            cursor.execute(FUNCTION.format(**filled))
            cursor.execute(POSTGRESQL.format(**filled))


def lift(using: str, **_: Any) -> None:
    """Take the law away in SQLite, for as long as its tables are changed."""
    if connections[using].vendor == "sqlite":
        _drop(connections[using])


def suspend(using: str) -> None:
    """Take the law away for rows that it has seen before; `lay` it in the same transaction."""
    _drop(connections[using])


def missing(connection: BaseDatabaseWrapper) -> set[str]:
    """Give the triggers that the database lacks, or that are switched off."""
    with connection.cursor() as cursor:
        cursor.execute(LAID[connection.vendor])
        return set(TRIGGERS) - {row[0] for row in cursor.fetchall()}


def _drop(connection: BaseDatabaseWrapper) -> None:
    place = "" if connection.vendor == "sqlite" else " on rights_accessrecord"
    with connection.cursor() as cursor:
        for name in TRIGGERS:
            cursor.execute(f"drop trigger if exists {name}{place}")
