"""Half-hours of a house with photovoltaics, as the energy manager EMHASS keeps them.

Sources: a table with `timestamp_utc`, the load that cannot be controlled, and the production,
in watts. The forecast column is left out: it is no measurement. The house has no name of its
own: `--series` gives its point.
"""
