"""The registry: territories, parties, sites, metering points, devices, series.

What stands where, whose it is, what measures it. No readings, no rights. Start with
`site.py`; `models.py` only gathers the nouns for Django.
"""
