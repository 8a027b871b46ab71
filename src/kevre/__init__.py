"""Kevre: the open, federated energy-data platform of a territory.

Each room's docstring says what lives there; `docs/way-of-a-reading.md` is the map.
"""

__version__ = "0.1.0"
