"""The way of a reading through a node, one short file a step.

`accept` is the one gate in, `read` the one door out; `derive` follows the change log.
`docs/way-of-a-reading.md` is the map, checked by a test. Start with `accept.py`.
"""
