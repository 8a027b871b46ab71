"""Files of SenML, as any server that speaks Quoalise writes them.

Sources: RFC 8428. Not supported: the EXI form.
"""
