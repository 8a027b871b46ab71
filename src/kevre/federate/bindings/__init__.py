"""The ways in which the verbs of `federate.serve` travel: one module for each.

A binding knows requests or stanzas, and nothing of grants or storage.
"""
