"""Météo-France's parameters and ours.

Temperature, humidity, wind and pressure are observed at the hour and stand for the hour that
begins; rain, sunshine and radiation are amounts of the hour that ends.
"""

from kevre.connect.wide import Quantity

_HOUR_S = 3_600

COLUMNS = {
    "t_c": Quantity("temperature/air/raw", _HOUR_S),
    "u": Quantity("humidity/air/raw", _HOUR_S),
    "dd": Quantity("wind/direction/raw", _HOUR_S),
    "ff": Quantity("wind/speed/raw", _HOUR_S),
    "pmer": Quantity("pressure/sea-level/raw", _HOUR_S),
    "rr1": Quantity("rain/height/hourly", _HOUR_S, shift=-3, is_end=True),  # mm
    "insolh": Quantity("sunshine/duration/hourly", _HOUR_S, times=60, is_end=True),  # min
    "ghi_wh_m2": Quantity("irradiation/global/hourly", _HOUR_S, is_end=True),
}
