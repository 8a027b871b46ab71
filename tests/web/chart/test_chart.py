import gzip
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from kevre.model.window import PARIS, Window, civil_day, civil_days
from kevre.web.chart import (
    Bars,
    Commune,
    Dot,
    Part,
    Trace,
    bars,
    energy_text,
    heatmap,
    hour_matrix,
    line,
    power_text,
    share_bar,
    sparkline,
    svg,
    territory_map,
)

SVG = "{http://www.w3.org/2000/svg}"
LOCALES = ["fr_FR", "br_FR", "en_GB"]
HOSTILE = '<script>alert("x")</script>&'
END = datetime(2026, 11, 24, 12, tzinfo=UTC)


def window(days):
    return Window(END - timedelta(days=days), END)


def trace(days=1, role="consumption", label="Power", value=None):
    starts = np.arange(window(days).start_s, window(days).end_s, 1800)
    values = (
        500 + 400 * np.sin(starts / 86_400 * 6.28) if value is None else np.full(starts.size, value)
    )
    return Trace(label, role, starts, values)


def drawn(document):
    """Parse a chart as a browser would, and hold what every chart must hold."""
    root = etree.fromstring(
        str(document).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    )
    assert not root.xpath("//@style")
    assert not root.xpath("//*[local-name()='script' or local-name()='style']")
    assert "nan" not in str(document).lower().replace("nance", "")
    return root


def every_chart(label="Power", locale="fr_FR"):
    day = date(2026, 11, 1)
    values = np.abs(np.random.default_rng(1).normal(500, 100, (365, 24)))
    return [
        line(
            [trace(label=label), trace(role="production", label=label)],
            window(1),
            PARIS,
            "W",
            locale,
            label,
        ),
        bars(
            [Bars(label, "consumption", np.arange(1.0, 32.0), np.ones(31))],
            [label] * 31,
            locale=locale,
            title=label,
        ),
        heatmap(values, day, "consumption", "W", locale, label),
        territory_map(
            [Commune(label, 47.7, -3.4, 4, "/x", label)],
            [Dot(label, 47.7, -3.4, "school", "/s")],
            label,
            label,
        ),
        share_bar([Part(label, "production", 3), Part(label, "export", 1)], label, label),
    ]


@pytest.mark.parametrize("locale", LOCALES)
def test_every_chart_has_a_title_and_a_sentence(locale):
    for chart in every_chart(locale=locale):
        root = drawn(chart)
        named = root.get("aria-labelledby").split()
        assert [root.find(f"{SVG}title").get("id"), root.find(f"{SVG}desc").get("id")] == named
        assert root.find(f"{SVG}desc").text
        assert root.get("role") == ("group" if root.findall(f".//{SVG}a") else "img")


def test_a_hostile_name_stays_text():
    for chart in every_chart(label=HOSTILE):
        assert not drawn(chart).xpath("//*[local-name()='script']")
        assert "<script" not in chart


def test_without_readings_a_chart_says_so():
    empty = np.array([], np.int64)
    charts = [
        line([], window(1), PARIS, "W", "fr_FR", "t"),
        line(
            [Trace("a", "consumption", empty, empty.astype(float))],
            window(1),
            PARIS,
            "W",
            "fr_FR",
            "t",
        ),
        line([trace(value=np.nan)], window(1), PARIS, "W", "fr_FR", "t"),
        bars(
            [Bars("a", "consumption", np.full(3, np.nan), np.zeros(3))],
            ["a"] * 3,
            locale="fr_FR",
            title="t",
        ),
        heatmap(np.full((365, 24), np.nan), date(2026, 1, 1), "consumption", "W", "fr_FR", "t"),
    ]

    for chart in charts:
        assert drawn(chart).xpath("//*[@class='none']")


def test_a_hole_in_the_readings_breaks_the_line():
    whole = trace()
    torn = whole.value.copy()
    torn[10:14] = np.nan

    document = line([replace(whole, value=torn)], window(1), PARIS, "W", "fr_FR", "t")

    assert drawn(document).xpath("//*[contains(@class,'stroke')]")[0].get("d").count("M") == 2


def test_instants_that_are_absent_break_the_line_too():
    whole = trace()
    kept = np.r_[0:10, 20:48]

    document = line(
        [Trace("a", "consumption", whole.start_s[kept], whole.value[kept])],
        window(1),
        PARIS,
        "W",
        "fr_FR",
        "t",
    )

    assert drawn(document).xpath("//*[contains(@class,'stroke')]")[0].get("d").count("M") == 2


