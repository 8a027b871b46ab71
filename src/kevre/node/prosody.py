"""What a Prosody of Debian needs to serve a node: its configuration, and the steps beside it.

Larger stanzas are allowed than by default: a page of five thousand readings is 300 kB of XML.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from kevre.model.errors import Conflict, Malformed

_DOMAIN = re.compile(r"(?=.{3,200}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9][-a-z0-9]*)+\Z")
_STANZA_BYTES = 2 * 1024 * 1024
FILE = "kevre.cfg.lua"
_TEMPLATE = """\
-- Written by `kevre xmpp setup`: one domain for a node of Kevre and nobody else.
VirtualHost "{domain}"
    enabled = true
    authentication = "internal_hashed"
    allow_registration = false
    modules_enabled = {{
        "roster", "saslauth", "tls", "disco", "ping", "offline", "smacks", "limits"
    }}
    c2s_require_encryption = true
    s2s_require_encryption = true
    s2s_secure_auth = true
    c2s_stanza_size_limit = {size}
    s2s_stanza_size_limit = {size}
    ssl = {{
        certificate = "/etc/prosody/certs/{domain}.crt",
        key = "/etc/prosody/certs/{domain}.key"
    }}
"""


@dataclass(frozen=True, slots=True)
class Written:
    """The file, and what is left to do by hand."""

    path: Path
    steps: tuple[str, ...]


def write(folder: Path, domain: str, *, home: Path) -> Written:
    """Write the configuration of a domain.

    Raises:
        Malformed: it is no domain.
        Conflict: the file is there already.
    """
    if not _DOMAIN.match(domain):
        raise Malformed("xmpp.domain", "this is no domain", hint="as energie.example")
    path = folder / FILE
    if path.exists():
        raise Conflict("xmpp.exists", "there is such a file already", where=str(path))
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(_TEMPLATE.format(domain=domain, size=_STANZA_BYTES), "utf-8")
    password = secrets.token_urlsafe(24)
    steps = (
        f"1. sudo apt install prosody; sudo cp {path} /etc/prosody/conf.d/",
        f"2. Put the certificate of {domain} and its key into /etc/prosody/certs/",
        f"3. sudo prosodyctl register meters {domain} {password}; sudo systemctl restart prosody",
        f"4. Add to {home / 'kevre.toml'}:",
        f'     xmpp_jid = "meters@{domain}/kevre"',
        f'     xmpp_password = "{password}"',
        "5. Start the node again; let others in with `kevre xmpp allow`.",
    )
    return Written(path, steps)
