"""The drivers: one small file for each way in which devices speak.

A driver opens its device, gives what it says as values of series (`driver.py` tells how),
and closes it. It knows nothing of spool and node, retries nothing, and loads its library
only when its device is opened. `maps/` holds registers of Modbus meters as data. The table
of all drivers stands in `equipment.py`; contract tests run over it.
"""
