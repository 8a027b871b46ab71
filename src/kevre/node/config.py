"""The node's configuration: one TOML file in its home folder, plus the environment.

`KEVRE_HOME` names the folder (default `var` below the working directory); `kevre.toml` in
it is written by `kevre init`. Any entry can be given as `KEVRE_<NAME>` instead.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path

from kevre.connect.cipher import Key
from kevre.federate.target import Network
from kevre.model.errors import Malformed
from kevre.node import retention
from kevre.node.sign_in import Town, towns
from kevre.store import Lake, Rule


@dataclass(frozen=True, slots=True)
class Config:
    """What one node is told about itself.

    Attributes:
        home: folder of everything the node keeps.
        secret_key: signs sessions and tokens.
        database_url: empty for SQLite in `home`, or `postgresql://user:password@host:port/name`.
        hosts: names it answers to.
        base_url: how people reach it.
        title: the node's name on its pages.
        territory: slug of the territory it opens with.
        contact: how other nodes' operators reach this one's; an address, published.
        is_demo: whether every page says that sites are fictional.
        debug: Django's debug pages; never on a server.
        lake_url: empty for readings in a file of `home`, or the catalogue of shared readings,
            `postgresql://user:password@host:port/name`.
        lake_data: folder of shared readings that every process sees; below `home` if empty.
        xmpp_jid: the node's XMPP account with its resource; empty for none.
        xmpp_password: of that account.
        xmpp_server: `host:port` of its server, where DNS does not tell.
        xmpp_authority: file of the authority that signed the server's certificate; empty for
            those of the system.
        keep_alive_s: how long a silent connection is kept: longer than collectors' pauses, for
            a new connection costs them more bytes than their readings [s].
        smtp_url: where mail goes, `smtp://user:password@host:587` (with STARTTLS), or
            `smtps://…:465`; empty for files in `home`/mail.
        mail_from: the sender's address of mail.
        store_memory_mb: the most memory that queries on readings may take [MB].
        oidc: towns whose people sign in by the town's own OpenID Connect; see `node.sign_in`.
        hook_networks: networks that messages to applications may reach besides the public one,
            such as `10.0.0.0/8`.
        stream_keys: keys of encrypted stream files, each `KEY:VECTOR` in hexadecimal digits.
        mqtt_url: broker to listen to, `mqtt://user:password@host:1883` or `mqtts://…`; empty
            for none.
        mqtt_topics: what to subscribe to there.
        mqtt_key: name of the key as which what comes from there writes.
        retention: how long readings are kept, and their detail; the first rule for a kind counts.
    """

    home: Path
    secret_key: str
    database_url: str = ""
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    base_url: str = "http://127.0.0.1:8000"
    title: str = "Kevre"
    territory: str = ""
    contact: str = ""
    is_demo: bool = False
    debug: bool = False
    lake_url: str = ""
    lake_data: str = ""
    xmpp_jid: str = ""
    xmpp_password: str = ""
    xmpp_server: str = ""
    xmpp_authority: str = ""
    keep_alive_s: int = 900
    smtp_url: str = ""
    mail_from: str = "kevre@localhost"
    store_memory_mb: int = 256
    stream_keys: tuple[Key, ...] = field(default=(), repr=False)
    mqtt_url: str = field(default="", repr=False)
    mqtt_topics: tuple[str, ...] = ()
    mqtt_key: str = ""
    retention: tuple[Rule, ...] = retention.DEFAULT
    oidc: tuple[Town, ...] = ()
    hook_networks: tuple[Network, ...] = ()

    @property
    def readings_path(self) -> Path:
        """Give the file that holds the readings."""
        return self.home / "readings.duckdb"

    @property
    def readings(self) -> Path | Lake:
        """Give the file of the readings, or the lake that holds them."""
        if not self.lake_url:
            return self.readings_path
        return Lake(self.lake_url, self.lake_data or str(self.home / "lake"))


def home() -> Path:
    """Give the node's folder."""
    return Path(os.environ.get("KEVRE_HOME", "var")).resolve()


