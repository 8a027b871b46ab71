"""Outside systems, one folder each: `parse.py` (bytes to readings, pure), `names.py`.

A connector's folder always holds the same files; `quality.toml` says what it does, what is
to be done, and what does not apply. Start with `recognise.py`, which opens any file.
"""
