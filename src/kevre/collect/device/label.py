"""The labels of téléinformation: what each measures, and as which series.

Labels, lengths and units as in Enedis-NOI-CPT_54E, tables of the historical mode (single
and three phase) and of the standard mode. Labels that hold words and states are listed too,
so that one that is missing here is found by a test on real captures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kevre.collect.driver import Sample
from kevre.collect.tic import Frame, Mode, Value
from kevre.model.exact import Exact

_PHASES = (1, 2, 3)
# How far apart the meter may put the points of its curve [s].
_CURVE_STEPS_S = frozenset({300, 600, 900, 1_800, 3_600})


@dataclass(frozen=True, slots=True)
class Measure:
    """One label that measures.

    Attributes:
        path: of its series, in whose unit the meter speaks.
        has_stamp: the meter says when it was; else it is of now.
    """

    path: str
    has_stamp: bool = False


def _one_a_phase(label: str, path: str, *, has_stamp: bool = False) -> dict[str, Measure]:
    return {f"{label}{n}": Measure(f"{path}/l{n}", has_stamp=has_stamp) for n in _PHASES}


_TAKEN, _GIVEN = "consumption/energy/active/index", "production/energy/active/index"
_REACTIVE = "consumption/energy/reactive/index"
_CURRENT, _VOLTAGE = "consumption/current/instant", "consumption/voltage/instant"
_POWER, _MOST = "consumption/power/apparent/instant", "consumption/power/apparent/max"

STANDARD: dict[str, Measure] = (
    {
        "EAST": Measure(_TAKEN),
        "EAIT": Measure(_GIVEN),
        "SINSTS": Measure(_POWER),
        "SINSTI": Measure("production/power/apparent/instant"),
        "SMAXSN": Measure(_MOST, has_stamp=True),
        "SMAXIN": Measure("production/power/apparent/max", has_stamp=True),
    }
    | {f"EASF{n:02}": Measure(f"{_TAKEN}/supplier/{n:02}") for n in range(1, 11)}
    | {f"EASD{n:02}": Measure(f"{_TAKEN}/distributor/{n:02}") for n in range(1, 5)}
    | {f"ERQ{n}": Measure(f"{_REACTIVE}/q{n}") for n in range(1, 5)}
    | _one_a_phase("IRMS", _CURRENT)
    | _one_a_phase("URMS", _VOLTAGE)
    | _one_a_phase("SINSTS", _POWER)
    | _one_a_phase("SMAXSN", _MOST, has_stamp=True)
)
HISTORICAL: dict[str, Measure] = {
    label: Measure(path)
    for label, path in {
        "BASE": _TAKEN,
        "HCHC": f"{_TAKEN}/hchc",
        "HCHP": f"{_TAKEN}/hchp",
        "EJPHN": f"{_TAKEN}/ejphn",
        "EJPHPM": f"{_TAKEN}/ejphpm",
        "BBRHCJB": f"{_TAKEN}/bbrhcjb",
        "BBRHPJB": f"{_TAKEN}/bbrhpjb",
        "BBRHCJW": f"{_TAKEN}/bbrhcjw",
        "BBRHPJW": f"{_TAKEN}/bbrhpjw",
        "BBRHCJR": f"{_TAKEN}/bbrhcjr",
        "BBRHPJR": f"{_TAKEN}/bbrhpjr",
        "PAPP": _POWER,
        "IINST": _CURRENT,
    }.items()
} | _one_a_phase("IINST", _CURRENT)
# The points of the meter's own load curve: label of the newest, of the one before, series.
_CURVES = (
    ("CCASN", "CCASN-1", "consumption/power/active/raw"),
    ("CCAIN", "CCAIN-1", "production/power/active/raw"),
)
# Decoded, but no series: names, limits, words, states, what was measured before, and means
# and maxima whose interval the meter does not tell.
_STANDARD_OTHERS = """
ADSC VTIC DATE NGTF LTARF PREF PCOUP STGE MSG1 MSG2 PRM RELAIS NTARF NJOURF NJOURF+1 PJOURF+1
PPOINTE DPM1 DPM2 DPM3 FPM1 FPM2 FPM3 UMOY1 UMOY2 UMOY3 SMAXSN-1 SMAXSN1-1 SMAXSN2-1 SMAXSN3-1
SMAXIN-1 CCASN CCASN-1 CCAIN CCAIN-1
"""
_HISTORICAL_OTHERS = """
ADCO OPTARIF ISOUSC PEJP PTEC DEMAIN ADPS ADIR1 ADIR2 ADIR3 IMAX IMAX1 IMAX2 IMAX3 PMAX HHPHC
MOTDETAT PPOT
"""
OTHERS = {
    Mode.STANDARD: frozenset(_STANDARD_OTHERS.split()),
    Mode.HISTORICAL: frozenset(_HISTORICAL_OTHERS.split()),
}
MEASURED = {Mode.STANDARD: STANDARD, Mode.HISTORICAL: HISTORICAL}


def samples(frame: Frame) -> Iterator[Sample]:
    """Give every measured label of a frame, and the newest points of the load curves.

    A text that is no number gives nothing: the meter has nothing to say there. A stamped
    value whose season is blank gives nothing either, for its instant is not known.
    """
    measured = MEASURED[frame.mode]
    for name, value in frame.labels.items():
        found = measured.get(name)
        exact = _exact(value) if found else None
        if found is None or exact is None:
            continue
        if not found.has_stamp:
            yield Sample(found.path, exact)
        elif (at_s := _instant_s(value)) is not None:
            yield Sample(found.path, exact, start_s=at_s)
    yield from _curve(frame)


def _curve(frame: Frame) -> Iterator[Sample]:
    """Give the mean power between the stamps of two points; they stand at its end."""
    for newest, before, path in _CURVES:
        if newest not in frame.labels or before not in frame.labels:
            continue
        end_s, start_s = _instant_s(frame.labels[newest]), _instant_s(frame.labels[before])
        exact = _exact(frame.labels[newest])
        if end_s is None or start_s is None or exact is None:
            continue
        if end_s - start_s in _CURVE_STEPS_S:
            yield Sample(path, exact, start_s=start_s, step_s=end_s - start_s)


def _exact(value: Value) -> Exact | None:
    return (int(value.text), 0) if value.text.isdecimal() else None


def _instant_s(value: Value) -> int | None:
    instant = None if value.stamp is None else value.stamp.instant
    return None if instant is None else int(instant.timestamp())
