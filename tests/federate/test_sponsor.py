"""Two real nodes, one of which keeps the encrypted copies of the other, which is destroyed."""

import shutil
import subprocess
from contextlib import closing

import pytest
from tests.federate.nodes import KEVRE, NEW_YEAR_S, Node, acquaint, furnish, half_hours, post, slug
from tests.node.test_everything import rows

from kevre.federate.client import Client
from kevre.federate.identity import hold
from kevre.federate.recovery import Recovery, digest_of
from kevre.model.errors import Conflict, KevreError, Malformed, Missing, Refused

HALF_HOURS = 3_000
SECRET = Recovery(bytes(range(32)))


@pytest.fixture
def pair(tmp_path):
    """The owner of copies and its sponsor, who trust each other and serve."""
    owner = Node(tmp_path / "owner", "Owner").init()
    sponsor = Node(tmp_path / "sponsor", "Sponsor").init()
    key = furnish(owner)
    owner.serve()
    sponsor.serve()
    acquaint(owner, sponsor)
    post(owner, key, half_hours(HALF_HOURS))
    yield owner, sponsor, key
    owner.kill()
    sponsor.kill()


def reclaim(home, url, code, expected=0):
    """Restore a home from a sponsor, by the command of an operator."""
    done = subprocess.run(
        [KEVRE, "restore", "--from-peer", url],
        env=home.environment,
        input=code + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_destroyed_node_comes_back_from_its_sponsor(pair, tmp_path):
    owner, sponsor, key = pair
    sponsor.run("peer", "sponsor", slug(owner), "--quota-gb", "1")
    owner.kill()
    told = owner.run("peer", "entrust", slug(sponsor)).stdout
    code = next(line.strip() for line in told.splitlines() if len(line.split()) == 14)
    first = sent(told)
    owner.serve()
    post(owner, key, half_hours(10, start_s=NEW_YEAR_S + 1800 * HALF_HOURS, first=7))
    owner.kill()
    second = sent(owner.run("peer", "entrust", slug(sponsor)).stdout)
    assert first[0] == first[1]
    assert second[1] < second[0]
    owner.run("export", "everything", tmp_path / "before")

    kept = b"".join(
        one.read_bytes() for one in (sponsor.home / "sponsored").rglob("*") if one.is_file()
    )
    for telling in (b"urn:dev:prm", b"09876543210123", b"operator@example.org", b"PAR1", b"SQLite"):
        assert telling not in kept

    shutil.rmtree(owner.home)
    new = Node(tmp_path / "new", "New")
    reclaim(new, sponsor.url, Recovery(bytes(32)).code, 3)
    assert not (new.home / "readings.duckdb").exists()
    assert "restored the copy of" in reclaim(new, sponsor.url, code)
    new.run("export", "everything", tmp_path / "after")

    # The copy was taken before it was noted that it went well.
    before, after = rows(tmp_path / "before"), rows(tmp_path / "after")
    noted = {"federate_entrusted.jsonl"}
    assert {k: v for k, v in before.items() if k not in noted} == {
        k: v for k, v in after.items() if k not in noted
    }
    # It has its own key again, so it leaves its copies as before.
    again = new.run("peer", "entrust", slug(sponsor)).stdout
    assert sent(again)[1] < sent(again)[0]
    assert new.run("peer", "recovery").stdout.split()[-14:] == code.split()


def test_a_running_node_leaves_its_copies_by_itself(pair):
    owner, sponsor, _ = pair
    sponsor.run("peer", "sponsor", slug(owner))
    told = owner.run("peer", "entrust", slug(sponsor)).stdout
    assert "within a minute" in told
    wait = """
import time
from kevre.federate.models import Entrusted
until = time.monotonic() + 90
while not (one := Entrusted.objects.get()).copied_at and time.monotonic() < until:
    time.sleep(0.5)
print(one.copied_at is not None, one.error)
"""
    assert owner.python(wait) == "True"
    assert "keeps our copy" in owner.run("peer", "list").stdout
    assert "leaves its copy here" in sponsor.run("peer", "list").stdout


def test_a_sponsor_keeps_to_what_was_agreed(pair):
    owner, sponsor, _ = pair
    own = hold(owner.home)
    with closing(Client(sponsor.url, own)) as client:
        refused(Refused, client.ask, "GET", "copies")  # nothing was agreed
        sponsor.run("peer", "sponsor", slug(owner), "--quota-gb", "0.00001")
        begin = {"recovery": SECRET.identity.public.text}
        number = client.ask("POST", "copies", begin)["copy"]
        name, sealed = SECRET.seal(bytes(range(256)) * 20)
        refused(Missing, client.put, f"copies/pieces/{name}", sealed)  # not named yet
        assert client.ask("POST", f"copies/{number}/pieces", {"pieces": [name]})["missing"] == [
            name
        ]
        closing_path = f"copies/{number}/closing"
        refused(Conflict, client.ask, "POST", closing_path, {"index": [name]})  # not come yet
        refused(Malformed, client.put, f"copies/pieces/{name}", sealed + b"x")
        client.put(f"copies/pieces/{name}", sealed)
        client.put(f"copies/pieces/{name}", sealed)  # again is no change
        large = bytes(range(250, 256)) * 2_000
        more = digest_of(large)
        client.ask("POST", f"copies/{number}/pieces", {"pieces": [more]})
        refused(Refused, client.put, f"copies/pieces/{more}", large)  # more than agreed
        refused(Malformed, client.ask, "POST", f"copies/{number}/pieces", {"pieces": ["../x"]})
        refused(Missing, client.ask, "POST", f"copies/{number + 1}/closing", {"index": [name]})
        number = client.ask("POST", "copies", begin)["copy"]
        client.ask("POST", f"copies/{number}/pieces", {"pieces": [name]})
        client.ask("POST", f"copies/{number}/closing", {"index": [name]})


def test_a_recovery_key_reads_copies_and_nothing_else(pair):
    owner, sponsor, _ = pair
    sponsor.run("peer", "sponsor", slug(owner))
    begin = {"recovery": SECRET.identity.public.text}
    name, sealed = SECRET.seal(b"what a node holds")
    with closing(Client(sponsor.url, hold(owner.home))) as client:
        number = client.ask("POST", "copies", begin)["copy"]
        client.ask("POST", f"copies/{number}/pieces", {"pieces": [name]})
        client.put(f"copies/pieces/{name}", sealed)
        client.ask("POST", f"copies/{number}/closing", {"index": [name]})
    with closing(Client(sponsor.url, SECRET.identity)) as reader:
        assert reader.ask("GET", "copies")["copies"][0]["index"] == [name]
        assert reader.get(f"copies/pieces/{name}") == sealed
        refused(Refused, reader.ask, "POST", "copies", begin)  # a recovery key only reads
        refused(Missing, reader.get, f"copies/pieces/{name[::-1]}")
        refused(Refused, reader.ask, "GET", "series")  # and nothing but copies
    with closing(Client(sponsor.url, Recovery(bytes(32)).identity)) as stranger:
        refused(Refused, stranger.ask, "GET", "copies")


def refused(family, ask, *words):
    with pytest.raises(KevreError) as error:
        ask(*words)
    assert isinstance(error.value, family), error.value


def sent(told):
    """(size, sent) of a copy [MB], as the command told them."""
    words = next(line for line in told.splitlines() if "had to be sent" in line).split()
    return float(words[0]), float(words[4])
