"""Requests of Prometheus: one that it really sent, and damaged ones."""

import base64
import contextlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats import prometheus

from kevre.formats.remotewrite import read
from kevre.model.errors import Malformed

# Sent by Prometheus 2.42 of Debian for five scrapes of a page with power_watts of two meters,
# energy_wh_total, and one metric that was NaN; caught with a server that only wrote it down.
CAUGHT = base64.b64decode(
    """
    4g7waQplChcKCF9fbmFtZV9fEgtwb3dlcl93YXR0cwoaCghpbnN0YW5jZRIOMTI3LjAuMC4xOjk5MTEKDQoDam9i
    EgZtZXRlcnMKDQoFbWV0ZXISBGdyaWQSEAkAAAAAACSDQBDrxZ/poTQKZQr+ZwA2ZwBAcHbDqRIQCbgehetRuJ6/
    EOsJZwhaChsdzjwPZW5lcmd5X3doX3RvdGFsqtIAABIJwwyH1jJBEVwITgoPHVwMA2JhZLZQAAABIRMIAPh/EVD+
    egF+egEQ082f6aH+egGGegENZ/56AVJ6AQ1c/noBNXoNUP56AX56AQS71f56AZJ6AQ1n/noBUnoBDVz+egE1eg1Q
    /noBfnoBBKPd/noBknoBDWf+egFSegENXP56ATV6DVD+egF+egEEi+X+egGSegENZ/56AVJ6AQ1c/noBNXoUi+Wf
    6aE0
    """
)


def parsed(packed):
    posted = read(packed)
    return [
        (str(one.input), one.at_s, one.value[0] * 10.0 ** one.value[1]) for one in posted.values
    ], posted


def test_what_prometheus_sends_is_read():
    values, posted = parsed(CAUGHT)

    labels = "instance=127.0.0.1:9911,job=meters"
    assert values[:3] == [
        (f"power_watts/{labels},meter=grid", 1_795_785_482, 612.5),
        (f"power_watts/{labels},meter=pvé", 1_795_785_482, -0.03),
        (f"energy_wh_total/{labels}", 1_795_785_482, 1_234_567),
    ]
    assert (len(values), posted.nulls, posted.faults) == (15, 5, ())


def test_infinities_are_faults_with_the_number_of_their_series():
    packed = prometheus.request(("a", [(1_000, 5.0)]), ("b", [(1_000, float("inf")), (2_000, 7.0)]))

    values, posted = parsed(packed)

    assert values == [("a/value", 1, 5), ("b/value", 2, 7)]
    assert [(fault.code, fault.line) for fault in posted.faults] == [("value.not_a_number", 2)]


@pytest.mark.parametrize(
    "packed",
    [b"", b"\x80", b"\xff" * 20, CAUGHT[:-1], CAUGHT[1:], pa.compress(b"\x0a\x7f", codec="snappy", asbytes=True),
     pa.compress(b"\x0b", codec="snappy", asbytes=True)],
)  # fmt: skip
def test_what_is_damaged_is_refused(packed):
    with pytest.raises(Malformed):
        read(packed)


def test_a_bomb_does_not_go_off():
    with pytest.raises(Malformed) as refused:
        read(pa.compress(b"\0" * 40_000_000, codec="snappy", asbytes=True))

    assert refused.value.code == "request.too_large"


@given(st.binary(max_size=200))
def test_no_message_breaks_the_reader(content):
    posted = None
    with contextlib.suppress(Malformed):
        posted = read(pa.compress(content, codec="snappy", asbytes=True))

    assert posted is None or len(posted.values) <= len(content)


@given(st.floats(-1e9, 1e9, allow_nan=False), st.integers(-(2**40), 2**52))
def test_what_is_written_is_read_back(value, at_ms):
    values, _ = parsed(prometheus.request(("m", [(at_ms, value)])))

    assert values == [("m/value", at_ms // 1_000, pytest.approx(value, rel=1e-12, abs=1e-9))]
