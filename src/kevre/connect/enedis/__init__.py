"""Files of Enedis, as customers download them and as operators order them.

Sources: files of the customer space and of HDM orders (SGE F380, F385B), as observed on real
samples. Read here: load curves of C5 (Linky) and C4 meters, daily registers, daily maximum
power; answers of Data Connect and files R6x in JSON (`dataconnect.batches` is the entrance
of connectors). Not supported yet: the XML streams and web services.
"""
