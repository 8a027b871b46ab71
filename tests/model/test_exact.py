from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.model import exact
from kevre.model.errors import Malformed

mantissas = st.integers(-(2**63) + 1, 2**63 - 1)
exponents = st.integers(exact.FINEST, 0)


@given(mantissas, exponents)
def test_what_is_written_is_read_back_as_the_same_number(mantissa, exponent):
    read = exact.parse(exact.to_text(mantissa, exponent))

    assert Decimal(read[0]).scaleb(read[1]) == Decimal(mantissa).scaleb(exponent)


@given(mantissas, exponents)
def test_parsing_leaves_no_zeros_behind_the_point(mantissa, exponent):
    read = exact.parse(exact.to_text(mantissa, exponent))

    assert read[1] == 0 or read[0] % 10 != 0


@given(st.floats(-1e6, 1e6))
def test_a_binary_float_printed_in_full_keeps_nine_decimals(number):
    mantissa, exponent = exact.parse(repr(number))

    assert abs(Decimal(mantissa).scaleb(exponent) - Decimal(repr(number))) <= Decimal("5e-10")


@given(st.text(max_size=60))
def test_any_text_is_a_number_or_malformed(text):
    try:
        mantissa, exponent = exact.parse(text)
    except Malformed:
        return
    assert abs(mantissa) < 2**63
    assert exact.FINEST <= exponent <= 0


@pytest.mark.parametrize(
    "text", ["", "abc", "1,5", "NaN", "Infinity", "1e400", "--1", "0x10", "9" * 30, "1_0", "\uff11"]
)
def test_what_is_not_a_finite_number_is_refused(text):
    with pytest.raises(Malformed):
        exact.parse(text)


@given(st.integers(-(10**9), 10**9), exponents, exponents)
def test_aligning_keeps_the_value(mantissa, one, other):
    fine, coarse = min(one, other), max(one, other)

    aligned = exact.align(mantissa, coarse, fine)

    assert Decimal(aligned).scaleb(fine) == Decimal(mantissa).scaleb(coarse)


def test_aligning_beyond_64_bits_is_refused():
    with pytest.raises(Malformed) as caught:
        exact.align(2**62, 0, -3)

    assert caught.value.code == "value.too_large"


def test_aligning_never_drops_digits():
    with pytest.raises(ValueError, match="coarser"):
        exact.align(15, -1, 0)
