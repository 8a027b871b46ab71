"""What writers of formats need of a block of readings, whoever made it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kevre.model import exact
from kevre.model.quality import Quality


class Block(Protocol):
    """Readings in time order, in arrays of one length.

    `value` holds int64 mantissas at `exponent`, or float64 values with exponent 0.
    """

    @property
    def exponent(self) -> int:
        """Give the power of ten of the mantissas."""

    @property
    def start_s(self) -> NDArray[np.int64]:
        """Give the starts [epoch s]."""

    @property
    def step_s(self) -> NDArray[np.int32]:
        """Give the lengths of the intervals [s], 0 for instants."""

    @property
    def value(self) -> NDArray[Any]:
        """Give the mantissas or values."""

    @property
    def quality(self) -> NDArray[np.uint8]:
        """Give the qualities."""


def is_exact(block: Block) -> bool:
    """Say whether the values are exact decimals, as they were stored."""
    return bool(np.issubdtype(block.value.dtype, np.integer))


def value_text(block: Block, index: int) -> str:
    """Write one value; empty where it is missing. Aggregates keep four decimals."""
    value = block.value[index]
    if block.quality[index] == Quality.MISSING or (not is_exact(block) and not np.isfinite(value)):
        return ""
    if is_exact(block):
        return exact.to_text(int(value), block.exponent)
    rounded = round(float(value), 4) + 0.0  # the sum turns -0.0 into 0.0
    return format(rounded, "f").rstrip("0").rstrip(".")
