"""What becomes of solar production: used on site, or fed into the grid.

Definitions as in R. Luthander, J. Widén, D. Nilsson, J. Palm, "Photovoltaic self-consumption
in buildings: A review", Applied Energy 142 (2015), 80-94, section 2,
https://doi.org/10.1016/j.apenergy.2014.12.028: with P the production, L the consumption and
M = min(L, P) what is used the moment it is made, self-consumption is M/P and
self-sufficiency M/L, over the same time. Meters give P, the export E = P - M and the import
I = L - M.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Balance:
    """Energies of the intervals in which all three meters are known.

    Attributes:
        intervals: how many intervals count.
        of: how many were asked.
    """

    import_wh: float
    export_wh: float
    production_wh: float
    intervals: int
    of: int

    @property
    def used_wh(self) -> float:
        """Give what was used on site as it was made: M = P - E, at least nothing.

        Two meters that are read at different moments may disagree by a little at night.
        """
        return max(self.production_wh - self.export_wh, 0.0)

    @property
    def consumption_wh(self) -> float:
        """Give all that the site used: L = I + M."""
        return self.import_wh + self.used_wh

    @property
    def self_consumption(self) -> float | None:
        """Give M/P, the share of the production used on site; None without production."""
        return self.used_wh / self.production_wh if self.production_wh > 0 else None

    @property
    def self_sufficiency(self) -> float | None:
        """Give M/L, the share of the consumption made on site; None without consumption."""
        return self.used_wh / self.consumption_wh if self.consumption_wh > 0 else None


def self_consumption(
    import_wh: NDArray[np.float64],
    export_wh: NDArray[np.float64],
    production_wh: NDArray[np.float64],
) -> Balance:
    """Add up import, export and production over the intervals that all three know.

    Args:
        import_wh: shape (n,), taken from the grid [Wh]; NaN where not known.
        export_wh: shape (n,), fed into the grid, never negative [Wh]; NaN where not known.
        production_wh: shape (n,), made on site [Wh]; NaN where not known.
    """
    known = np.isfinite(import_wh) & np.isfinite(export_wh) & np.isfinite(production_wh)
    return Balance(
        float(import_wh[known].sum()),
        float(export_wh[known].sum()),
        float(production_wh[known].sum()),
        int(known.sum()),
        known.size,
    )
