"""Real Prosody servers for tests: two domains on two loopback addresses, one private authority.

A dnsmasq of our own answers for the two domains, because Prosody's resolver does not read the
hosts file; all ports are other ones than those of a Prosody that runs on the machine.
"""

import shutil
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from tests.federate.nodes import any_port

_CONFIG = """
run_as_root = true
pidfile = "{folder}/prosody.pid"
certificates = "{folder}"
data_path = "{folder}/data"
interfaces = {{ "{address}" }}
c2s_ports = {{ {client_port} }}
s2s_ports = {{ {server_port} }}
log = {{ info = "{folder}/prosody.log" }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "offline", "smacks", "dialback" }}
modules_disabled = {{ "s2s_auth_dane_in" }}
authentication = "internal_hashed"
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = true
c2s_stanza_size_limit = 2097152
s2s_stanza_size_limit = 2097152
c2s_direct_tls_ports = {{}}
s2s_direct_tls_ports = {{}}
ssl = {{ cafile = "{authority}" }}
unbound = {{ resolvconf = false, hoststxt = false, forward = {{ "127.0.0.1@{names}" }} }}
VirtualHost "{domain}"
    ssl = {{ certificate = "{folder}/cert.pem", key = "{folder}/key.pem", cafile = "{authority}" }}
"""


class Authority:
    """A private certificate authority."""

    def __init__(self, folder):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kevre test authority")])
        certificate = (
            self._base(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.path = folder / "authority.pem"
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, domain, folder):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            self._base(name, key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
        plain = serialization.NoEncryption()
        kind = serialization.PrivateFormat.PKCS8
        (folder / "key.pem").write_bytes(key.private_bytes(pem, kind, plain))

    def _base(self, subject, public_key):
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
        )


class Prosody:
    """One server with one domain; `names` is the port of its name server."""

    def __init__(self, folder, domain, address, authority, names):
        self.folder, self.domain, self.address = folder, domain, address
        self.authority = authority
        self.client_port, self.server_port = any_port(address), any_port(address)
        folder.mkdir()
        (folder / "data").mkdir()
        authority.issue(domain, folder)
        (folder / "prosody.cfg.lua").write_text(
            _CONFIG.format(
                folder=folder,
                address=address,
                client_port=self.client_port,
                server_port=self.server_port,
                authority=authority.path,
                names=names,
                domain=domain,
            )
        )
        self.process = None

    @property
    def server(self):
        return f"{self.address}:{self.client_port}"

    def register(self, user, password="secret"):
        subprocess.run(
            ["prosodyctl", "--config", self._config, "register", user, self.domain, password],
            check=True,
            capture_output=True,
            timeout=60,
        )
        return f"{user}@{self.domain}"

    def start(self):
        with (self.folder / "output.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["prosody", "-F", "--config", self._config], stdout=log, stderr=log
            )
        until = time.monotonic() + 30
        while not self._answers():
            said = (self.folder / "output.log").read_text()
            assert self.process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.1)
        return self

    def kill(self, number=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(timeout=30)
            self.process = None

    @property
    def _config(self):
        return str(self.folder / "prosody.cfg.lua")

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex((self.address, self.client_port)) == 0


def names(servers, port):
    """Start a name server that knows the domains of these servers alone."""
    known = [f"--address=/{one.domain}/{one.address}" for one in servers]
    known += [
        f"--srv-host=_xmpp-server._tcp.{one.domain},{one.domain},{one.server_port}"
        for one in servers
    ]
    return subprocess.Popen(
        [
            shutil.which("dnsmasq") or "/usr/sbin/dnsmasq",
            "--keep-in-foreground",
            "--no-resolv",
            "--no-hosts",
            "--conf-file=/dev/null",
            "--listen-address=127.0.0.1",
            f"--port={port}",
            "--bind-interfaces",
            "--pid-file=",
            *known,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
