"""JSON as others write it, with its numbers exact: decimals, never binary floats."""

from __future__ import annotations

import json
from decimal import Decimal


def document(text: str) -> object:
    """Read JSON; NaN and infinities, which JSON has not but some write, become None.

    >>> document('{"power": 0.10, "phase": NaN}')
    {'power': Decimal('0.10'), 'phase': None}

    Raises:
        ValueError: it is no JSON, or nested beyond reason.
    """
    try:
        return json.loads(
            text, parse_float=Decimal, parse_int=Decimal, parse_constant=lambda _constant: None
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
