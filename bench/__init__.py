"""Measurements against named baselines, all made in the same run: `make bench`."""
