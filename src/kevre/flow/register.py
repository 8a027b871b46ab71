"""Register: enter a metering point and series that arrive for the first time."""

from __future__ import annotations

from kevre.model.batch import Column
from kevre.model.identifier import SeriesName
from kevre.places.point import MeteringPoint
from kevre.places.series import Series
from kevre.places.site import Site
from kevre.places.source import Source
from kevre.store import Store


class Registrar:
    """Finds series by name, and enters those that are new."""

    def __init__(self, store: Store, site: Site | None, source: Source | None) -> None:
        self._store = store
        self._site = site
        self._source = source

    def find(self, name: SeriesName) -> Series | None:
        """Find a series, and make sure that the store knows what its totals mean."""
        series = Series.objects.select_related("point__site").filter(urn=str(name)).first()
        if series is not None:
            declare(self._store, series)
        return series

    def register(self, name: SeriesName, column: Column) -> Series:
        """Enter a series, and its point where that is new too."""
        kind = column.kind
        point, _ = MeteringPoint.objects.get_or_create(
            urn=name.point, defaults={"site": self._site, "fluid": kind.fluid.value}
        )
        steps = set(column.step_s)
        series, _ = Series.objects.get_or_create(
            urn=str(name),
            defaults={
                "point": point,
                "fluid": kind.fluid.value,
                "quantity": kind.quantity,
                "direction": kind.direction.value,
                "statistic": kind.statistic.value,
                "unit": kind.unit,
                "step_s": steps.pop() if len(steps) == 1 and 0 not in steps else None,
                "source": self._source,
            },
        )
        declare(self._store, series)
        return series


def declare(store: Store, series: Series) -> None:
    """Tell the store what the totals of a series mean, and in which calendar."""
    site = series.point.site
    zone = site.zone if site is not None else Site().zone
    store.declare(series.pk, series.kind, zone)