def load() -> Config:
    """Read the configuration.

    Raises:
        Malformed: the file is not TOML, or holds an entry that is not known.
    """
    folder = home()
    path = folder / "kevre.toml"
    entries: dict[str, object] = {}
    if path.exists():
        try:
            entries = tomllib.loads(path.read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise Malformed("config.toml", str(error), where=path.name) from error
    known = {entry.name: entry for entry in fields(Config) if entry.name != "home"}
    unknown = sorted(entries.keys() - known.keys())
    if unknown:
        raise Malformed(
            "config.unknown",
            f"unknown entry {unknown[0]!r}",
            where=path.name,
            hint=f"known: {', '.join(known)}",
        )
    for name in known.keys() - {"retention", "oidc"}:
        given = os.environ.get(f"KEVRE_{name.upper()}")
        if given is not None:
            entries[name] = given
    return _typed(folder, entries)


def _typed(folder: Path, entries: dict[str, object]) -> Config:
    hosts = entries.get("hosts", Config.__dataclass_fields__["hosts"].default)
    return Config(
        home=folder,
        # Without a file there is nothing to protect yet: `kevre init` writes a lasting one.
        secret_key=str(entries.get("secret_key") or "not-initialised"),
        database_url=str(entries.get("database_url", "")),
        hosts=tuple(hosts.split(",")) if isinstance(hosts, str) else tuple(map(str, hosts)),  # type: ignore[call-overload]
        base_url=str(entries.get("base_url", "http://127.0.0.1:8000")),
        title=str(entries.get("title", "Kevre")),
        territory=str(entries.get("territory", "")),
        contact=str(entries.get("contact", "")),
        is_demo=_flag(entries.get("is_demo", False)),
        debug=_flag(entries.get("debug", False)),
        lake_url=str(entries.get("lake_url", "")),
        lake_data=str(entries.get("lake_data", "")),
        xmpp_jid=str(entries.get("xmpp_jid", "")),
        xmpp_password=str(entries.get("xmpp_password", "")),
        xmpp_server=str(entries.get("xmpp_server", "")),
        xmpp_authority=str(entries.get("xmpp_authority", "")),
        keep_alive_s=int(str(entries.get("keep_alive_s", 900))),
        smtp_url=str(entries.get("smtp_url", "")),
        mail_from=str(entries.get("mail_from", "kevre@localhost")),
        store_memory_mb=int(str(entries.get("store_memory_mb", 256))),
        stream_keys=_keys(entries.get("stream_keys", ())),
        mqtt_url=str(entries.get("mqtt_url", "")),
        mqtt_topics=_texts(entries.get("mqtt_topics", ())),
        mqtt_key=str(entries.get("mqtt_key", "")),
        retention=retention.rules(entries.get("retention")),
        oidc=towns(entries.get("oidc")),
        hook_networks=_networks(entries.get("hook_networks", ())),
    )


def _texts(given: object) -> tuple[str, ...]:
    texts = given.split(",") if isinstance(given, str) else given
    if not isinstance(texts, list | tuple):
        raise Malformed("config.texts", "mqtt_topics is a list of texts", where="kevre.toml")
    return tuple(text for text in (str(one).strip() for one in texts) if text)


def _keys(given: object) -> tuple[Key, ...]:
    texts = given.split(",") if isinstance(given, str) else given
    if not isinstance(texts, list | tuple):
        raise Malformed("config.stream_keys", "stream_keys is a list of texts", where="kevre.toml")
    return tuple(Key.parse(str(text)) for text in texts if text)


def _networks(given: object) -> tuple[Network, ...]:
    texts = given.split(",") if isinstance(given, str) else given
    try:
        return tuple(ipaddress.ip_network(str(one)) for one in texts if one)  # type: ignore[attr-defined]  # caught
    except (TypeError, ValueError) as error:
        raise Malformed(
            "config.hook_networks",
            "hook_networks is a list of networks",
            where="kevre.toml",
            hint='such as ["10.0.0.0/8"]',
        ) from error


def _flag(value: object) -> bool:
    return str(value).lower() in {"1", "true", "yes"}
