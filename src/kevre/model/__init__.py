"""What Kevre speaks of: series, readings, batches, qualities, units, identifiers, time.

Standard library only, no effects, no clock. A batch's columns are `array.array` buffers
that NumPy and Arrow wrap without copying. Start with `batch.py`, then `window.py`.
"""