def test_one_reading_is_drawn():
    one = trace()
    document = line(
        [Trace("a", "consumption", one.start_s[:1], one.value[:1])],
        window(1),
        PARIS,
        "W",
        "fr_FR",
        "t",
    )

    assert drawn(document).xpath("//*[contains(@class,'stroke')]")[0].get("d").startswith("M")


def test_many_points_are_thinned_and_stay_light():
    starts = np.arange(window(7).start_s, window(7).end_s, 10)
    document = line(
        [Trace("a", "consumption", starts, starts % 997.0)], window(7), PARIS, "W", "fr_FR", "t"
    )

    assert len(document) < 25_000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=48))
def test_any_numbers_give_a_wellformed_chart(values):
    starts = window(1).start_s + 1800 * np.arange(len(values))
    with np.errstate(all="ignore"):
        numbers = np.clip(np.array(values), -1e15, 1e15)
        drawn(
            line([Trace("a", "consumption", starts, numbers)], window(1), PARIS, "W", "fr_FR", "t")
        )
        drawn(
            bars(
                [Bars("a", "consumption", numbers, np.ones(len(values)))],
                ["x"] * len(values),
                locale="fr_FR",
                title="t",
            )
        )


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 24), (date(2026, 6, 1), 24)]
)
def test_the_matrix_of_hours_follows_the_clock(day, hours):
    span = civil_day(day, PARIS)
    starts = np.arange(span.start_s, span.end_s, 3600)
    local = np.array([datetime.fromtimestamp(s, PARIS).hour for s in starts], float)

    matrix = hour_matrix(starts, local, day, 1, PARIS)

    known = np.isfinite(matrix[0])
    assert known.sum() == hours
    assert matrix[0][known].tolist() == np.arange(24)[known].tolist()


def test_a_year_of_noisy_hours_stays_within_its_weight():
    span = civil_days(date(2025, 11, 24), date(2026, 11, 23), PARIS)
    starts = np.arange(span.start_s, span.end_s, 3600)
    noise = np.random.default_rng(5).gamma(2, 400, starts.size)

    document = heatmap(
        hour_matrix(starts, noise, date(2025, 11, 24), 365, PARIS),
        date(2025, 11, 24),
        "consumption",
        "W",
        "fr_FR",
        "t",
    )

    assert len(gzip.compress(document.encode())) < 22_000
    assert drawn(document) is not None


def test_a_year_of_zeros_is_drawn():
    drawn(heatmap(np.zeros((365, 24)), date(2026, 1, 1), "production", "W", "fr_FR", "t"))


def test_each_commune_has_an_area_of_its_own():
    rng = np.random.default_rng(3)
    communes = [
        Commune(f"c{k}", 47.6 + lat, -3.5 + lon, k % 5, "/", "s")
        for k, (lat, lon) in enumerate(rng.random((25, 2)) * 0.4)
    ]

    root = drawn(territory_map(communes, [], "t", "s"))

    cells = [
        np.array([[float(n) for n in point.split()] for point in path.get("d")[1:-1].split("L")])
        for path in root.xpath("//*[contains(@class,'commune')]")
    ]
    assert len(cells) == 25
    assert min(polygon_area(cell) for cell in cells) > 0
    assert len(territory_map(communes, [], "t", "s")) < 15_000


def polygon_area(cell):
    x, y = cell[:, 0], cell[:, 1]
    return abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2


@given(st.floats(-1e9, 1e9), st.floats(0.001, 1e9))
def test_ticks_are_few_and_span_the_values(low, span):
    values = svg.ticks(low, low + span)

    assert 2 <= len(values) <= 7
    assert values == sorted(values)
    assert values[0] <= low + 1e-6 * max(abs(low), span, 1)
    assert values[-1] >= low + span - 1e-6 * max(abs(low), span, 1)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (power_text(612, "fr_FR"), "612\u202fW"),
        (power_text(5234, "en_GB"), "5.23\u202fkW"),
        (power_text(0, "fr_FR"), "0\u202fW"),
        (energy_text(0, "fr_FR"), "0\u202fkWh"),
        (energy_text(-1500, "en_GB"), "-1.50\u202fkWh"),
        (energy_text(2.5e9, "en_GB"), "2.50\u202fGWh"),
    ],
)
def test_quantities_are_written_as_people_know_them(written, expected):
    assert written == expected


def test_a_sparkline_bears_unknown_days_and_zeros():
    drawn(sparkline(np.array([np.nan, 0.0, 5.0]), "consumption"))
    drawn(sparkline(np.zeros(3), "consumption"))
    drawn(sparkline(np.array([]), "consumption"))
