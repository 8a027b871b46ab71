"""Sending what waits for applications: signed by this node (RFC 9421), retried, never followed.

The receiver checks the signature with the key that stands in `/.well-known/kevre`, under the
tag `kevre-hook-1`. It answers with any status of 200 to 299; a redirection is a failure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import httpx2

import kevre
from kevre.federate import signature, target
from kevre.federate.identity import Identity
from kevre.federate.target import Network
from kevre.model.errors import KevreError
from kevre.rights import hook
from kevre.rights.hook import HookEvent

_TIMEOUT_S = 10.0
_GOOD = range(200, 300)


def send_due(identity: Identity, now: datetime, networks: Sequence[Network] = ()) -> int:
    """Send what is due; count what was taken."""
    count = 0
    for event in hook.claim(now):
        answer = _send(event, identity, now, networks)
        if answer:
            hook.failed(event, answer, now)
            continue
        hook.delivered(event, now)
        count += 1
    return count


def document(event: HookEvent) -> dict[str, object]:
    """Write what an application is told."""
    return {
        "id": event.pk,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "application": event.application.client_id,
        "about": event.about,
    }


def _send(event: HookEvent, identity: Identity, now: datetime, networks: Sequence[Network]) -> str:
    """Send one message; give why it was not taken, or nothing."""
    body = json.dumps(document(event)).encode()
    try:
        where = target.find(event.application.hook_url, networks)
        headers = {"Content-Type": "application/json"}
        message = signature.Message("POST", where.url, headers, body)
        signature.sign(message, identity, now_s=int(now.timestamp()), tag=signature.HOOK_TAG)
        headers |= {"Host": where.host, "User-Agent": f"Kevre/{kevre.__version__}"}
        return _post(where, headers, body)
    except KevreError as error:
        return error.code


def _post(where: target.Target, headers: dict[str, str], body: bytes) -> str:
    # No proxy of the environment: it would resolve the name anew.
    options = httpx2.Client(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False)
    try:
        with (
            options as client,
            client.stream(
                "POST",
                where.pinned,
                headers=headers,
                content=body,
                extensions={"sni_hostname": where.name},
            ) as answer,
        ):
            # What it says beyond its status is not read.
            return "" if answer.status_code in _GOOD else f"status {answer.status_code}"
    except httpx2.HTTPError as error:
        return type(error).__name__
