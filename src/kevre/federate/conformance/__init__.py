"""Conformance: does a node, of whatever program, keep to the written protocol?

Each check names the section of docs/protocol that it holds the node to. The node must trust the
identity that asks, and let it read at least one series. Start with `check`.
"""
