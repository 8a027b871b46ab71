"""Tables of one series: `start,value`, and what Kevre itself gives for download.

Sources: `formats.table`. The series is named with `--series`, which must hold its path. Steps
stand in a column `step`, or are the distance of the first two rows.
"""
