"""Sponsorship from the owner's side: a portable copy is made, given away, and fetched again."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import datetime

from django.utils import timezone

from kevre.federate import entrust, identity, recovery
from kevre.federate.client import Client, describe
from kevre.federate.entrust import Entrusted, Sent
from kevre.federate.recovery import Recovery
from kevre.flow.way import Way
from kevre.model.errors import KevreError
from kevre.node import backup, restore
from kevre.node.backup import Manifest
from kevre.node.config import Config
from kevre.node.control import Tell

_OUT, _BACK = "entrusting", "from-peer"


def tend(config: Config, way: Way) -> int:
    """Leave a copy with every sponsor whose last one is old; count them.

    What fails is noted at the sponsor's entry and tried again later.
    """
    due = entrust.due(timezone.now())
    for one in due:
        try:
            leave(config, way, one, lambda _: None)
        except KevreError as error:
            entrust.note(one, timezone.now(), error=str(error))
    return len(due)


def leave(config: Config, way: Way, entrusted: Entrusted, tell: Tell) -> Sent:
    """Leave a copy of the whole node with one sponsor.

    Raises:
        KevreError: as the sponsor answers, or that it does not; or the disk is full.
    """
    entrust.note(entrusted, timezone.now())
    folder = config.home / _OUT
    shutil.rmtree(folder, ignore_errors=True)
    made_at = timezone.now()
    try:
        backup.make(config, way.store, folder, tell, form=backup.PORTABLE)
        tell("giving away what the sponsor has not yet")
        own = identity.hold(config.home)
        with closing(Client(entrusted.peer.base_url, own)) as client:
            sent = entrust.give(client, recovery.hold(config.home), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    entrust.note(entrusted, made_at, sent=sent)
    return sent


def restored(
    config: Config, url: str, secret: Recovery, tell: Tell, *, replace: bool
) -> tuple[Manifest, datetime]:
    """Rebuild this node from the newest copy that a sponsor has; give when it was made.

    Raises:
        KevreError: as the sponsor answers; or see `restore.restore`.
    """
    config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = config.home / _BACK
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        tell("fetching the copy")
        with closing(Client(describe(url).base_url, secret.identity)) as client:
            made_at = entrust.fetch(client, secret, folder)
        return restore.restore(config, folder, tell, replace=replace), made_at
    finally:
        shutil.rmtree(folder, ignore_errors=True)
