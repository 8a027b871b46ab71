"""Damaged and hostile files of Enedis: no bytes raise anything but our own errors."""

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.connect.reading import batches_of, readings_of
from tests.connect.seed import SEEDS
from tests.connect.test_archive import KEYS, encrypted

from kevre.model.errors import KevreError

# What breaks parsers, put in where something good stood.
NASTY = [
    b"", b"\0", b"\xff\xfe", b"<", b">", b"&a;", b"&#0;", b"<![CDATA[x]]>", b"<!-- -->", b"{", b"[", b"]", b'"',
    b";", b"\n", b"\r\n", b"NaN", b"1e9999", b"-0", b"_", b"9" * 400, b"\xe2\x80\xae", b"null", b"true",
    b"0001-01-01", b"9999-12-31T23:59:59+14:00", b"2026-03-29 02:30:00", b"PT0M", b"P99999D", b"kVAr", b"TEXTE",
    b"x" * 70_000,
]  # fmt: skip
changes = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(NASTY) | st.binary(max_size=6)),
    min_size=1, max_size=4,
)  # fmt: skip


def damaged(content, some):
    for share, length, instead in some:
        at = int(share * len(content))
        content = content[:at] + instead + content[at + length :]
    return content


@settings(max_examples=150)
@pytest.mark.parametrize("name", SEEDS)
@given(changes)
def test_a_damaged_file_raises_nothing_but_our_own_errors(name, some):
    with suppress(KevreError):
        batches_of(damaged(SEEDS[name].encode(), some))


@pytest.mark.parametrize("name", SEEDS)
def test_every_seed_is_a_good_file(name):
    assert readings_of(batches_of(SEEDS[name]))


@settings(max_examples=60)
@pytest.mark.parametrize("name", sorted(SEEDS.keys() - {"index"}))
@given(st.floats(0, 1))
def test_any_beginning_of_a_file_is_read_as_in_the_whole_or_not_at_all(name, share):
    content = SEEDS[name]
    whole = readings_of(batches_of(content))
    try:
        part = readings_of(batches_of(content[: int(share * len(content))]))
    except KevreError:
        return
    for series, readings in part.items():
        assert set(readings) <= set(whole[series])


@settings(max_examples=100)
@given(st.sampled_from(sorted(SEEDS)), changes, st.booleans())
def test_a_damaged_archive_or_cipher_raises_nothing_but_our_own_errors(name, some, is_encrypted):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", SEEDS[name])
        archive.writestr("b", encrypted(SEEDS[name].encode(), KEYS[0]))
    content = buffer.getvalue()
    with suppress(KevreError):
        batches_of(damaged(encrypted(content) if is_encrypted else content, some), keys=KEYS)
