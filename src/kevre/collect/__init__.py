"""The collector: the small agent that reads meters on the spot and brings readings to a node.

What lives here runs on a Raspberry Pi: the file that names devices (`equipment.py`), their
drivers (`device/`), the loop of each (`polling.py`), the decoder of téléinformation
(`tic.py`), the durable queue (`spool.py`), the way to the node (`uplink.py`, `delivery.py`),
and the agent that joins them (`agent.py`, started by `cli.py`). The simulated meter
(`simulate.py`, `load.py`) speaks to the same agent through a pseudo-terminal. Nothing here
knows Django, the store or NumPy. Start with `agent.py`.
"""
