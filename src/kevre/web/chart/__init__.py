"""Charts as inline SVG, drawn on the server: pure functions of arrays.

No script and no inline style: colours are classes of `chart.css`. Each chart carries a title
and a sentence that says what it shows. Sizes are for a phone: the box is 320 units wide, so
that text stays readable on a narrow screen, and `chart.css` makes it finer on a wide one.
"""

from kevre.web.chart.bar import Bars, bars
from kevre.web.chart.heatmap import heatmap, hour_matrix
from kevre.web.chart.line import Trace, line
from kevre.web.chart.map import Commune, Dot, territory_map
from kevre.web.chart.number import energy_text, power_text, quantity_scale
from kevre.web.chart.small import Part, share_bar, sparkline

__all__ = [
    "Bars",
    "Commune",
    "Dot",
    "Part",
    "Trace",
    "bars",
    "energy_text",
    "heatmap",
    "hour_matrix",
    "line",
    "power_text",
    "quantity_scale",
    "share_bar",
    "sparkline",
    "territory_map",
]
