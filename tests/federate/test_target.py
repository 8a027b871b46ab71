import ipaddress

import pytest

from kevre.federate import target
from kevre.model.errors import KevreError, Refused


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://0.0.0.0/",
        "https://10.1.2.3/", "https://192.168.1.1/", "https://172.16.0.1/", "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data", "https://[fe80::1]/", "https://[fc00::1]/",
        "https://[::ffff:127.0.0.1]/", "https://[::ffff:a9fe:a9fe]/", "https://[2002:7f00:1::]/",
        "https://2130706433/", "https://0x7f.1/", "https://127.1/", "https://017700000001/",
        "https://224.0.0.1/", "https://[ff02::1]/", "https://255.255.255.255/",
        "http://93.184.215.14/", "ftp://93.184.215.14/", "file:///etc/passwd", "gopher://x/",
        "https://user:secret@93.184.215.14/", "https://user@93.184.215.14/", "https:///path",
        "https://93.184.215.14:99999/", "https://", "", "javascript:alert(1)", "//93.184.215.14/",
    ],
)  # fmt: skip
def test_nothing_of_the_nodes_own_surroundings_is_called(url):
    with pytest.raises(KevreError):
        target.find(url)


def test_a_public_address_is_called_as_it_was_checked():
    found = target.find("https://93.184.215.14:8443/hook?a=1#top")

    assert found.pinned == "https://93.184.215.14:8443/hook?a=1"
    assert (found.host, found.name) == ("93.184.215.14:8443", "93.184.215.14")


def test_an_operator_opens_a_network_and_no_other():
    opened = (ipaddress.ip_network("127.0.0.0/8"),)

    assert target.find("http://127.0.0.1:80/", opened).pinned == "http://127.0.0.1:80/"
    with pytest.raises(Refused):
        target.find("http://10.0.0.1/", opened)
