"""Runs every test: checks, the suite, the registry's tests on PostgreSQL, coverage.

What Debian packages are needed is installed where that is allowed; else it is said, and the
run fails, for a test that did not run proves nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import postgres  # noqa: E402 - after the path is set

BIN = Path(sys.executable).parent
# Each Debian package, and how to see that it is there.
NEEDED = {
    "chromium": lambda: shutil.which("chromium") is not None,
    "mosquitto": lambda: (
        shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is not None
    ),
    "postgresql": lambda: postgres.binaries() is not None,
    "prosody": lambda: shutil.which("prosody") is not None,
    "lua-unbound": lambda: any(Path("/usr/lib").glob("*/lua/5.4/lunbound.so")),
    "dnsmasq-base": lambda: Path("/usr/sbin/dnsmasq").exists(),
    "fonts-dejavu-core": lambda: Path("/usr/share/fonts/truetype/dejavu").is_dir(),
}
LEAST_COVERAGE = 90
_COUNT = re.compile(r"(\d+) (passed|failed|error|skipped)")


class Tally:
    """Counts what ran, over all runs."""

    def __init__(self) -> None:
        self.counts = {"passed": 0, "failed": 0, "error": 0, "skipped": 0}
        self.failures: list[str] = []

    def run(self, name: str, command: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        """Run one command, showing what it prints; remember whether it failed."""
        print(f"\n=== {name}", flush=True)
        environment = os.environ | dict(more or {})
        last = ""
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout or ():
                sys.stdout.write(line)
                sys.stdout.flush()
                last = line if _COUNT.search(line) else last
        for count, what in _COUNT.findall(last):
            self.counts[what] += int(count)
        if process.returncode:
            self.failures.append(name)


def main() -> int:
    """Run all; give 0 only if everything ran and passed."""
    missing = install_missing(NEEDED)
    tally = Tally()
    tool = {name: str(BIN / name) for name in ("ruff", "mypy", "lint-imports", "coverage")}
    tally.run("lint", [tool["ruff"], "check"])
    tally.run("format", [tool["ruff"], "format", "--check"])
    with tempfile.TemporaryDirectory(prefix="kevre-test-") as home:
        tally.run("types", [tool["mypy"]], {"KEVRE_HOME": home})
    tally.run("import contracts", [tool["lint-imports"], "--no-cache"])
    pytest = [tool["coverage"], "run", "-m", "pytest"]
    parallel = [*pytest, "-n", "2", "--dist", "loadgroup"]
    tally.run("tests", [*parallel, "-m", "not browser and not spark and not homeassistant"])
    if "chromium" not in missing:
        tally.run("browser", [*pytest, "-m", "browser"])
    if "postgresql" not in missing:
        with postgres.running() as url:
            more = {"KEVRE_DATABASE_URL": url}
            tally.run("registry on PostgreSQL", [*pytest, "-m", "registry"], more)
    subprocess.run([tool["coverage"], "combine", "-q"], cwd=ROOT, check=False)
    report = [tool["coverage"], "report", f"--fail-under={LEAST_COVERAGE}"]
    tally.run("coverage", report)
    return closing(tally, missing)


def install_missing(needed: Mapping[str, Callable[[], bool]]) -> list[str]:
    """Install the Debian packages that are absent, where allowed; give those still missing."""
    absent = [package for package, is_here in needed.items() if not is_here()]
    if absent and (prefix := privileged()) is not None:
        print(f"installing {', '.join(absent)} with apt-get", flush=True)
        apt = [*prefix, "apt-get", "-qq"]
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*apt, "update"], check=False, env=quiet, stdout=subprocess.DEVNULL)
        subprocess.run(
            [*apt, "install", "-y", "--no-install-recommends", *absent],
            check=False,
            env=quiet,
            stdout=subprocess.DEVNULL,
        )
        absent = [package for package, is_here in needed.items() if not is_here()]
    return absent


def privileged() -> list[str] | None:
    """Give the prefix by which packages may be installed, or None."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    asked = ["sudo", "-n", "true"]
    allowed = shutil.which("sudo") and subprocess.run(asked, check=False, capture_output=True)
    return ["sudo", "-n"] if allowed and allowed.returncode == 0 else None


def closing(tally: Tally, missing: Sequence[str]) -> int:
    """Say how it went, in a last line that machines read too."""
    if missing:
        tally.failures.append(f"missing Debian packages: {' '.join(missing)}")
        print(f"\nSome tests could not run. Install: sudo apt install {' '.join(missing)}")
    for failure in tally.failures:
        print(f"FAILED: {failure}")
    failed = tally.counts["failed"] + tally.counts["error"]
    failed += 0 if failed or not tally.failures else len(tally.failures)
    print(f"\n{tally.counts['passed']} passed, {failed} failed, {tally.counts['skipped']} skipped")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
