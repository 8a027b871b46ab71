"""Setting a node up: its configuration file, its registry, its files to serve."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from kevre.model.errors import Conflict, Missing
from kevre.node.config import Config
from kevre.web import catalogue

FILE = "kevre.toml"


def write_config(home: Path, **entries: object) -> Path:
    """Write the configuration of a new node, readable by its owner only; keep an older one."""
    path = home / FILE
    if path.exists():
        return path
    home.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {_toml(value)}" for name, value in entries.items()]
    lines.append(f'secret_key = "{secrets.token_urlsafe(48)}"')
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def prepare() -> None:
    """Bring registry, translations and static files up to this version; repeatable."""
    catalogue.compile_catalogues()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)


def check(config: Config) -> None:
    """Refuse to serve a node that is not set up, or not by this version.

    Raises:
        Missing: there is no configuration.
        Conflict: the registry waits for migrations.
    """
    if not (config.home / FILE).exists():
        raise Missing("node.absent", "no node is set up here", hint="run `kevre init` first")
    executor = MigrationExecutor(connections["default"])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise Conflict(
            "node.older",
            "the registry is of an older version",
            hint="make a copy of the node's folder, then run `kevre init` to bring it up to date",
        )


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
