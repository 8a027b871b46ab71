"""The queries of docs/developers/spark.md, as they stand there; standard library only."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "developers" / "spark.md"
_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^```(python|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUESTIONS = ("half_hours", "months", "peak_day")


def blocks(section):
    """Give (language, text) of each fenced block of a section, in order."""
    return _FENCED.findall(dict(_SECTION.findall(PAGE.read_text("utf-8")))[section])


def queries(section):
    """Give the SQL of a section by the name in its first line, in order."""
    named = {}
    for language, text in blocks(section):
        if language == "sql":
            name, _, query = text.partition("\n")
            named[name.removeprefix("-- ")] = query
    return named
