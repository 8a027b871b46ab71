"""HTTP to outside systems: one request, one answer, and what a refusal means for the caller.

No meaning of any operator lives here, and no repetition: who owns the queue tries again.
Nothing that is sent or received is logged: addresses hold meter numbers, headers secrets.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import httpx2

import kevre
from kevre.model.errors import KevreError, Malformed, Missing, Refused, Unavailable

_TIMEOUT_S = 30.0
_LARGEST = 32 * 1024 * 1024
_BAD, _UNAUTHORISED, _FORBIDDEN, _ABSENT, _MANY, _FAILED = 400, 401, 403, 404, 429, 500
_QUOTA_PAUSE_S, _OUTAGE_PAUSE_S, _LONGEST_PAUSE_S = 60, 900, 86_400


class Upstream:
    """One outside system, spoken to over HTTP; to be closed."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        agent = {"User-Agent": f"Kevre/{kevre.__version__}"}
        # The library logs every address at INFO, and addresses hold meter numbers.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
        # Redirects are not followed: a secret goes to the host it is meant for, or nowhere.
        self._http = httpx2.Client(timeout=_TIMEOUT_S, headers=agent, follow_redirects=False)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        document: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Ask one thing; give the body of the answer.

        Raises:
            Refused: the secret or the person's agreement is not accepted (401, 403).
            Missing: there is nothing of this kind (404).
            Unavailable: quota, maintenance, or no answer; `retry_after_s` says when.
            Malformed: the request is not accepted, or the answer is too large.
        """
        request = self._http.build_request(
            method,
            f"{self._base_url}{path}",
            params=query,
            data=form,
            json=document,
            headers=headers,
        )
        try:
            answer = self._http.send(request, stream=True)
            try:
                content = _whole(answer)
            finally:
                answer.close()
        except httpx2.HTTPError as error:
            raise Unavailable(
                "upstream.unreachable",
                f"the operator's service does not answer ({type(error).__name__})",
                retry_after_s=_OUTAGE_PAUSE_S,
            ) from error
        if answer.status_code >= _BAD:
            raise _error(answer, content)
        if answer.is_redirect:
            raise _strange()
        return content


def read_object(content: bytes) -> dict[str, Any]:
    """Read an answer that is a JSON object.

    Raises:
        Malformed: it is not.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _strange() from error
    if not isinstance(found, dict):
        raise _strange()
    return found


def _whole(answer: httpx2.Response) -> bytes:
    content = bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > _LARGEST:
            raise _strange()
    return bytes(content)


def _error(answer: httpx2.Response, content: bytes) -> KevreError:
    status, code = answer.status_code, _code(content)
    if status in {_UNAUTHORISED, _FORBIDDEN}:
        return Refused("upstream.refused", "the operator refuses", where=code)
    if status == _ABSENT:
        return Missing("upstream.nothing", "the operator has nothing of this kind", where=code)
    if status == _MANY:
        pause_s = _pause_s(answer, _QUOTA_PAUSE_S)
        return Unavailable(
            "upstream.quota",
            "the operator's limit of calls is reached",
            where=code,
            retry_after_s=pause_s,
        )
    if status >= _FAILED:
        pause_s = _pause_s(answer, _OUTAGE_PAUSE_S)
        return Unavailable(
            "upstream.outage",
            "the operator's service is down or under maintenance",
            where=code,
            retry_after_s=pause_s,
        )
    return Malformed("upstream.rejected", "the operator does not accept the request", where=code)


def _code(content: bytes) -> str:
    """Give the operator's own code of an error; its message may hold a meter number."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    code = str(found.get("error") or found.get("code") or "")
    is_code = code.replace("-", "").replace("_", "").isalnum() and not code.isdecimal()
    return code[:40] if is_code else ""


def _pause_s(answer: httpx2.Response, usual_s: int) -> int:
    said = answer.headers.get("Retry-After", "")
    return min(int(said), _LONGEST_PAUSE_S) if said.isdecimal() else usual_s


def _strange() -> Malformed:
    return Malformed("upstream.answer", "the operator's answer is not of the form that is known")
