import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kevre.federate import identity, signature
from kevre.federate.signature import LONGEST_S, Message
from kevre.model.errors import Refused

URL = "https://lorient.example/federation/v1/feed?after=7"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return identity.hold(tmp_path_factory.mktemp("home"))


def signed(own, body=b"{}", now_s=None):
    message = Message("POST", URL, {"Host": "lorient.example"}, body)
    signature.sign(message, own, now_s=now_s or int(time.time()))
    return message


def known(own):
    return {own.public.name: own.public}.get


def verified(message, own, now_s=None):
    return signature.verify(message, known(own), now_s=now_s or int(time.time()))


def test_a_signed_request_tells_its_signer(own):
    found = verified(signed(own), own)

    assert found.signer == own.public
    assert len(found.nonce) >= 16


def test_two_requests_have_two_nonces(own):
    assert verified(signed(own), own).nonce != verified(signed(own), own).nonce


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("PUT", URL, b"{}"),
        ("POST", URL.replace("7", "8"), b"{}"),
        ("POST", URL.replace("lorient", "vannes"), b"{}"),
        ("POST", URL, b"[]"),
        ("POST", URL, b""),
    ],
)
def test_a_request_that_was_changed_is_refused(own, method, url, body):
    message = Message(method, url, signed(own).headers, body)

    with pytest.raises(Refused) as raised:
        verified(message, own)

    assert raised.value.code == "peer.signature"


def test_a_body_whose_digest_was_swapped_too_is_refused(own):
    message, other = signed(own), signed(own, b"[]")
    message.headers["Content-Digest"] = other.headers["Content-Digest"]

    with pytest.raises(Refused):
        verified(Message("POST", URL, message.headers, b"[]"), own)


def test_a_request_of_an_unknown_node_is_refused(own, tmp_path):
    stranger = identity.hold(tmp_path)

    with pytest.raises(Refused):
        verified(signed(stranger), own)


def test_a_request_without_a_signature_is_refused(own):
    with pytest.raises(Refused):
        verified(Message("GET", URL, {"Host": "lorient.example"}), own)


@pytest.mark.parametrize("late_s", [LONGEST_S + 1, -LONGEST_S - 1])
def test_a_signature_of_another_time_is_refused(own, late_s):
    now_s = int(time.time())

    with pytest.raises(Refused) as raised:
        verified(signed(own, now_s=now_s), own, now_s=now_s + late_s)

    assert raised.value.code == "peer.clock"


@given(st.text(st.characters(codec="ascii"), max_size=200), st.binary(max_size=100))
def test_no_header_makes_the_check_fail_otherwise(own, text, content):
    headers = {"Signature-Input": text, "Signature": f"kevre=:{content.hex()}:"}

    with pytest.raises(Refused):
        verified(Message("POST", URL, headers, content), own)
