"""The entries of one table of a configuration file, read one by one and named when wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from kevre.model.errors import Malformed

_MOST = 2**31


class Options:
    """Entries of a table; each is taken by its name and type, and what is left is refused.

    Args:
        entries: as TOML gives them, decimals as Decimal.
        where: what a person calls the table, for the errors.
        folder: where the file stands that holds the table.
    """

    def __init__(
        self, entries: Mapping[str, object], where: str, folder: Path | None = None
    ) -> None:
        self._entries = dict(entries)
        self._asked: set[str] = set()
        self.where = where
        self._folder = folder or Path()

    def text(self, name: str, default: str | None = None) -> str:
        """Give a text that is not empty; without `default` it must be there."""
        found = self._take(name, default)
        if isinstance(found, str) and (found.strip() or found == default):
            return found.strip()
        raise self._wrong(name, "a text")

    def choice(self, name: str, known: Mapping[str, object], default: str | None = None) -> str:
        """Give one of the known words."""
        found = self.text(name, default)
        if found not in known:
            raise self._wrong(name, "one of " + ", ".join(known))
        return found

    def whole(self, name: str, default: int | None = None, *, least: int = 0) -> int:
        """Give a whole number from `least` on."""
        found = self._take(name, default)
        if isinstance(found, int) and not isinstance(found, bool) and least <= found < _MOST:
            return found
        raise self._wrong(name, f"a whole number from {least}")

    def number(self, name: str, default: str | None = None) -> Decimal:
        """Give an exact decimal other than zero."""
        found = self._take(name, None if default is None else Decimal(default))
        if isinstance(found, int) and not isinstance(found, bool):
            found = Decimal(found)
        if isinstance(found, Decimal) and found.is_finite() and found:
            return found
        raise self._wrong(name, "a number other than zero")

    def secret(self, name: str) -> Path | None:
        """Give the path of a file that holds a secret; None where it is not there.

        It stands beside the file that names it, or below: whoever may only write that file,
        such as a node, could else have any file of this machine sent to him.
        """
        found = self.text(name, "")
        if not found:
            return None
        folder = self._folder.resolve()
        path = (folder / found).resolve()
        if not path.is_relative_to(folder):
            raise self._wrong(name, "a file in the folder of this configuration")
        return path

    def flag(self, name: str) -> bool:
        """Give true or false; false where it is not there."""
        found = self._take(name, default=False)
        if isinstance(found, bool):
            return found
        raise self._wrong(name, "true or false")

    def texts(self, name: str) -> tuple[str, ...]:
        """Give a list of texts, empty where it is not there."""
        found = self._take(name, [])
        if isinstance(found, list) and all(isinstance(text, str) and text for text in found):
            return tuple(found)
        raise self._wrong(name, "a list of texts")

    def pairs(self, name: str) -> tuple[tuple[float, float], ...]:
        """Give a list of pairs of numbers, such as [[0, 1036.5], [80, 985]]."""
        found = self._take(name, None)
        if isinstance(found, list) and all(_is_pair(one) for one in found):
            return tuple((float(left), float(right)) for left, right in found)
        raise self._wrong(name, "a list of pairs of numbers")

    def tables(self, name: str, *, least: int = 0) -> Iterator[Options]:
        """Give the tables of a list, each to be read in its turn."""
        found = self._take(name, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._wrong(name, f"tables [[{name}]]")
        if len(found) < least:
            raise self._wrong(name, f"at least {least} [[device.{name}]]")
        for number, entries in enumerate(found, 1):
            yield Options(entries, f"{self.where}, {name} {number}", self._folder)

    def has(self, name: str) -> bool:
        """Say whether an entry is there."""
        self._asked.add(name)
        return name in self._entries

    def done(self) -> None:
        """Refuse the entries that nobody asked for: they are slips of the pen.

        Raises:
            Malformed: there are such entries.
        """
        rest = sorted(set(self._entries) - self._asked)
        if rest:
            known = ", ".join(sorted(self._asked))
            raise Malformed(
                "device.entry",
                f"entry {rest[0][:30]!r} is not known",
                where=self.where,
                hint=f"known here: {known}",
            )

    def wrong(self, name: str, wanted: str) -> Malformed:
        """Make the error of an entry whose meaning is wrong."""
        return self._wrong(name, wanted)

    def _take(self, name: str, default: object) -> object:
        self._asked.add(name)
        found = self._entries.get(name, default)
        if found is None:
            raise Malformed(
                "device.entry", f"entry {name!r} is missing", where=self.where, hint=f"add {name}"
            )
        return found

    def _wrong(self, name: str, wanted: str) -> Malformed:
        return Malformed(
            "device.entry", f"entry {name!r} is not {wanted}", where=self.where, hint="mend it"
        )


def _is_pair(one: object) -> bool:
    return (
        isinstance(one, list)
        and len(one) == len(("left", "right"))
        and all(isinstance(number, int | Decimal) for number in one)
    )
