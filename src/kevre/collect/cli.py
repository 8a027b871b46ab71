"""The command `kevre-collect`: pair, run, simulate, check, status, retry."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kevre.collect.driver import Surroundings
from kevre.collect.equipment import Equipment, device, load
from kevre.collect.load import PROFILES
from kevre.collect.option import Options
from kevre.collect.pair import check_free, keep, pair
from kevre.collect.sampler import Pace
from kevre.collect.session import KEY_VARIABLE, Order, collect, state_folder
from kevre.collect.simulate import SimulatedLinky
from kevre.collect.spool import DEFAULT_CAPACITY, Spool
from kevre.collect.status import lines
from kevre.model.errors import KevreError, Malformed, Missing

log = logging.getLogger(__name__)

_MODES = {None: "both", 1_200: "historical", 9_600: "standard"}
_PLAIN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}


class _Line(logging.Formatter):
    """One line an event: time, level, words, then its fields as name=value."""

    @staticmethod
    def converter(at_s: float | None) -> time.struct_time:
        """Stamp in UTC."""
        return time.gmtime(at_s)

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(
            f"{name}={value}" for name, value in vars(record).items() if name not in _PLAIN_FIELDS
        )
        return f"{super().format(record)} {fields}".rstrip()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit code of the error family, 0 for success."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Line("%(asctime)sZ %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    arguments = _parser().parse_args(argv)
    try:
        done: int = arguments.act(arguments)
    except KevreError as error:
        sys.stderr.write(f"kevre-collect: {error} [{error.code}]\n")
        return error.exit_code
    return done


def _run(arguments: argparse.Namespace) -> int:
    if arguments.port is not None:
        return _collect_linky(arguments, arguments.port, _MODES[arguments.baud])
    path = arguments.config or default_config()
    if arguments.config is None and not path.exists():
        raise Malformed(
            "device.none",
            "no device was named",
            hint="pair this collector, or give --config FILE, or --port and --point",
        )
    collect(_order(arguments, lambda around: load(path, around)))
    return 0


def _pair(arguments: argparse.Namespace) -> int:
    config = arguments.config or default_config()
    check_free(config)
    way = {"plain_http": arguments.plain_http, "trust": arguments.trust}
    paired = pair(arguments.code, arguments.node, **way)
    keep(paired, config, arguments.node, **way)
    sys.stdout.write(f"paired as {paired.name}; start with: kevre-collect run\n")
    return 0


def _simulate(arguments: argparse.Namespace) -> int:
    meter = SimulatedLinky(
        arguments.seed, arguments.profile, solar_wp=arguments.solar_wp, clock=time.time
    )
    with meter as port:
        log.info("simulated meter", extra={"profile": arguments.profile, "seed": arguments.seed})
        return _collect_linky(arguments, port, _MODES[None])


def _check(arguments: argparse.Namespace) -> int:
    equipment = load(arguments.config, Surroundings(state_folder(arguments.spool), time.time))
    for one in equipment.devices:
        sys.stdout.write(f"device {one.name} ({one.kind}): as it should be written\n")
    return 0


def _order(arguments: argparse.Namespace, local: Callable[[Surroundings], Equipment]) -> Order:
    return Order(
        arguments.spool,
        arguments.capacity,
        local,
        arguments.node or "",
        arguments.key_file,
        arguments.plain_http,
        arguments.send_every,
        arguments.flush_every,
    )


def _collect_linky(arguments: argparse.Namespace, port: str, mode: str) -> int:
    if arguments.point is None:
        raise Malformed(
            "device.none", "no point was named", hint="give --point urn:dev:prm:09876543210123"
        )
    entries = {
        "name": "linky",
        "driver": "linky",
        "point": arguments.point,
        "port": port,
        "mode": mode,
    }
    pace = Pace(arguments.every, arguments.index_every)

    def local(around: Surroundings) -> Equipment:
        return Equipment((device(Options(entries, "command line"), around, pace),))

    collect(_order(arguments, local))
    return 0


def _status(arguments: argparse.Namespace) -> int:
    with _existing(arguments.spool) as spool:
        for line in lines(spool.state()):
            sys.stdout.write(line + "\n")
    return 0


def _retry(arguments: argparse.Namespace) -> int:
    with _existing(arguments.spool) as spool:
        sys.stdout.write(f"{spool.take_back()} readings queued again\n")
    return 0


def _existing(path: Path) -> Spool:
    if not path.is_file():
        raise Missing(
            "spool.missing",
            "there is no spool here: nothing was collected yet",
            hint="give the --spool that the collector was started with",
        )
    return Spool(path, mend=False)


def default_config() -> Path:
    """Give the file of a collector that was paired."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "kevre" / "collect.toml"


