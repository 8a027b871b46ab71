"""Every label of the téléinformation: on real captures, and against the specification's list."""

import pytest

from kevre.collect.device import label, linky
from kevre.collect.tic import Decoder, Frame, Mode, Stamp, Value
from kevre.model.identifier import kind_of
from kevre.model.series import Statistic

# Enedis-NOI-CPT_54E: the groups of the historical mode (tables of single and three phase
# meters) and of the standard mode, in the order of the document.
HISTORICAL = """
ADCO OPTARIF ISOUSC BASE HCHC HCHP EJPHN EJPHPM BBRHCJB BBRHPJB BBRHCJW BBRHPJW BBRHCJR BBRHPJR
PEJP PTEC DEMAIN IINST IINST1 IINST2 IINST3 ADPS IMAX IMAX1 IMAX2 IMAX3 PMAX PAPP HHPHC MOTDETAT
PPOT ADIR1 ADIR2 ADIR3
"""
STANDARD = """
ADSC VTIC DATE NGTF LTARF EAST EASF01 EASF02 EASF03 EASF04 EASF05 EASF06 EASF07 EASF08 EASF09
EASF10 EASD01 EASD02 EASD03 EASD04 EAIT ERQ1 ERQ2 ERQ3 ERQ4 IRMS1 IRMS2 IRMS3 URMS1 URMS2 URMS3
PREF PCOUP SINSTS SINSTS1 SINSTS2 SINSTS3 SMAXSN SMAXSN1 SMAXSN2 SMAXSN3 SMAXSN-1 SMAXSN1-1
SMAXSN2-1 SMAXSN3-1 SINSTI SMAXIN SMAXIN-1 CCASN CCASN-1 CCAIN CCAIN-1 UMOY1 UMOY2 UMOY3 STGE
DPM1 FPM1 DPM2 FPM2 DPM3 FPM3 MSG1 MSG2 PRM RELAIS NTARF NJOURF NJOURF+1 PJOURF+1 PPOINTE
"""
CAPTURES = (
    "enedis_ticFrameHistoric",
    "enedis_ticFrameStandard",
    "hallard_histo_base",
    "hallard_histo_base_tri",
    "hallard_histo_hc",
    "hallard_stand_base_tri",
)


def decoded(samples, name):
    return Decoder().feed((samples / "tic" / f"{name}.bin").read_bytes())


@pytest.mark.parametrize(
    ("mode", "listed"), [(Mode.HISTORICAL, HISTORICAL), (Mode.STANDARD, STANDARD)]
)
def test_every_label_of_the_specification_is_known_once(mode, listed):
    measured, others = label.MEASURED[mode].keys(), label.OTHERS[mode]

    assert measured | others == set(listed.split())
    assert not measured & others


@pytest.mark.parametrize("mode", Mode)
def test_a_group_of_every_label_passes_the_decoder(mode):
    from kevre.collect.tic import encode

    listed = (HISTORICAL if mode is Mode.HISTORICAL else STANDARD).split()
    said = Frame(mode, {name: Value("000000123") for name in listed})

    assert Decoder().feed(encode(said)) == (said,)


@pytest.mark.parametrize("mode", Mode)
def test_every_measured_label_is_a_series_and_registers_are_registers(mode):
    for name, measure in label.MEASURED[mode].items():
        kind = kind_of(measure.path)
        assert kind is not None, name
        is_register = name[:2] in {"EA", "ER", "BA", "HC", "EJ", "BB"}
        assert (kind.statistic is Statistic.REGISTER) is is_register, name


@pytest.mark.real_data
@pytest.mark.parametrize("name", CAPTURES)
def test_no_label_of_a_real_meter_is_unknown(samples, name):
    for frame in decoded(samples, name):
        known = label.MEASURED[frame.mode].keys() | label.OTHERS[frame.mode]
        assert frame.labels.keys() <= known


@pytest.mark.real_data
def test_a_real_three_phase_meter_gives_every_phase(samples):
    read = {s.path: s for s in label.samples(decoded(samples, "hallard_stand_base_tri")[-1])}

    assert read["consumption/voltage/instant/l2"].value == (239, 0)
    assert [read[f"consumption/current/instant/l{n}"].value[0] for n in (1, 2, 3)] == [2, 1, 2]
    phases_va = [read[f"consumption/power/apparent/instant/l{n}"].value[0] for n in (1, 2, 3)]
    assert sum(phases_va) == read["consumption/power/apparent/instant"].value[0] == 1_168
    # The supplier's registers add up to the total, and so do the distributor's.
    for classes in ("supplier", "distributor"):
        total_wh = sum(
            s.value[0]
            for path, s in read.items()
            if path.startswith(f"consumption/energy/active/index/{classes}/")
        )
        assert total_wh == read["consumption/energy/active/index"].value[0] == 27_553_175


@pytest.mark.real_data
def test_the_meters_own_curve_is_a_mean_stamped_at_its_start(samples):
    read = {s.path: s for s in label.samples(decoded(samples, "hallard_stand_base_tri")[-1])}
    point = read["consumption/power/active/raw"]

    # CCASN is 750 W at 20:00 of summer time, half an hour after CCASN-1.
    assert (point.value, point.step_s) == ((750, 0), 1_800)
    assert point.start_s == int(Stamp("E210415193000").instant.timestamp())
    most = read["consumption/power/apparent/max"]
    assert most.start_s == int(Stamp("E210415081021").instant.timestamp())


def test_a_producer_gives_what_it_feeds_in():
    said = Frame(
        Mode.STANDARD,
        {
            "EAIT": Value("001234567"),
            "ERQ2": Value("000000042"),
            "SINSTI": Value("02950"),
            "SMAXIN": Value("03010", Stamp("E260704123000")),
            "CCAIN": Value("02800", Stamp("E260704130000")),
            "CCAIN-1": Value("02700", Stamp("E260704123000")),
        },
    )
    read = {s.path: s.value[0] for s in label.samples(said)}

    assert read == {
        "production/energy/active/index": 1_234_567,
        "consumption/energy/reactive/index/q2": 42,
        "production/power/apparent/instant": 2_950,
        "production/power/apparent/max": 3_010,
        "production/power/active/raw": 2_800,
    }


def test_a_stamp_without_a_season_gives_no_reading():
    said = Frame(Mode.STANDARD, {"SMAXSN": Value("03010", Stamp(" 260704123000"))})

    assert list(label.samples(said)) == []


def test_a_historical_meter_in_detail_gives_classes_beside_the_total():
    said = Frame(
        Mode.HISTORICAL,
        {"HCHC": Value("000000100"), "HCHP": Value("000000200"), "IINST": Value("004")},
    )

    assert {s.path: s.value[0] for s in (*linky.samples(said), *label.samples(said))} == {
        "consumption/energy/active/index": 300,
        "consumption/energy/active/index/hchc": 100,
        "consumption/energy/active/index/hchp": 200,
        "consumption/current/instant": 4,
    }
