"""What frames mean for the series of their point."""

import pytest

from kevre.collect.device import linky
from kevre.collect.tic import Decoder, Frame, Mode, Value
from kevre.model.identifier import KINDS


def read(frame):
    return {sample.path: sample.value for sample in linky.samples(frame)}


def frame(mode, **labels):
    return Frame(mode, {label: Value(text) for label, text in labels.items()})


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "index_wh", "power_va"),
    [
        ("hallard_histo_base", 836_902 + 2_033_643, 200),  # named so, but off-peak tariff
        ("hallard_histo_hc", 837_362 + 2_035_628, 190),
        ("hallard_histo_base_tri", 27_986_573, 1_116),
        ("hallard_stand_base_tri", 27_553_175, 1_198),
    ],
)
def test_real_meters_give_their_total_and_power(samples, name, index_wh, power_va):
    first = Decoder().feed((samples / "tic" / f"{name}.bin").read_bytes())[0]

    assert read(first) == {linky.IMPORT_INDEX: (index_wh, 0), linky.IMPORT_POWER: (power_va, 0)}


def test_a_producer_has_series_of_its_own_and_no_sign():
    said = frame(Mode.STANDARD, EAST="000000007", EAIT="000000009", SINSTS="00000", SINSTI="01500")

    assert read(said) == {
        linky.IMPORT_INDEX: (7, 0),
        linky.EXPORT_INDEX: (9, 0),
        linky.IMPORT_POWER: (0, 0),
        linky.EXPORT_POWER: (1_500, 0),
    }


def test_a_total_with_a_class_missing_is_no_total():
    assert read(frame(Mode.HISTORICAL, HCHC="000836902", PAPP="00200")) == {
        linky.IMPORT_POWER: (200, 0)
    }


def test_a_text_that_is_no_number_gives_nothing():
    assert read(frame(Mode.STANDARD, EAST="p00000104", SINSTS="")) == {}


def test_every_path_tells_its_kind():
    paths = {
        linky.IMPORT_INDEX,
        linky.EXPORT_INDEX,
        linky.IMPORT_POWER,
        linky.EXPORT_POWER,
    }
    assert paths <= KINDS.keys()
