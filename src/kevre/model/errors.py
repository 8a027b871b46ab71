"""Five families of errors, by what the caller can do about them.

Each family has one XMPP error type (RFC 6120, 8.3.2), one HTTP status and one exit code.
The `code` is stable and listed in docs/errors.md; the message is for people. Neither may
hold a name, an address or a meter number.
"""

from __future__ import annotations

from typing import ClassVar


class KevreError(Exception):
    """An error that says what happened, where, and how to mend it."""

    family: ClassVar[str]
    xmpp_type: ClassVar[str]
    http_status: ClassVar[int]
    exit_code: ClassVar[int]

    def __init__(self, code: str, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Give the sentence a person reads: place, message, remedy."""
        place = f"{self.where}: " if self.where else ""
        remedy = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{remedy}"


class Malformed(KevreError):
    """The input is wrong: mend it and send it again."""

    family = "malformed"
    xmpp_type = "modify"
    http_status = 422
    exit_code = 2


class Refused(KevreError):
    """The right is lacking: sign in, or ask for a grant."""

    family = "refused"
    xmpp_type = "auth"
    http_status = 403
    exit_code = 3


class Missing(KevreError):
    """The thing is not here: look elsewhere."""

    family = "missing"
    xmpp_type = "cancel"
    http_status = 404
    exit_code = 4


class Conflict(KevreError):
    """The thing changed meanwhile: read it again, then decide."""

    family = "conflict"
    xmpp_type = "cancel"
    http_status = 409
    exit_code = 5


class Unavailable(KevreError):
    """Not now: wait `retry_after_s` and try again."""

    family = "unavailable"
    xmpp_type = "wait"
    http_status = 503
    exit_code = 6

    def __init__(
        self, code: str, message: str, *, where: str = "", hint: str = "", retry_after_s: int = 30
    ) -> None:
        super().__init__(code, message, where=where, hint=hint)
        self.retry_after_s = retry_after_s
