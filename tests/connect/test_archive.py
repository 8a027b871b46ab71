"""Archives and encrypted files: every member read, keys tried, bombs and lies refused."""

import gzip
import io
import logging
import struct
import time
import zipfile

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from tests.connect.reading import batches_of, faults_of, only, readings_of

from kevre.connect.cipher import Decrypted, Key
from kevre.model.errors import Malformed

KEYS = tuple(Key(bytes([n]) * 16, bytes([n + 100]) * 16) for n in range(1, 4))
HEADER = (
    "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;"
    "Grandeur metier;Etape metier;Unite;Pas en minutes\n"
    "{prm};Courbe de charge;01/01/2026;01/01/2027;Energie active;"
    "Consommation;Comptage Brut;W;\nHorodate;Valeur\n"
)


def curve(prm="09876543210123", count=48):
    rows = "".join(
        f"2026-01-{15 + n // 48:02}T{n // 2 % 24:02}:{n % 2 * 30:02}:00+01:00;{600 + n}\n"
        for n in range(1, count)
    )
    return (HEADER.format(prm=prm) + rows).encode()


R50 = (
    b"<R50><PRM><Id_PRM>30001234567890</Id_PRM><Donnees_Releve>"
    + b"".join(
        b"<PDC><H>2026-01-15T%02d:30:00+01:00</H><V>7</V><IV>0</IV></PDC>" % hour
        for hour in range(24)
    )
    + b"</Donnees_Releve></PRM></R50>"
)


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def encrypted(content, key=KEYS[1]):
    pad = 16 - len(content) % 16
    lock = Cipher(algorithms.AES(key.key), modes.CBC(key.iv)).encryptor()
    return lock.update(content + bytes([pad]) * pad) + lock.finalize()


def test_every_file_of_an_archive_is_read():
    found = batches_of(zipped(a=curve(), b=R50, c=curve("12345678901234")))
    assert faults_of(found) == []
    assert [name[12:26] for name in readings_of(found)] == [
        "09876543210123", "30001234567890", "12345678901234",
    ]  # fmt: skip
    assert len({batch.key for batch in found}) == 3
    assert [batch.source for batch in found] == ["file.csv/a", "file.csv/b", "file.csv/c"]


def test_a_file_that_cannot_be_read_does_not_hold_back_the_others():
    found = batches_of(zipped(a=b"hello", b=R50))
    assert [(f.code, f.field) for f in faults_of(found)] == [
        ("file.unrecognised", "file.csv/a, line 1")
    ]
    assert len(readings_of(found)) == 1


def test_notes_beside_the_readings_are_left_out():
    names = {"x_svc.xml": b"<svc/>", "__MACOSX/._a": b"\0\5", "r50.xml": R50}
    assert len(only(batches_of(zipped(**names)))) == 24


def test_an_archive_of_files_none_of_which_can_be_read_is_refused():
    with pytest.raises(Malformed) as raised:
        batches_of(zipped(a=b"hello", b=b"hello"))
    assert raised.value.code == "file.unrecognised"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("content", [curve(), R50, zipped(a=R50, b=curve()), gzip.compress(R50)])
def test_an_encrypted_file_is_opened_with_the_key_that_fits(key, content):
    found = batches_of(encrypted(content, key), keys=KEYS)
    assert readings_of(found) == readings_of(batches_of(content))
    assert faults_of(found) == []


def test_encrypted_files_within_an_archive_are_opened():
    found = batches_of(zipped(a=encrypted(R50, KEYS[0]), b=encrypted(curve(), KEYS[2])), keys=KEYS)
    assert len(readings_of(found)) == 2
    assert faults_of(found) == []


def test_keys_change_nothing_for_plain_files():
    for content in (curve(), R50, zipped(a=R50), gzip.compress(R50)):
        assert batches_of(content, keys=KEYS) == batches_of(content)


def test_a_wrong_key_is_refused_by_name_and_no_key_is_told(caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Malformed) as raised:
        batches_of(encrypted(R50, Key(b"\x09" * 16, b"\x09" * 16)), keys=KEYS)
    assert raised.value.code == "cipher.unfitting"
    assert "stream_keys" in raised.value.hint
    told = f"{raised.value!r} {raised.value.args} {KEYS!r} {caplog.text}"
    assert KEYS[0].key.hex() not in told
    assert repr(KEYS[0].key) not in told


def test_without_keys_an_encrypted_file_is_no_file_known():
    with pytest.raises(Malformed) as raised:
        batches_of(encrypted(R50))
    assert raised.value.code == "file.unrecognised"


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 40])
def test_an_encrypted_file_cut_short_keeps_its_good_part(cut):
    found = batches_of(encrypted(curve())[:-cut], keys=KEYS)
    kept = next(iter(readings_of(found).values()))
    whole = only(batches_of(curve()))
    assert set(kept) <= set(whole)
    assert len(kept) >= 44


def test_a_key_is_read_from_hexadecimal_digits():
    key = Key.parse(f"{b'k'.hex() * 16}:{b'v'.hex() * 16} ")
    assert (key.key, key.iv) == (b"k" * 16, b"v" * 16)


@pytest.mark.parametrize(
    "text", ["", "00", "zz" * 16 + ":" + "00" * 16, "00" * 16, "00" * 15 + ":" + "00" * 16]
)
def test_what_is_no_key_is_refused_without_repeating_it(text):
    with pytest.raises(Malformed) as raised:
        Key.parse(text)
    assert raised.value.code == "cipher.key"
    assert not text or text not in str(raised.value)
    assert raised.value.__cause__ is None


@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.integers(0, 210), st.integers(1, 70)), max_size=6),
)
def test_an_encrypted_file_is_read_at_any_place(content, reads):
    plain = Decrypted(io.BytesIO(encrypted(content)), KEYS[1])
    for place, count in reads:
        plain.seek(place)
        assert plain.read(count) == content[place : place + count]
    assert plain.seek(0, io.SEEK_END) == len(content)


def test_an_archive_that_declares_ten_gigabytes_is_refused_at_once():
    content = bytearray(zipped(a=R50))
    at = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 24, 0xFFFFFFF0)  # four of the ten: what 32 bits hold
    before = time.perf_counter()
    with pytest.raises(Malformed) as raised:
        batches_of(bytes(content))
    assert raised.value.code == "file.bomb"
    assert time.perf_counter() - before < 1


def test_ten_gigabytes_declared_in_64_bits_are_refused_at_once():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", R50)
        archive.infolist()[0].file_size = 10_000_000_000
    with pytest.raises(Malformed) as raised:
        batches_of(buffer.getvalue())
    assert raised.value.code == "file.bomb"


def test_many_members_that_unpack_to_too_much_together_are_refused():
    filling = bytes(1_000_000)
    with pytest.raises(Malformed) as raised:
        batches_of(zipped(**{str(n): filling for n in range(60)}))
    assert raised.value.code == "file.bomb"


def test_an_archive_of_very_many_files_is_refused():
    with pytest.raises(Malformed) as raised:
        batches_of(zipped(**{str(n): b"" for n in range(10_001)}))
    assert raised.value.code == "file.archive"
