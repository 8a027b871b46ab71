import os
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.federate import recovery
from kevre.federate.recovery import Recovery
from kevre.model.errors import Malformed, Refused

SECRET = Recovery(bytes(range(32)))


def test_a_code_is_read_as_people_write_it():
    code = SECRET.code

    assert len(code.split()) == 14
    assert Recovery.parse(code.lower().replace(" ", "-")) == SECRET
    assert Recovery.parse(code.replace("O", "0").replace("B", "8").replace("I", "1")) == SECRET


@given(st.integers(0, 68), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_wrong_letter_is_noticed(place, letter):
    code = SECRET.code
    wrong = code[:place] + letter + code[place + 1 :]
    with suppress(Malformed):
        # The bits that pad the last group mean nothing.
        assert Recovery.parse(wrong) == SECRET


def test_a_piece_is_opened_by_its_code_alone():
    piece = os.urandom(1000) + bytes(5000)
    name, sealed = SECRET.seal(piece)

    assert SECRET.seal(piece) == (name, sealed)
    assert SECRET.open(name, sealed) == piece
    assert len(sealed) < 1200
    other = Recovery(bytes(32))
    with pytest.raises(Refused):
        other.open(name, sealed)
    for spoilt in (sealed[:-1], sealed + b"x", bytes([sealed[0] ^ 1]) + sealed[1:], b""):
        with pytest.raises(Refused):
            SECRET.open(name, spoilt)
        with pytest.raises(Refused):
            SECRET.open(recovery.digest_of(spoilt), spoilt)


def test_the_secret_is_made_once_and_read_by_its_owner_alone(tmp_path):
    made = recovery.hold(tmp_path)

    assert recovery.hold(tmp_path) == made
    assert (tmp_path / recovery.FILE).stat().st_mode & 0o777 == 0o600
    assert made.identity.public == recovery.hold(tmp_path).identity.public
