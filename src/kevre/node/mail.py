"""Where mail goes: a server named by an address, or files in the node's home."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from kevre.model.errors import Malformed

_TIMEOUT_S = 30
_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}


def settings(url: str) -> dict[str, object]:
    """Give Django's settings of mail for an address; empty for files.

    >>> settings("smtp+plain://localhost:2525")["EMAIL_PORT"]
    2525

    Raises:
        Malformed: it is no address of a mail server.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Malformed(
            "config.smtp",
            "smtp_url is no address of a mail server",
            hint="smtp://user:password@host:587, smtps://… or, without encryption, smtp+plain://…",
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or _PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": _TIMEOUT_S,
    }
