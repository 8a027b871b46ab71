"""Problem documents (RFC 9457): how every HTTP answer of a node tells one of our errors."""

from __future__ import annotations

from kevre.model.errors import KevreError

MEDIA_TYPE = "application/problem+json"


def document(error: KevreError, status: int | None = None) -> dict[str, object]:
    """Write one error; what it does not tell is left out."""
    members = {
        "type": f"tag:kevre,2026:error:{error.code}",
        "title": error.message,
        "status": int(status or error.http_status),
        "code": error.code,
        "where": error.where or None,
        "hint": error.hint or None,
    }
    return {name: value for name, value in members.items() if value is not None}
