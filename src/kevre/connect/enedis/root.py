"""Tells the XML files of Enedis apart by their root; what reads them is loaded when one comes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kevre.connect.gathering import Gathering, Hints
from kevre.connect.source import Source
from kevre.model.batch import Batch

_STREAM = re.compile(rb"<(?:[\w.-]+:)?(R50|R151|R171|R15|C15|Courbe)[\s>]", re.ASCII)
_ANSWER = re.compile(
    rb"<(?:[\w.-]+:)?(consulterMesures(?:Detaillees)?Response(?:V3)?)[\s>]", re.ASCII
)


_CONTRACT = re.compile(rb"<(C15|F15_Detail_Facturation)[\s>]", re.ASCII)


def contract_root(head: bytes) -> str | None:
    """Give the root of a file of points and periods, which `contract.py` reads; else None."""
    return _root(_CONTRACT, head)


def _root(pattern: re.Pattern[bytes], head: bytes) -> str | None:
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return None
    found = pattern.search(head)
    return found[1].decode() if found else None


def is_stream(head: bytes) -> bool:
    """Say whether a file begins like a stream file."""
    return _root(_STREAM, head) is not None


def is_answer(head: bytes) -> bool:
    """Say whether a file begins like an answer of a web service."""
    return _root(_ANSWER, head) is not None


def parse_stream(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read a stream file: see `stream.parse`."""
    from kevre.connect.enedis import stream

    return stream.parse(source, gathering, hints, root=_root(_STREAM, source.head()) or "")


def parse_answer(source: Source, gathering: Gathering, hints: Hints) -> Iterator[Batch]:
    """Read an answer of a web service: see `webservice.parse`."""
    from kevre.connect.enedis import webservice

    return webservice.parse(source, gathering, hints)
