"""The columns of a table of one series."""

from kevre.model.quality import Quality

START, VALUE, UNIT, QUALITY, STEP = "start", "value", "unit", "quality", "step"
QUALITIES = {quality.name.lower(): quality for quality in Quality}
