"""Where the sun stands, and what falls on a tilted plane under a sky without clouds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kevre.node.demo.noise import Floats, Integers

_J2000_S = 946_728_000  # 2000-01-01T12:00:00Z, epoch seconds
_DAY_S = 86_400.0
_SOLAR_CONSTANT = 1_361.0  # Kopp and Lean 2011 [W/m2]
_ALBEDO = 0.2
# Between these clearness indices the diffuse fraction is a polynomial.
_DULL, _BRIGHT = 0.22, 0.80


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the ground, in degrees; east and north are positive."""

    latitude_deg: float
    longitude_deg: float


@dataclass(frozen=True, slots=True)
class Plane:
    """A plane of modules: tilt from level, azimuth from north over east [deg]."""

    tilt_deg: float
    azimuth_deg: float


@dataclass(frozen=True, slots=True)
class Sun:
    """The sun's unit vector: east, north and up."""

    east: Floats
    north: Floats
    up: Floats

    @property
    def elevation_deg(self) -> Floats:
        """Give the height above the horizon, without refraction [deg]."""
        return np.degrees(np.arcsin(np.clip(self.up, -1.0, 1.0)))

    @property
    def azimuth_deg(self) -> Floats:
        """Give the direction from north over east, 0 to 360 [deg]."""
        return np.asarray(np.degrees(np.arctan2(self.east, self.north)) % 360.0)

    def on(self, plane: Plane) -> Floats:
        """Give the cosine of the angle of incidence on a plane, nothing from behind."""
        tilt, azimuth = np.radians(plane.tilt_deg), np.radians(plane.azimuth_deg)
        level = self.east * np.sin(azimuth) + self.north * np.cos(azimuth)
        return np.asarray(np.maximum(level * np.sin(tilt) + self.up * np.cos(tilt), 0.0))


def sun(place: Place, at_s: Integers) -> Sun:
    """Give where the sun stands, to about 0.01 degrees between 1950 and 2050.

    Source: J. J. Michalsky, "The Astronomical Almanac's algorithm for approximate solar
    position (1950-2050)", Solar Energy 40 (1988), 227-235,
    https://doi.org/10.1016/0038-092X(88)90045-X.
    """
    n = (at_s - _J2000_S) / _DAY_S
    mean_longitude_deg = 280.460 + 0.9856474 * n
    g = np.radians(357.528 + 0.9856003 * n)  # mean anomaly
    longitude = np.radians(mean_longitude_deg + 1.915 * np.sin(g) + 0.020 * np.sin(2.0 * g))
    obliquity = np.radians(23.439 - 0.0000004 * n)
    right_ascension = np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    # Sidereal time at Greenwich [deg]; the almanac gives it in hours: 18.697375 + 24.06570982 n.
    sidereal_deg = 280.460625 + 360.9856473 * n
    hour_angle = np.radians(sidereal_deg + place.longitude_deg) - right_ascension
    latitude = np.radians(place.latitude_deg)
    return Sun(
        east=-np.cos(declination) * np.sin(hour_angle),
        north=np.sin(declination) * np.cos(latitude)
        - np.cos(declination) * np.cos(hour_angle) * np.sin(latitude),
        up=np.sin(declination) * np.sin(latitude)
        + np.cos(declination) * np.cos(hour_angle) * np.cos(latitude),
    )


def clear_sky_w_m2(up: Floats) -> Floats:
    """Give the global horizontal irradiance under a clear sky from the sine of elevation.

    Source: B. Haurwitz, "Insolation in relation to cloudiness and cloud density", Journal of
    Meteorology 2 (1945), 154-166: 94.4/m exp(-0.059 m) gram calories per cm2 and hour at the
    air mass m = 1/z; 94.4 of them are 1098 W/m2.
    """
    z = np.maximum(up, 1e-3)
    return np.asarray(np.where(up > 0.0, 1_098.0 * z * np.exp(-0.059 / z), 0.0))


def diffuse_fraction(clearness: Floats) -> Floats:
    """Give the share of diffuse light in the global, from the clearness index.

    Source: D. G. Erbs, S. A. Klein, J. A. Duffie, "Estimation of the diffuse radiation
    fraction for hourly, daily and monthly-average global radiation", Solar Energy 28 (1982),
    293-302, equation 1, https://doi.org/10.1016/0038-092X(82)90302-4.
    """
    k = np.clip(clearness, 0.0, 1.0)
    middle = 0.9511 - 0.1604 * k + 4.388 * k**2 - 16.638 * k**3 + 12.336 * k**4
    return np.where(k <= _DULL, 1.0 - 0.09 * k, np.where(k <= _BRIGHT, middle, 0.165))


def on_plane_w_m2(sun: Sun, plane: Plane, global_w_m2: Floats) -> Floats:
    """Give the irradiance on a tilted plane from the global horizontal one.

    The sky and the ground shine evenly from all sides.

    Source: B. Y. H. Liu, R. C. Jordan, "The long-term average performance of flat-plate
    solar-energy collectors", Solar Energy 7 (1963), 53-74.
    """
    # Below three degrees the ratio of the beam's angles means nothing.
    up = np.maximum(sun.up, 0.05)
    diffuse = global_w_m2 * diffuse_fraction(global_w_m2 / (_SOLAR_CONSTANT * up))
    tilt = np.cos(np.radians(plane.tilt_deg))
    beam = (global_w_m2 - diffuse) * sun.on(plane) / up
    reflected = global_w_m2 * _ALBEDO * (1.0 - tilt) / 2.0
    return np.asarray(beam + diffuse * (1.0 + tilt) / 2.0 + reflected)
