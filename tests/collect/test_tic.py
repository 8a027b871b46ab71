"""The decoder of téléinformation on real captures, torn ones, and disturbed ones."""

import json
from datetime import UTC, datetime
from itertools import pairwise, product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kevre.collect.tic import Decoder, Frame, Mode, Stamp, Value, checksum, encode, frames

pytestmark = pytest.mark.real_data

CAPTURES = {
    # name: mode, frames, labels of the last, checksum errors
    "enedis_ticFrameHistoric": (Mode.HISTORICAL, 1, 9, 0),
    "enedis_ticFrameStandard": (Mode.STANDARD, 1, 38, 0),
    "enedis_ticFrameStandard_PCOUP_Invalid": (Mode.STANDARD, 1, 37, 1),
    "hallard_histo_base": (Mode.HISTORICAL, 10, 11, 0),
    "hallard_histo_base_tri": (Mode.HISTORICAL, 5, 15, 0),
    "hallard_histo_hc": (Mode.HISTORICAL, 5, 11, 0),
    "hallard_stand_base_tri": (Mode.STANDARD, 5, 53, 0),
    "hallard_stand_base_tri_short": (Mode.STANDARD, 1, 53, 0),
}
PARITY = bytes(code if code.bit_count() % 2 == 0 else code | 0x80 for code in range(128)) + bytes(
    128
)
a_capture = st.sampled_from(sorted(CAPTURES))
# One group of the capture left out is wrong already: a second fault could make it right.
a_sound_capture = st.sampled_from(sorted(name for name in CAPTURES if "Invalid" not in name))


def capture(samples, name):
    return (samples / "tic" / f"{name}.bin").read_bytes()


def holds_only_truth(read, true):
    return all(
        any(frame.labels.items() <= known.labels.items() for known in true) for frame in read
    )


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("line", ["masked", "with parity"])
def test_every_real_capture_is_decoded_whole(samples, name, line):
    raw = capture(samples, name)
    decoder = Decoder()

    read = decoder.feed(raw if line == "masked" else raw.translate(PARITY))

    mode, count, labels, errors = CAPTURES[name]
    assert [frame.mode for frame in read] == [mode] * count
    assert len(read[-1].labels) == labels
    counts = decoder.counts
    assert (counts.frames, counts.torn, counts.checksum_errors, counts.malformed) == (
        count,
        0,
        errors,
        0,
    )


def test_the_historical_frame_holds_what_its_maker_expects(samples):
    details = json.loads(
        (samples / "tic" / "enedis_ticFrameHistoric_full_details.json").read_text()
    )
    (frame,) = Decoder().feed(capture(samples, "enedis_ticFrameHistoric"))

    # Their MOTDETAT is marked invalid although its checksum is right, as in every capture
    # of a real meter: a decoder that follows the specification keeps it.
    assert {label: value.text for label, value in frame.labels.items()} == {
        group["label"]: group["value"] for group in details["groupList"]
    }
    assert [group["label"] for group in details["groupList"] if not group["isValid"]] == [
        "MOTDETAT"
    ]


def test_the_standard_frame_without_its_bad_group_holds_what_its_maker_expects(samples):
    expected = json.loads((samples / "tic" / "enedis_ticFrameStandard_summarized.json").read_text())
    (frame,) = Decoder().feed(capture(samples, "enedis_ticFrameStandard_PCOUP_Invalid"))

    read = {
        label: f"{value.stamp.text}\t{value.text}" if value.stamp else value.text
        for label, value in frame.labels.items()
    }
    assert read == {label: text for label, text in expected.items() if not label.startswith("!")}


@settings(max_examples=60, deadline=None)
@given(name=a_capture, cuts=st.lists(st.integers(1, 300), min_size=1, max_size=30))
def test_frames_do_not_depend_on_how_the_bytes_arrive(samples, name, cuts):
    raw = capture(samples, name)
    edges = [0]
    while edges[-1] < len(raw):
        edges.append(edges[-1] + cuts[len(edges) % len(cuts)])
    pieces = (raw[begin:end] for begin, end in pairwise(edges))

    assert list(frames(pieces)) == list(Decoder().feed(raw))


@settings(max_examples=150, deadline=None)
@given(name=a_capture, begin=st.integers(0, 6_000), length=st.integers(0, 6_000))
def test_a_torn_capture_gives_whole_groups_or_none(samples, name, begin, length):
    raw = capture(samples, name)
    begin %= len(raw)

    read = Decoder().feed(raw[begin : begin + length])

    assert holds_only_truth(read, Decoder().feed(raw))


@settings(max_examples=400, deadline=None)
@given(name=a_sound_capture, at=st.integers(0, 6_000), byte=st.integers(0, 127))
def test_a_disturbed_byte_costs_its_group_and_is_never_misread(samples, name, at, byte):
    raw = capture(samples, name)
    at %= len(raw)
    if (byte - raw[at]) % 64 == 0:
        return  # six bits of checksum cannot see this; the parity bit can, see below
    disturbed = raw[:at] + bytes([byte]) + raw[at + 1 :]

    read = Decoder().feed(disturbed)

    assert holds_only_truth(read, Decoder().feed(raw))


