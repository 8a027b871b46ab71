"""The command `kevre-collect`: run, simulate, check, status, retry."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from kevre.collect.agent import STATES_NOTE, Agent
from kevre.collect.condition import decode_states, device_lines, instant_text
from kevre.collect.delivery import Delivery
from kevre.collect.driver import Surroundings
from kevre.collect.equipment import Device, Equipment, device, load
from kevre.collect.load import PROFILES
from kevre.collect.option import Options
from kevre.collect.sampler import Pace
from kevre.collect.simulate import SimulatedLinky
from kevre.collect.spool import DEFAULT_CAPACITY, Spool, State
from kevre.collect.uplink import Uplink
from kevre.formats.senml_cbor import encode_cbor
from kevre.model.errors import KevreError, Malformed, Missing

log = logging.getLogger(__name__)

KEY_VARIABLE = "KEVRE_KEY"
_MODES = {None: "both", 1_200: "historical", 9_600: "standard"}
_OTHERS = 0o077
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
    if arguments.config is not None:
        around = Surroundings(_state_folder(arguments.spool), time.time)
        equipment = load(arguments.config, around)
        return _collect(_said(arguments, equipment), equipment.devices, around)
    if arguments.port is None:
        raise Malformed(
            "device.none", "no device was named", hint="give --config FILE, or --port and --point"
        )
    return _collect_linky(arguments, arguments.port, _MODES[arguments.baud])


def _simulate(arguments: argparse.Namespace) -> int:
    meter = SimulatedLinky(
        arguments.seed, arguments.profile, solar_wp=arguments.solar_wp, clock=time.time
    )
    with meter as port:
        log.info("simulated meter", extra={"profile": arguments.profile, "seed": arguments.seed})
        return _collect_linky(arguments, port, _MODES[None])


def _check(arguments: argparse.Namespace) -> int:
    equipment = load(arguments.config, Surroundings(_state_folder(arguments.spool), time.time))
    for one in equipment.devices:
        sys.stdout.write(f"device {one.name} ({one.kind}): as it should be written\n")
    return 0


def _said(arguments: argparse.Namespace, equipment: Equipment) -> argparse.Namespace:
    """Complete what the command line says by what the file says."""
    arguments.node = arguments.node or equipment.node
    arguments.key_file = arguments.key_file or equipment.key_file
    arguments.plain_http = arguments.plain_http or equipment.plain_http
    return arguments


def _collect_linky(arguments: argparse.Namespace, port: str, mode: str) -> int:
    if arguments.point is None:
        raise Malformed(
            "device.none", "no point was named", hint="give --point urn:dev:prm:09876543210123"
        )
    around = Surroundings(_state_folder(arguments.spool), time.time)
    entries = {
        "name": "linky",
        "driver": "linky",
        "point": arguments.point,
        "port": port,
        "mode": mode,
    }
    pace = Pace(arguments.every, arguments.index_every)
    linky = device(Options(entries, "command line"), around, pace)
    return _collect(arguments, (linky,), around)


def _collect(arguments: argparse.Namespace, devices: Sequence[Device], around: Surroundings) -> int:
    if not arguments.node:
        raise Malformed(
            "uplink.address",
            "no node was named",
            hint="give --node https://kevre.example, or node in the file",
        )
    key = read_key(arguments.key_file)
    uplink = Uplink(arguments.node, key, encode=encode_cbor, plain_http=arguments.plain_http)
    with Spool(arguments.spool, capacity=arguments.capacity) as spool:
        delivery = Delivery(spool, uplink, clock=time.time)
        agent = Agent(devices, around.board, spool, delivery, clock=time.time)
        log.info("collecting", extra={"devices": len(devices)})
        _run_until_told(agent)
    log.info("stopped")
    return 0


def _state_folder(spool: Path) -> Path:
    return spool.with_suffix(".state")


def _run_until_told(agent: Agent) -> None:
    """Run the agent in a thread until SIGTERM or Ctrl-C.

    This thread only waits: a handler that set an event which it was itself about to set
    would wait for ever. It waits for an event, for Python 3.11 takes a thread whose `join`
    was interrupted for ended.
    """
    done = threading.Event()

    def work() -> None:
        try:
            agent.run()
        finally:
            done.set()

    worker = threading.Thread(target=work, name="agent")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    worker.start()
    try:
        done.wait()
    except KeyboardInterrupt:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        agent.stop()
    worker.join()


def _status(arguments: argparse.Namespace) -> int:
    with _existing(arguments.spool) as spool:
        for line in status_lines(spool.state()):
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
    return Spool(path)


def read_key(path: Path | None) -> str:
    """Give the key from its file, or from the environment; never from the command line.

    Raises:
        Missing: there is none.
    """
    if path is None:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key:
            raise Missing(
                "key.missing",
                "no key was given",
                hint=f"use --key-file, or put the key into {KEY_VARIABLE}",
            )
        return key
    try:
        if path.stat().st_mode & _OTHERS:
            log.warning("the key file can be read by others: chmod 600 would close it")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Missing(
            "key.missing", "the key file cannot be read", where=path.name, hint="check its path"
        ) from error


def status_lines(state: State) -> list[str]:
    """Say for a person how the collector stands."""
    count = state.tallies.get
    sent = count("sent", 0)
    lines = [
        f"waiting to be sent:    {state.waiting}",
        f"kept by the node:      {sent}",
        f"set aside (refused):   {state.set_aside}",
        f"quarantined by node:   {count('quarantined', 0)}",
        f"dropped, spool full:   {count('dropped', 0)}",
        f"replaced, same second: {count('replaced', 0)}",
        f"frames from the meter: {count('frames', 0)}",
        f"checksum errors:       {count('checksum_errors', 0)}",
    ]
    if sent:
        lines.append(f"bytes a reading:       {count('bytes', 0) / sent:.1f}")
    notes = dict(state.notes)
    devices, told_s = notes.pop(STATES_NOTE, ("[]", 0))
    if told_s:
        lines.append(f"devices, as of {instant_text(told_s)}:")
        lines.extend(device_lines(decode_states(devices)))
    for name, (text, at_s) in sorted(notes.items()):
        lines.append(f"last {name}: {instant_text(at_s)} {text}".rstrip())
    return lines


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
    run.add_argument("--config", type=Path, help="file of the devices, in TOML")
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
    status = commands.add_parser("status", parents=[spool], help="say how the collector stands")
    status.set_defaults(act=_status)
    retry = commands.add_parser("retry", parents=[spool], help="queue again what was refused")
    retry.set_defaults(act=_retry)
