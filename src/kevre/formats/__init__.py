"""Standards that several rooms speak: SenML in JSON, CBOR and XML, CSV, Arrow, Parquet.

Pure: bytes in, batches out, or the other way. `lxml` and `pyarrow` are loaded only by the
modules that need them, so that the collector goes without. Start with `senml.py`.
"""
