"""HTTP API v1: readings in through the gate, sites, series and readings out by the door.

Problems are RFC 9457 documents made from the five families of errors. Start with
`routes.py`, which lists every path.
"""
