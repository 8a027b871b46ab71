"""Who may do what: accounts, keys, grants, the gate, the access log.

Nothing here knows of pages or of how readings are stored. Start with `gate.py`: it alone
turns grants into a `Permit`, and writes the access log before it does.
"""
