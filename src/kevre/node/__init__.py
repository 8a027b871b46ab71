"""One running node: settings, urls, wiring, jobs, the `kevre` command line, the demo.

Everything is constructed here and nowhere else. Start with `wire.py` and `cli.py`.
"""
