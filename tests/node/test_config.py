import stat

import pytest

from kevre.model.errors import Malformed, Unavailable
from kevre.model.series import Statistic
from kevre.node import config, install
from kevre.node.port import free_port
from kevre.store import Lake, Rule


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("KEVRE_SECRET_KEY", "KEVRE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KEVRE_HOME", str(tmp_path))
    return tmp_path


def test_what_init_writes_is_what_is_read(home):
    install.write_config(home, title='The "town"', base_url="https://energy.example", is_demo=True)

    read = config.load()

    assert (read.title, read.base_url, read.is_demo, read.home) == (
        'The "town"',
        "https://energy.example",
        True,
        home,
    )
    assert len(read.secret_key) > 40


def test_the_configuration_is_for_its_owner_only_and_kept(home):
    path = install.write_config(home, title="one")
    before = path.read_text("utf-8")

    install.write_config(home, title="two")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text("utf-8") == before


def test_the_environment_has_the_last_word(home, monkeypatch):
    install.write_config(home, title="file")
    monkeypatch.setenv("KEVRE_TITLE", "environment")
    monkeypatch.setenv("KEVRE_HOSTS", "a.example,b.example")

    assert config.load().title == "environment"
    assert config.load().hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("text", "code"), [("titel = 'x'", "config.unknown"), ("title = ", "config.toml")]
)
def test_a_slip_in_the_file_is_named(home, text, code):
    (home / "kevre.toml").write_text(text)

    with pytest.raises(Malformed) as caught:
        config.load()

    assert caught.value.code == code
    assert caught.value.where == "kevre.toml"


def test_a_taken_port_leads_to_the_next():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert port < free_port("127.0.0.1", port) < port + 20


def test_without_a_free_port_it_is_said(monkeypatch):
    with pytest.raises((Unavailable, OverflowError)):
        free_port("192.0.2.1", 8000)


def test_rules_of_retention_are_read_in_their_order(home):
    (home / "kevre.toml").write_text(
        """
        [[retention]]
        statistic = "instant"
        unit = "Cel"
        detail_days = 90
        step = "PT5M"

        [[retention]]
        statistic = "mean"
        unit = "W"
        keep_days = 3650
        """
    )

    assert config.load().retention == (
        Rule(Statistic.INSTANT, "Cel", detail_days=90, step_s=300),
        Rule(Statistic.MEAN, "W", keep_days=3650),
    )


def test_without_rules_only_live_power_is_thinned_and_an_empty_list_keeps_all(home):
    assert [rule.keep_days for rule in config.load().retention] == [None]

    (home / "kevre.toml").write_text("retention = []")

    assert config.load().retention == ()


@pytest.mark.parametrize(
    "text",
    [
        "retention = 7",
        "[[retention]]\nstatistic = 'instant'",
        "[[retention]]\nstatistic = 'median'\nunit = 'W'",
        "[[retention]]\nstatistic = 'mean'\nunit = 'kW'\nkeep_days = 9",
        "[[retention]]\nstatistic = 'mean'\nunit = 'W'\nkeep_days = '9'",
        "[[retention]]\nstatistic = 'mean'\nunit = 'W'\nkeep_day = 9",
    ],
)
def test_a_slip_in_a_rule_of_retention_is_named(home, text):
    (home / "kevre.toml").write_text(text)

    with pytest.raises(Malformed) as caught:
        config.load()

    assert caught.value.code == "config.retention"


def test_one_setting_puts_the_readings_into_a_lake(home, monkeypatch):
    assert config.load().readings == home / "readings.duckdb"

    monkeypatch.setenv("KEVRE_LAKE_URL", "postgresql://kevre@127.0.0.1/lake")

    assert config.load().readings == Lake("postgresql://kevre@127.0.0.1/lake", str(home / "lake"))
