"""Files of Enedis, as customers download them and as operators order them.

Sources: files of the customer space and of HDM orders (SGE F380, F385B), as observed on real
samples. Read here: load curves of C5 (Linky) and C4 meters, daily registers, daily maximum
power; answers of Data Connect and files R6x in JSON (`dataconnect.batches` is the entrance
of connectors); answers of the SGE web services; stream files R50, R4x, R151, R171, R15, C15.
What the coded words mean stands in `point.py` and `register.py`, where the words stand in each
format in `parse.py` (CSV), `dataconnect.py` (JSON), `webservice.py` and `stream.py` (XML).
Points and periods of C15 and F15 are read by `contract.py`.
Not supported: the shares of collective self-consumption in R15, files R6x in CSV.
"""