def _default_spool() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "kevre" / "collect.sqlite"


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 86_400:  # noqa: PLR2004
        raise argparse.ArgumentTypeError("whole seconds from 1 to 86400")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kevre-collect", description="Bring the readings of a meter to a Kevre node."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    spool = argparse.ArgumentParser(add_help=False)
    spool.add_argument("--spool", type=Path, default=_default_spool(), help="file of the queue")
    way = argparse.ArgumentParser(add_help=False, parents=[spool])
    way.add_argument("--node", help="address, such as https://kevre.example")
    way.add_argument("--key-file", type=Path, help=f"file with the key; else ${KEY_VARIABLE}")
    way.add_argument("--point", help="URN, such as urn:dev:prm:09876543210123")
    way.add_argument("--every", type=_seconds, default=5, help="seconds between powers")
    way.add_argument("--index-every", type=_seconds, default=60, help="seconds between registers")
    way.add_argument("--send-every", type=_seconds, help="seconds between calls; default 600")
    way.add_argument("--flush-every", type=_seconds, help="seconds in memory; default 60")
    way.add_argument("--capacity", type=int, default=DEFAULT_CAPACITY, help="most readings queued")
    way.add_argument("--plain-http", action="store_true", help="allow http:// beyond this machine")
    _add_commands(commands, spool, way)
    return parser


def _add_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    spool: argparse.ArgumentParser,
    way: argparse.ArgumentParser,
) -> None:
    run = commands.add_parser("run", parents=[way], help="read the devices of a file, or a Linky")
    run.add_argument("--config", type=Path, help=f"file in TOML; default {default_config()}")
    run.add_argument("--port", help="serial port of a Linky, such as /dev/ttyUSB0")
    run.add_argument("--baud", type=int, choices=(1_200, 9_600), help="default: try both")
    run.set_defaults(act=_run)
    simulate = commands.add_parser("simulate", parents=[way], help="read a simulated meter")
    simulate.add_argument("--seed", type=int, default=1, help="another seed is another site")
    simulate.add_argument("--profile", choices=sorted(PROFILES), default="household")
    simulate.add_argument("--solar-wp", type=int, default=0, help="peak power of panels, in watts")
    simulate.set_defaults(act=_simulate)
    check = commands.add_parser("check", parents=[spool], help="read a file of devices, no more")
    check.add_argument("--config", type=Path, required=True, help="file of the devices, in TOML")
    check.set_defaults(act=_check)
    pairing = commands.add_parser("pair", help="turn a code of the node into this machine's key")
    pairing.add_argument("code", help="as the node's operator gave it, such as ABCD-EFGH")
    pairing.add_argument("--node", required=True, help="address, such as https://kevre.example")
    pairing.add_argument("--config", type=Path, help=f"file to write; default {default_config()}")
    pairing.add_argument("--plain-http", action="store_true", help="allow http:// beyond here")
    pairing.add_argument("--trust", help="file of the certificate of a node that made its own")
    pairing.set_defaults(act=_pair)
    status = commands.add_parser("status", parents=[spool], help="say how the collector stands")
    status.set_defaults(act=_status)
    retry = commands.add_parser("retry", parents=[spool], help="queue again what was refused")
    retry.set_defaults(act=_retry)
