"""EMHASS' columns and our series."""

from kevre.connect.wide import Quantity

_HALF_HOUR_S = 1_800

COLUMNS = {
    "load_no_controllable_W": Quantity("consumption/power/active/raw", _HALF_HOUR_S),
    "pv_W": Quantity("production/power/active/raw", _HALF_HOUR_S),
}
# For a house that nobody names; 32473 is the enterprise number for examples (RFC 5612).
UNNAMED_POINT = "urn:dev:org:32473-emhass:house"
