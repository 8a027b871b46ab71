import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "kevre"
MODULES = sorted(p for p in SOURCE.rglob("*.py") if "migrations" not in p.parts)
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
]
LONGEST_FILE, LONGEST_FUNCTION = 400, 50


def tree(path):
    return ast.parse(path.read_text("utf-8"))


def named(path):
    return str(path.relative_to(ROOT))


def calls(path, names):
    """Every call of one of these names, with its first argument where that is a text."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in names:
                first = node.args[0] if node.args else None
                yield called, first.value if isinstance(first, ast.Constant) else None


def test_rooms_keep_to_their_contracts():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-2_000:]


def test_only_the_gate_of_rights_makes_a_permit():
    makers = {named(path) for path in MODULES if any(calls(path, {"Permit"}))}

    assert makers == {"src/kevre/rights/gate.py"}


def test_only_the_commands_of_the_operator_take_the_operators_way_out():
    makers = {named(path) for path in MODULES if any(calls(path, {"permit_export"}))}
    takers = {named(path) for path in MODULES if any(calls(path, {"passage"}))}

    assert makers == {"src/kevre/flow/read.py"}
    assert takers == {"src/kevre/flow/export.py", "src/kevre/flow/trace.py"}
    # Nothing that answers over a network traces: the control socket is its owner's alone.
    tracers = {
        named(path)
        for path in MODULES
        if re.search(
            r"^ *from kevre\.(flow|node) import .*\btrace\b", path.read_text(), re.MULTILINE
        )
    }
    assert tracers <= {
        "src/kevre/node/cli/trace.py",
        "src/kevre/node/serve.py",
        "src/kevre/node/trace.py",
    }


@pytest.mark.parametrize(
    "room",
    sorted(p for p in SOURCE.iterdir() if (p / "__init__.py").exists()),
    ids=lambda p: p.name,
)
def test_a_room_says_what_lives_there_and_nothing_else(room):
    body = tree(room / "__init__.py").body

    assert isinstance(body[0], ast.Expr)
    assert all(
        isinstance(node, ast.Expr | ast.Import | ast.ImportFrom | ast.Assign) for node in body
    )


def test_no_file_is_too_long_to_hold_one_idea():
    long = {named(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}

    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_too_long_to_read_at_once():
    long = {
        f"{named(path)}:{node.name}": node.end_lineno - node.lineno
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: lines for name, lines in long.items() if lines > LONGEST_FUNCTION} == {}


def codes_in_source():
    families = {"_fault", "Malformed", "Refused", "Missing", "Conflict", "Unavailable", "Fault"}
    return {
        code
        for path in MODULES
        for _, code in calls(path, families)
        if isinstance(code, str) and "." in code
    }


def codes_in_docs():
    table = (ROOT / "docs" / "errors.md").read_text("utf-8")
    return set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)`", table, re.MULTILINE))


def test_every_error_code_is_documented_and_no_other():
    assert codes_in_docs() == codes_in_source()


def test_the_map_of_the_way_names_every_step_and_no_other():
    page = (ROOT / "docs" / "way-of-a-reading.md").read_text("utf-8")
    frame = {"__init__", "apps", "models", "admin"}
    steps = {path.stem for path in (SOURCE / "flow").glob("*.py")} - frame

    assert set(re.findall(r"`flow/([a-z_]+)\.py`", page)) == steps


def test_every_dependency_is_justified():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    asked = [
        *project["project"]["dependencies"],
        *(one for extra in extras for one in extra),
        *project["dependency-groups"]["dev"],
    ]
    page = (ROOT / "docs" / "decisions" / "dependencies.md").read_text("utf-8").lower()
    names = {re.split(r"[\[<>=]", one)[0].lower() for one in asked}

    assert {name for name in names if f"`{name}`" not in page} == set()


@pytest.mark.parametrize(
    ("name", "least"), [("node", 20), ("dev", 20), ("spark", 5), ("homeassistant", 20)]
)
def test_pins_have_hashes_and_name_no_host(name, least):
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    pinned = re.findall(r"^[a-z0-9_-]+==", text, re.MULTILINE)

    assert len(re.findall(r"==[^\\]*\\\n\s+--hash=sha256:", text)) == len(pinned) > least
    assert "://" not in text
    assert "index-url" not in text


FORBIDDEN = {
    "host of a package registry": re.compile(r"(?:pypi|files\.pythonhosted|registry\.npmjs)\.org"),
    "path of one machine": re.compile(r"(?:^|[^A-Za-z0-9_.~-])/(?:work|farm|root)/"),
    "work left over": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|HA" + r"CK)\b"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_repository_holds_nothing_that_does_not_belong(what):
    found = set()
    for path in TRACKED:
        if path == Path(__file__) or not path.is_file() or path.suffix in {".png", ".mo"}:
            continue
        if FORBIDDEN[what].search(path.read_text("utf-8", "replace")):
            found.add(named(path))

    assert found == set()


def test_large_files_stay_out():
    assert {
        named(path) for path in TRACKED if path.is_file() and path.stat().st_size > 512_000
    } == set()
