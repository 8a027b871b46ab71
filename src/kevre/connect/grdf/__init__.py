"""Gas as GRDF gives it: answers of its API ADICT, and what customers download.

Sources: answers of ADICT and exports of the customer space, as observed in samples, those of ADICT
with an invented metering point. `parse.batches` is the entrance of connectors. What the words
mean stands in `names.py`. Each consumption gives energy [Wh], volume [m3], the conversion
[Wh/m3] and the registers at its two ends. Not supported: pressure and temperature of
correctors, and what is said of contracts, which holds no readings.
"""
