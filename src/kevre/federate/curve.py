"""A curve of the store as a column that travels and is sealed."""

from __future__ import annotations

from array import array

import numpy as np

from kevre.flow.read import Curve
from kevre.model.batch import Column
from kevre.places.series import Series


def column(series: Series, curve: Curve, first: int = 0, end: int | None = None) -> Column:
    """Give a part of a raw curve as a column."""
    at = slice(first, end)
    return Column(
        series.urn,
        series.kind,
        curve.exponent,
        array("q", curve.start_s[at].astype(np.int64).tobytes()),
        array("i", curve.step_s[at].astype(np.int32).tobytes()),
        array("q", curve.value[at].astype(np.int64).tobytes()),
        array("B", curve.quality[at].astype(np.uint8).tobytes()),
    )
