"""`kevre import FILE…`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from kevre.connect.recognise import Hints
from kevre.model.errors import Malformed
from kevre.node import start


def import_files(
    files: Annotated[list[Path], typer.Argument(help="Files to read; gzip and zip are opened.")],
    *,
    site: Annotated[str, typer.Option(help="Slug of the site where new points stand.")] = "",
    prm: Annotated[str, typer.Option(help="The metering point, where the file has none.")] = "",
    series: Annotated[str, typer.Option(help="URN of the point or series.")] = "",
    zone: Annotated[str, typer.Option(help="Zone of times without an offset.")] = "",
    unit: Annotated[str, typer.Option(help="Unit, where the file does not say it.")] = "",
    direction: Annotated[str, typer.Option(help="`consumption` or `production`.")] = "",
    stamp: Annotated[str, typer.Option(help="Whether times are the `start` or the `end`.")] = "",
) -> None:
    """Import readings from files; importing the same file again changes nothing.

    What cannot be kept is quarantined with its line and reason: see `kevre quarantine`.
    """
    hints = hints_of(prm, series, zone, unit=unit, stamp=stamp, direction=direction)
    config = start.ready()
    hints = replace(hints, keys=config.stream_keys)
    from kevre.node import install, intake, wire

    install.check(config)
    with wire.opened(config) as way:
        code = intake.import_files(way, files, hints, intake.find_site(site))
    if code:
        raise typer.Exit(code)


def hints_of(
    prm: str, series: str, zone: str, *, unit: str = "", stamp: str = "", direction: str = ""
) -> Hints:
    """Give what a person says of files, of the texts of options; an empty one says nothing.

    Raises:
        Malformed: one makes no sense.
    """
    return Hints(
        prm=prm or None,
        series=series or None,
        zone=_zone(zone),
        unit=unit or None,
        stamp=_stamp(stamp),
        direction=_direction(direction),
    )


def _zone(name: str) -> ZoneInfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Malformed(
            "hint.zone", f"{name!r} is not a zone", where="--zone", hint="such as Europe/Paris"
        ) from error


def _stamp(text: str) -> Literal["start", "end"] | None:
    if text in {"start", "end"}:
        return cast("Literal['start', 'end']", text)
    if text:
        raise Malformed("hint.stamp", f"{text!r} is neither start nor end", where="--stamp")
    return None


def _direction(text: str) -> Literal["consumption", "production"] | None:
    if text in {"consumption", "production"}:
        return cast("Literal['consumption', 'production']", text)
    if text:
        raise Malformed(
            "hint.direction", f"{text!r} is no direction", where="--direction", hint="say which way"
        )
    return None
