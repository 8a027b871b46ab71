"""Health: whether the node answers, and what `kevre doctor` finds wrong."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse

from kevre.flow import way
from kevre.flow.input import Input, State
from kevre.flow.models import Cursor, Quarantined
from kevre.model.errors import Conflict, Unavailable
from kevre.node import broker, install
from kevre.node.config import Config
from kevre.rights import access, law
from kevre.store import Store


def healthz(request: HttpRequest) -> HttpResponse:
    """Say "ok" when registry and readings both answer, else 503."""
    del request
    try:
        way.current().store.changes(0, 1)
        connection.ensure_connection()
    except Unavailable as error:
        return HttpResponse(f"{error.message}\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


def checks(config: Config) -> list[tuple[str, Callable[[], str]]]:
    """Give what the doctor looks at; each check says what it found, or raises."""
    configuration = ("configuration", lambda: _configuration(config))
    if not (config.home / install.FILE).exists():
        return [configuration]  # nothing else is there to look at
    return [
        configuration,
        ("registry", lambda: _registry(config)),
        ("readings", lambda: _readings(config)),
        ("access log", _access_log),
        ("quarantine", _quarantine),
        ("tray", _tray),
        *([("broker", lambda: broker.look(config))] if config.mqtt_url else []),
    ]


def _configuration(config: Config) -> str:
    install.check(config)
    mode = (config.home / install.FILE).stat().st_mode
    if mode & 0o077:
        raise Conflict(
            "config.readable",
            "the configuration holds a secret and others can read it",
            hint=f"chmod 600 {install.FILE}",
        )
    return "in order"


def _registry(config: Config) -> str:
    connection.ensure_connection()
    return "PostgreSQL" if config.database_url else "SQLite"


def _readings(config: Config) -> str:
    with Store(config.readings, memory_mb=config.store_memory_mb) as store:
        cursor = Cursor.objects.filter(follower="derive").first()
        waiting = len(store.changes(cursor.position if cursor else 0, 1_000))
    return "daily totals are current" if not waiting else f"{waiting} changes wait for their totals"


def _access_log() -> str:
    if law.missing(connection):
        raise Conflict(
            "access.unguarded",
            "the database does not guard the access log",
            hint="run kevre init, which changes nothing else",
        )
    return f"{access.verify()} lines, an unbroken chain"


def _quarantine() -> str:
    return (
        f"{Quarantined.objects.filter(resolved_at__isnull=True).count()} faults wait for a person"
    )


def _tray() -> str:
    waiting = Input.objects.filter(state=State.WAITING)
    readings = waiting.aggregate(sum=Sum("waiting"))["sum"] or 0
    return f"{waiting.count()} inputs wait for a person, with {readings} readings"