def treacherous():
    """Groups of which a beginning, or an end, is a group with the right checksum itself."""
    stamp = Stamp("E170915100926")
    character = checksum(f"SMAXSN\t{stamp.text}\t", Mode.STANDARD)
    yield Frame(Mode.STANDARD, {"SMAXSN": Value(character + "0000", stamp)})
    words = map("".join, product("ABCXYZabcxyz", repeat=3))
    word = next(word for word in words if sum(f"TEST {word} ".encode()) % 64 == 0)
    yield Frame(Mode.HISTORICAL, {"TEST": Value(f"{word} PAPP 00200")})


@pytest.mark.parametrize("frame", tuple(treacherous()), ids=["a beginning", "an end"])
def test_a_group_cut_in_two_by_a_disturbed_byte_is_no_group(frame):
    raw = encode(frame, parity=False)
    disturbed = (
        raw[:at] + bytes([byte]) + raw[at + 1 :]
        for at in range(len(raw))
        for byte in range(128)
        if (byte - raw[at]) % 64
    )

    assert all(holds_only_truth(Decoder().feed(line), [frame]) for line in disturbed)


@settings(max_examples=400, deadline=None)
@given(name=a_capture, at=st.integers(0, 6_000), bit=st.integers(0, 7))
def test_with_the_parity_bit_no_single_flipped_bit_is_misread(samples, name, at, bit):
    raw = capture(samples, name).translate(PARITY)
    at %= len(raw)
    disturbed = raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]

    read = Decoder().feed(disturbed)

    assert holds_only_truth(read, Decoder().feed(raw))


@settings(max_examples=100, deadline=None)
@given(noise=st.binary(max_size=400))
def test_after_any_noise_the_second_frame_at_the_latest_is_read(samples, noise):
    raw = capture(samples, "hallard_histo_hc")
    decoder = Decoder()
    decoder.feed(noise)

    assert decoder.feed(raw)[-4:] == Decoder().feed(raw)[-4:]


def test_endless_noise_takes_no_memory():
    decoder = Decoder()
    for start in (b"\x02", b"\x02\n"):
        decoder.feed(start)
        for _ in range(1_000):
            decoder.feed(b"A" * 1_000)
        assert len(decoder._open or b"") <= 200
    assert decoder.feed(b"\r\n\x03") == ()


def test_two_frames_that_lost_their_border_are_not_mixed():
    one, two = (
        Frame(Mode.STANDARD, {"EAST": Value(f"{wh:09d}"), "SINSTS": Value("00100")})
        for wh in (41, 42)
    )
    merged = encode(one)[:-1] + encode(two)[1:]
    decoder = Decoder()

    assert decoder.feed(merged + encode(two)) == (two,)
    assert decoder.counts.torn == 1


def test_a_frame_the_meter_breaks_off_is_dropped():
    whole = encode(Frame(Mode.HISTORICAL, {"PAPP": Value("00200")}), parity=False)
    decoder = Decoder()

    assert decoder.feed(whole[:-1] + b"\x04" + whole) == Decoder().feed(whole)
    assert decoder.counts.torn == 1


# Worked out by hand from the rule of the specification, on groups of real meters.
@pytest.mark.parametrize(
    ("group", "mode", "character"),
    [
        ("ADCO 812164417227 ", Mode.HISTORICAL, "D"),
        ("PTEC HP.. ", Mode.HISTORICAL, " "),
        ("EAST\t027553175\t", Mode.STANDARD, "2"),
        ("SMAXSN-1\tE210414032733\t05487\t", Mode.STANDARD, "^"),
        ("DATE\tE210415200146\t\t", Mode.STANDARD, "8"),
    ],
)
def test_the_checksum_is_that_of_real_meters(group, mode, character):
    assert checksum(group, mode) == character


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("E210415200146", datetime(2021, 4, 15, 18, 1, 46, tzinfo=UTC)),
        ("H211231235959", datetime(2021, 12, 31, 22, 59, 59, tzinfo=UTC)),
        ("E211031023000", datetime(2021, 10, 31, 0, 30, tzinfo=UTC)),  # the hour that comes twice
        ("H211031023000", datetime(2021, 10, 31, 1, 30, tzinfo=UTC)),
        ("h240229120000", datetime(2024, 2, 29, 11, 0, tzinfo=UTC)),
        (" 000000000000", None),
        ("H210229120000", None),
    ],
)
def test_the_season_letter_places_a_stamp(text, utc):
    assert Stamp(text).instant == utc


def test_a_small_season_letter_warns_of_the_clock():
    assert [Stamp(season + "210415200146").is_degraded for season in "eEhH"] == [
        True,
        False,
        True,
        False,
    ]


a_label = st.from_regex(r"[A-Z][A-Z0-9+\-]{2,8}", fullmatch=True)
a_text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=90)
a_word = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
a_stamp = st.from_regex(r"[EHeh ][0-9]{12}", fullmatch=True).map(Stamp)
a_frame = st.one_of(
    st.builds(
        Frame,
        st.just(Mode.STANDARD),
        st.dictionaries(
            a_label, st.builds(Value, a_text, st.none() | a_stamp), min_size=1, max_size=60
        ),
    ),
    st.builds(
        Frame,
        st.just(Mode.HISTORICAL),
        st.dictionaries(a_label, st.builds(Value, a_word), min_size=1, max_size=20),
    ),
)


@settings(max_examples=100, deadline=None)
@given(frame=a_frame, parity=st.booleans())
@example(frame=Frame(Mode.STANDARD, {"DATE": Value("", Stamp("H000101000000"))}), parity=True)
def test_what_is_encoded_is_decoded(frame, parity):
    assert Decoder().feed(encode(frame, parity=parity)) == (frame,)
