import json
from dataclasses import replace

import pytest
from tests.federate.conftest import NOW

from kevre.federate import description, identity, peer
from kevre.federate.description import Description, Neighbour, Voucher
from kevre.federate.models import Peer
from kevre.model.errors import Conflict, Malformed, Missing, Refused

pytestmark = [pytest.mark.django_db, pytest.mark.registry]


@pytest.fixture
def described(own):
    return Description("Lorient", "https://lorient.example", own.public, "1.0")


def test_a_node_that_is_met_is_not_trusted(described):
    met = peer.meet(described, NOW)

    assert peer.trusted(met.key_name) is None
    assert peer.all_trusted() == []


def test_a_peer_is_trusted_by_its_fingerprint_alone(described, own):
    met = peer.meet(described, NOW)

    with pytest.raises(Refused):
        peer.trust(met, "00000 00000 00000 00000 00000 00000", NOW)
    peer.trust(met, own.public.fingerprint, NOW)

    assert peer.trusted(met.key_name) == met


def test_a_blocked_peer_is_not_heard(neighbour):
    Peer.objects.update(blocked_at=NOW)

    assert peer.trusted(neighbour.key_name) is None


def test_meeting_again_is_the_same_peer(described):
    assert peer.meet(described, NOW) == peer.meet(replace(described, title="An Oriant"), NOW)
    assert Peer.objects.get().title == "An Oriant"


def test_another_key_at_the_same_address_is_not_believed(described, stranger):
    peer.meet(described, NOW)

    with pytest.raises(Conflict) as raised:
        peer.meet(replace(described, key=stranger.public), NOW)

    assert raised.value.code == "peer.key_changed"


def test_a_key_that_the_pinned_one_vouches_for_is_followed(tmp_path, described):
    home = tmp_path / "own"
    met = peer.meet(described, NOW)
    peer.trust(met, met.identity.fingerprint, NOW)
    after = identity.rotate(home).public
    voucher = Voucher(*identity.voucher(home))

    peer.meet(replace(described, key=after, voucher=voucher), NOW)

    assert peer.trusted(after.name) == met
    assert peer.trusted(described.key.name) is None


def test_a_stranger_cannot_vouch(described, stranger, own):
    peer.meet(described, NOW)
    forged = Voucher(own.public, stranger.sign(b"kevre identity follows:" + stranger.public.raw))

    with pytest.raises(Conflict):
        peer.meet(replace(described, key=stranger.public, voucher=forged), NOW)


def test_peers_whose_addresses_look_alike_have_names_of_their_own(described, stranger):
    first = peer.meet(described, NOW)
    other = replace(described, base_url="http://lorient-example", key=stranger.public)

    assert peer.meet(other, NOW).slug != first.slug


def test_an_unknown_peer_is_missing():
    with pytest.raises(Missing):
        peer.named("nobody")


def test_a_description_is_read_as_it_was_written(described, own, stranger):
    whole = replace(
        described,
        territory="56121 Lorient",
        contact="energie@example.org",
        voucher=Voucher(stranger.public, b"x" * 64),
        neighbours=(Neighbour("Vannes", "https://vannes.example", stranger.public),),
    )

    assert description.read(whole.write()) == whole


def changed(described, **members):
    return json.dumps(json.loads(described.write()) | members).encode()


def test_members_of_a_later_version_are_ignored(described):
    newer = changed(described, protocols=["kevre-2", "kevre-1"], moon="full")

    assert description.read(newer).key == described.key


def test_a_neighbour_that_cannot_be_read_does_not_hide_the_others(described, stranger):
    good = {
        "title": "V",
        "base_url": "https://v.example",
        "key": {"crv": "Ed25519", "x": stranger.public.text},
    }

    found = description.read(changed(described, peers=[{"title": 1}, "x", good]))

    assert [one.title for one in found.neighbours] == ["V"]


@pytest.mark.parametrize(
    "members",
    [
        {"protocols": ["kevre-0"]},
        {"protocols": None},
        {"title": None},
        {"title": "x" * 1_000},
        {"base_url": "ftp://lorient.example"},
        {"base_url": "https://user:secret@lorient.example"},
        {"key": {"crv": "P-256", "x": "y"}},
        {"key": None},
        {"previous": {"key": None}},
    ],
)
def test_what_is_no_description_is_refused(described, members):
    with pytest.raises(Malformed):
        description.read(changed(described, **members))


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"null"])
def test_what_is_no_document_is_refused(content):
    with pytest.raises(Malformed):
        description.read(content)
