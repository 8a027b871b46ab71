"""Methods: what can be worked out from readings, as pure functions of arrays.

Each gives its definition and its source, and says what it could not know: NaN or None, never
a zero. Nothing here reads a store, knows a right or writes a word for the screen. Start with
`load.py`.
"""
