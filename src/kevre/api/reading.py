"""The entrance for readings: SenML with a key, through the gate."""

from __future__ import annotations

import time

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.security import HttpBearer

from kevre.api import body
from kevre.flow import way
from kevre.flow.accept import Writer
from kevre.model.errors import Refused
from kevre.model.reading import Fault
from kevre.rights import key as keys
from kevre.rights.key import Key
from kevre.rights.rate import Rate

_MOST_FAULTS = 100
# Counts of all entrances together: a key sends as often by one as by another.
RATE = Rate()


class WriteKey(HttpBearer):
    """A write key: `Authorization: Bearer kvw_…`. It writes its own points, reads nothing."""

    def authenticate(self, request: HttpRequest, token: str) -> Key | None:
        """Find the key; None where it is not known."""
        del request
        try:
            return keys.find(token)
        except Refused:
            return None


router = Router(auth=WriteKey())


class FaultOut(Schema):
    """One record that was not kept; `line` is its number in the body, from 1."""

    line: int
    field: str
    code: str
    message: str
    hint: str

    @classmethod
    def of(cls, fault: Fault) -> FaultOut:
        """Describe a fault."""
        return cls(
            line=fault.line,
            field=fault.field,
            code=fault.code,
            message=fault.message,
            hint=fault.hint,
        )


class ReceiptOut(Schema):
    """What became of what was sent: all of `kept` is on disk.

    `kept` counts `changed` (new or corrected) and `same`; sending again is harmless.
    """

    kept: int
    changed: int
    same: int
    faults: int
    quarantined: list[FaultOut]


@router.post(
    "",
    response=ReceiptOut,
    summary="Send readings",
    openapi_extra={"requestBody": {"required": True, "content": body.CONTENT}},
)
def post(request: HttpRequest) -> ReceiptOut:
    """Keep SenML (RFC 8428) in JSON, CBOR or XML; the good is kept, the rest is told.

    Two labels are added to SenML's: `st`, the step of interval readings in seconds, and `q`,
    the quality (0 measured … 7 missing).
    """
    now_s = int(time.time())
    key: Key = request.auth  # type: ignore[attr-defined]  # set by the router
    RATE.check(key, now_s)
    writer = Writer.of_key(key)
    batch = body.decode(request, writer.origin, now_s)
    receipt = way.current().gate.accept(batch, writer, now_s=now_s)
    return ReceiptOut(
        kept=receipt.kept,
        changed=receipt.changed,
        same=receipt.same,
        faults=len(receipt.quarantined),
        quarantined=[FaultOut.of(fault) for fault in receipt.quarantined[:_MOST_FAULTS]],
    )
