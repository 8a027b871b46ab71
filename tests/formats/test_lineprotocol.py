"""Lines as clients write them, in pieces of any size, good ones beside bad ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client import Point

from kevre.formats.lineprotocol import AT_ONCE, Clock, read
from kevre.model.errors import Malformed

NOW_S = 1_780_000_000


def parsed(text, precision="ns", size=None):
    content = text if isinstance(text, bytes) else text.encode()
    size = size or max(len(content), 1)
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    posts = list(read(pieces, Clock(precision, NOW_S)))
    values = [
        (str(one.input), one.at_s, one.value[0] * 10.0 ** one.value[1], one.line)
        for post in posts
        for one in post.values
    ]
    return values, [fault.line for post in posts for fault in post.faults]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("m f=1 1780000000000000000", [("m/f", NOW_S, 1)]),
        ("m f=1", [("m/f", NOW_S, 1)]),
        ("m,b=2,a=1 f=1.5,g=7i,h=3u", [("m/a=1,b=2 f", NOW_S, 1.5), ("m/a=1,b=2 g", NOW_S, 7),
                                       ("m/a=1,b=2 h", NOW_S, 3)]),
        (r"my\ m\,x,t\=a\ g=v\,w f\ 1=-2e-1", [("my m,x/t=a g=v,w f 1", NOW_S, -0.2)]),
        ('m s="x, y=1 z",f=2', [("m/f", NOW_S, 2)]),
        (r'm s="say \"hi\" \\",f=2', [("m/f", NOW_S, 2)]),
        ("m on=true,off=F,s=t,f=2", [("m/f", NOW_S, 2)]),
        ('W,domain=sensor,entity_id=grid value=612.5,friendly_name_str="Réseau" 1780000000000000001',
         [("W/domain=sensor,entity_id=grid value", NOW_S, 612.5)]),
        ("m f=1 -1", [("m/f", -1, 1)]),
    ],
)  # fmt: skip
def test_lines_are_read(line, expected):
    values, faults = parsed(line)

    assert [one[:3] for one in values] == expected
    assert faults == []


@pytest.mark.parametrize(
    "line",
    ["m", "m f", "m f=", "m f=abc", "m f=1 x", "m f=1 1.5", "m f=1x", ",t=1 f=1", "m,t f=1",
     "m,t= f=1", 'm f="x', "m f=1,", "m f=NaN", "m f=1e400", "m f=99999999999999999999i",
     "m f=1 99999999999999999999", "m =1", "m f=0x10", "m f=" + "1" * 70_000],
)  # fmt: skip
def test_a_bad_line_is_a_fault_and_the_others_are_kept(line):
    values, faults = parsed(f"a f=1\n{line}\n# words\n\r\nb f=2\r\n")

    assert [one[0] for one in values] == ["a/f", "b/f"]
    assert faults == [2]


@pytest.mark.parametrize(
    ("precision", "time"),
    [("ns", 1_780_000_000_999_999_999), ("us", 1_780_000_000_999_999), ("u", 1_780_000_000_000_000),
     ("ms", 1_780_000_000_999), ("s", 1_780_000_000), ("m", 29_666_666), ("h", 494_444)],
)  # fmt: skip
def test_times_are_read_in_every_precision(precision, time):
    values, _ = parsed(f"m f=1 {time}", precision)

    assert values[0][1] == {"m": 29_666_666 * 60, "h": 494_444 * 3_600}.get(precision, NOW_S)


def test_another_precision_is_refused():
    with pytest.raises(Malformed):
        Clock("d", NOW_S)


def test_a_text_may_go_through_several_lines():
    values, faults = parsed('m s="one\ntwo, f=9\n",f=2\nn f=3')

    assert [(one[0], one[3]) for one in values] == [("m/f", 1), ("n/f", 4)]
    assert faults == []


def test_a_text_that_never_ends_costs_its_own_line_alone():
    lines = ['m s="torn'] + [f"n f={n}" for n in range(200)]
    values, faults = parsed("\n".join(lines))

    assert (len(values), faults) == (200, [1])


def test_a_unit_that_stands_as_measurement_is_taken():
    posts = list(read([b"kWh,entity_id=x value=1\nmeter power=2"], Clock("s", NOW_S)))

    assert [value.unit for value in posts[0].values] == ["kWh", ""]


def test_what_is_long_comes_in_parts():
    posts = list(read((b"m f=%d %d\n" % (n, n) for n in range(12_000)), Clock("s", NOW_S)))

    assert [len(post.values) for post in posts] == [AT_ONCE, AT_ONCE, 2_000]


@given(st.integers(1, 40))
def test_pieces_of_any_size_give_the_same(size):
    text = 'mé,t=é f=1 5\nbad\nm s="é\n",f=2 6\n\nn f=3 7'

    assert parsed(text, "s", size) == parsed(text, "s")


_words = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: "\\" not in text and text.strip() == text and not text.startswith("#")
)


@given(_words, st.dictionaries(_words, _words, max_size=3), st.integers(-(10**9), 10**9))
def test_what_the_client_of_influxdb_writes_is_read_back(measurement, tags, value):
    point = Point(measurement).field("f", value)
    for name, text in tags.items():
        point = point.tag(name, text)

    values, faults = parsed(point.to_line_protocol())

    assert faults == []
    name = ",".join(f"{key}={text}" for key, text in sorted(tags.items()))
    called = f"{measurement}/{name} f" if name else f"{measurement}/f"
    assert [(one[0], one[2]) for one in values] == [(called, value)]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content):
    assert parsed(content, size=7) == parsed(content)
