"""Simulators of meter operators: generated data over the real protocols, for demo and tests.

Nothing here is real, and every answer says so in its header `X-Simulator`. Start with
`enedis.py`; what the people are like stands in `person.py`.
"""
