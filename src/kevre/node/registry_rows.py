"""The rows of the registry as lines of JSON: the same from SQLite and from PostgreSQL.

One file for each table; its first line names the columns, each other line is a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from kevre.model.errors import Malformed
from kevre.node import registry_dump
from kevre.node.config import Config
from kevre.rights import law

SUFFIX = ".jsonl"
MIGRATIONS = "migrations.json"
_MOMENT = "moment"
_AT_ONCE = 2_000
Model = type[models.Model]


@contextmanager
def moment(config: Config, folder: Path) -> Iterator[str]:
    """Hold the registry as it is now, whatever is written meanwhile; give its alias.

    Args:
        config: of the node.
        folder: where a copy of a SQLite registry may lie until the end.
    """
    settings = dict(connections.databases["default"])
    copy = folder / registry_dump.SQLITE
    if not config.database_url:
        registry_dump.dump(config, folder)
        settings = settings | {"NAME": copy}
    with _alias(_MOMENT, settings):
        if config.database_url:
            with transaction.atomic(using=_MOMENT), connections[_MOMENT].cursor() as cursor:
                cursor.execute("set transaction isolation level repeatable read, read only")
                cursor.execute("select 1")
                yield _MOMENT
        else:
            yield _MOMENT
    copy.unlink(missing_ok=True)


def dump(folder: Path, using: str) -> dict[str, int]:
    """Write every table into a folder; count the rows of each."""
    counts = {}
    for model in _models():
        name, columns = _name(model), _columns(model)
        counts[name] = 0
        with (folder / f"{name}{SUFFIX}").open("w", encoding="utf-8") as lines:
            lines.write(_line(list(map(_attribute, columns))))
            rows = model._base_manager.using(using).order_by("pk")  # noqa: SLF001 - every row
            for row in rows.iterator(_AT_ONCE):
                lines.write(_line([_said(one, row) for one in columns]))
                counts[name] += 1
    (folder / MIGRATIONS).write_text(json.dumps(_migrations(using)) + "\n", "utf-8")
    return counts


def check(folder: Path) -> None:
    """Hold that the rows are of the registry that this version makes.

    Raises:
        Malformed: another version of Kevre wrote them.
    """
    from django.db.migrations.loader import MigrationLoader

    made = {tuple(one) for one in json.loads((folder / MIGRATIONS).read_text("utf-8"))}
    known = set(MigrationLoader(None).disk_migrations)
    if made != known:
        other = sorted(".".join(one) for one in made ^ known)
        raise Malformed(
            "portable.other_version",
            f"the registry is of another version of Kevre; first difference: {other[0]}",
            where=MIGRATIONS,
            hint="use the version that made it, and bring the node up to date afterwards",
        )


def load(folder: Path, using: str) -> None:
    """Put the rows in the place of all that a registry holds, in one transaction."""
    connection = connections[using]
    with transaction.atomic(using=using):
        law.suspend(using)
        chosen = _models()
        for model in reversed(chosen):
            every = model._base_manager.using(using).all()  # noqa: SLF001 - every row
            every._raw_delete(using)  # noqa: SLF001 - no cascade: every table is emptied
        for model in chosen:
            _fill(folder, model, using)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), chosen):
                cursor.execute(statement)
        law.lay(using)


def build(folder: Path, path: Path) -> None:
    """Make a SQLite registry of the rows in a new file."""
    path.unlink(missing_ok=True)
    settings = dict(connections.databases["default"])
    with _alias("fresh", settings | {"NAME": path}):
        call_command("migrate", database="fresh", verbosity=0, interactive=False)
        load(folder, "fresh")
        with connections["fresh"].cursor() as cursor:
            # A file by itself, without a log beside it.
            cursor.execute("pragma journal_mode=delete")


def _fill(folder: Path, model: Model, using: str) -> None:
    name, columns = _name(model), _columns(model)
    connection = connections[using]
    quoted = connection.ops.quote_name
    places = ", ".join(["%s"] * len(columns))
    named = ", ".join(quoted(str(one.column)) for one in columns)
    insert = f"insert into {quoted(name)} ({named}) values ({places})"  # noqa: S608 - our own names
    rows = _rows(folder / f"{name}{SUFFIX}", columns)
    with connection.cursor() as cursor:
        while part := list(islice(rows, _AT_ONCE)):
            cursor.executemany(
                insert,
                [
                    [
                        one.get_db_prep_save(value, connection)
                        for one, value in zip(columns, row, strict=True)
                    ]
                    for row in part
                ],
            )


def _rows(path: Path, columns: Iterable[models.Field[Any, Any]]) -> Iterator[list[Any]]:
    wanted = {_attribute(one): one for one in columns}
    with path.open(encoding="utf-8") as lines:
        named = json.loads(next(lines))
        if set(named) != wanted.keys():
            raise Malformed(
                "portable.columns", "the table has other columns", where=path.name,
                hint="use the version of Kevre that made this copy",
            )  # fmt: skip
        for line in lines:
            said = dict(zip(named, json.loads(line), strict=True))
            yield [_meant(one, said[name]) for name, one in wanted.items()]


def _said(field: models.Field[Any, Any], row: models.Model) -> object:
    value = field.value_from_object(row)
    if value is None or isinstance(value, bool | int | str) or isinstance(field, models.JSONField):
        return value
    return field.value_to_string(row)


def _meant(field: models.Field[Any, Any], said: object) -> object:
    if said is None or isinstance(field, models.JSONField):
        return said
    if isinstance(field, models.ForeignKey):
        return field.target_field.to_python(said)
    return field.to_python(said)


def _models() -> list[Model]:
    """Give every table once, in the order of their names; constraints wait for the end."""
    found = {
        _name(one): one
        for one in apps.get_models(include_auto_created=True)
        if one._meta.managed and not one._meta.proxy  # noqa: SLF001 - the documented way
    }
    return [found[name] for name in sorted(found)]


def _columns(model: Model) -> list[models.Field[Any, Any]]:
    return list(model._meta.local_concrete_fields)  # noqa: SLF001 - the documented way


def _attribute(field: models.Field[Any, Any]) -> str:
    return str(field.attname)


def _name(model: Model) -> str:
    return model._meta.db_table  # noqa: SLF001 - the documented way


def _migrations(using: str) -> list[tuple[str, str]]:
    return sorted(MigrationRecorder(connections[using]).applied_migrations())


def _line(values: list[object]) -> str:
    text = json.dumps(values, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    return f"{text}\n"


@contextmanager
def _alias(name: str, settings: dict[str, Any]) -> Iterator[None]:
    connections.databases[name] = settings
    try:
        yield
    finally:
        connections[name].close()
        del connections[name]
        del connections.databases[name]
