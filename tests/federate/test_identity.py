import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kevre.federate import identity
from kevre.federate.identity import PublicIdentity
from kevre.model.errors import Conflict, Malformed

# The key, and its thumbprint, of RFC 8037, appendix A.2 and A.3.
RFC_KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_key_is_named_as_the_rfc_names_it():
    assert PublicIdentity.of_text(RFC_KEY).name == RFC_THUMBPRINT


def test_the_identity_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    first = identity.hold(tmp_path)

    assert identity.hold(tmp_path).public == first.public
    assert stat.S_IMODE((tmp_path / identity.FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [identity.FILE]


def test_processes_that_start_together_agree_on_one_identity(tmp_path):
    code = (
        "import sys, pathlib; from kevre.federate import identity;"
        "print(identity.hold(pathlib.Path(sys.argv[1])).public.name)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    assert len({one.communicate(timeout=60)[0] for one in started}) == 1


def test_an_identity_that_others_can_read_is_refused(tmp_path):
    identity.hold(tmp_path)
    (tmp_path / identity.FILE).chmod(0o644)

    with pytest.raises(Conflict, match="chmod 600"):
        identity.hold(tmp_path)


@pytest.mark.parametrize("content", [b"", b"garbage"])
def test_a_file_without_a_key_is_named(tmp_path, content):
    path = tmp_path / identity.FILE
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(Malformed) as raised:
        identity.hold(tmp_path)

    assert raised.value.where == identity.FILE


def test_a_key_of_another_kind_is_no_identity(tmp_path):
    path = tmp_path / identity.FILE
    other = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)

    with pytest.raises(Malformed):
        identity.hold(tmp_path)


def test_a_fingerprint_is_thirty_digits_in_groups_of_five(tmp_path):
    groups = identity.hold(tmp_path).public.fingerprint.split()

    assert [len(group) for group in groups] == [5] * 6
    assert "".join(groups).isdecimal()


def test_a_new_key_is_vouched_for_by_the_one_before(tmp_path):
    before = identity.hold(tmp_path).public

    after = identity.rotate(tmp_path).public
    voucher, signature = identity.voucher(tmp_path)

    assert after != before
    assert voucher == before
    assert identity.vouches(before, signature, after)
    assert not identity.vouches(after, signature, before)


def test_an_identity_that_was_never_changed_has_no_voucher(tmp_path):
    identity.hold(tmp_path)

    assert identity.voucher(tmp_path) is None


@pytest.mark.parametrize("text", ["", "AAAA", RFC_KEY + "=", RFC_KEY[:-1] + "p", "é" * 43])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(Malformed):
        PublicIdentity.of_text(text)
