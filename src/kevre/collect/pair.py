"""Pairing: a short code that a person was given becomes this collector's key."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import kevre
from kevre.collect.uplink import checked_address
from kevre.formats import word
from kevre.model.errors import Conflict, KevreError, Malformed, Refused, Unavailable

_TIMEOUT_S = 30.0
_LONGEST_ANSWER = 100_000


@dataclass(frozen=True, slots=True)
class Paired:
    """What the node gives for a code."""

    name: str
    key: str


def pair(code: str, node: str, *, plain_http: bool = False, trust: str | None = None) -> Paired:
    """Show the code to the node, once.

    Raises:
        Refused: the node does not know the code, or not any more.
        Unavailable: no node, or too many attempts at this moment.
        Malformed: the address cannot be used, or the answer is no node's.
    """
    address = checked_address(node, plain_http=plain_http)
    host, port = address.hostname or "", address.port
    if address.scheme == "http":
        link = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    else:
        context = ssl.create_default_context()
        if trust:
            context.load_verify_locations(trust)
        link = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=context)
    body = json.dumps({"code": code, "version": kevre.__version__})
    headers = {"Content-Type": "application/json"}
    try:
        link.request("POST", address.path + word.PAIR_PATH, body, headers)
        response = link.getresponse()
        answer = response.read(_LONGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(
            "uplink.unreachable",
            f"the node does not answer ({type(error).__name__})",
            hint="look at the network and the address",
        ) from error
    finally:
        link.close()
    if response.status != 200:  # noqa: PLR2004
        raise _problem(response.status)
    return _read(answer)


def keep(paired: Paired, config: Path, node: str, *, plain_http: bool, trust: str | None) -> Path:
    """Write the key, closed to others, and the collector's file beside it; give the file.

    Raises:
        Conflict: there is a file already; it is not written over.
        Unavailable: they cannot be written.
    """
    key_file = config.with_suffix(".key")
    lines = [
        "# This collector's node. Its devices are set there, or below: docs/users/collector.md.",
        f"node = {json.dumps(node)}",
        f"key_file = {json.dumps(key_file.name)}",
    ]
    if plain_http:
        lines.append("plain_http = true")
    if trust:
        lines.append(f"trust = {json.dumps(str(Path(trust).resolve()))}")
    try:
        config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(key_file, paired.key + "\n")
        _write(config, "\n".join(lines) + "\n")
    except OSError as error:
        raise Unavailable(
            "pair.write", "the key cannot be written", where=config.name, hint="look at its folder"
        ) from error
    return config


def check_free(config: Path) -> None:
    """Look whether the files may be written, before the code is used up.

    Raises:
        Conflict: this machine is paired already.
    """
    for path in (config, config.with_suffix(".key")):
        if path.exists():
            raise Conflict(
                "pair.exists",
                "there is a configuration already",
                where=path.name,
                hint="name another with --config, or move it away",
            )


def _write(path: Path, text: str) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(answer: bytes) -> Paired:
    try:
        told = json.loads(answer)
        word.of_key(told["key"])
        return Paired(str(told["name"]), told["key"])
    except (ValueError, TypeError, KeyError, KevreError) as error:
        raise Malformed(
            "pair.answer", "the answer is not that of a Kevre node", hint="check the address"
        ) from error


def _problem(status: int) -> KevreError:
    if status == http.client.FORBIDDEN:
        return Refused(
            "pair.refused",
            "the node does not know this code, or not any more",
            hint="ask the operator for another: a code works once, and for an hour",
        )
    if status in {http.client.NOT_FOUND, http.client.METHOD_NOT_ALLOWED}:
        return Malformed(
            "pair.answer", "the answer is not that of a Kevre node", hint="check the address"
        )
    return Unavailable("pair.not_now", f"the node answers with status {status}", hint="try later")
