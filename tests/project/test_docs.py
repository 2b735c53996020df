"""What README.md and CONTRIBUTING.md say is held against the code."""

import json
import re
import shlex
from pathlib import Path
from typing import Final

import pytest

from harness.commands.bench import bench
from harness.commands.run import named_pair
from harness.config import matrix, option_parser
from harness.config.matrix import Matrix
from harness.config.names import TRAITS
from harness.contract import catalog
from harness.contract.case import Outcome
from harness.contract.catalog import Catalog
from harness.contract.checkpoint import is_path
from harness.contract.routes import ROUTES
from harness.report import marks
from harness.report.formats.files import FILES
from harness.results.verdict import Verdict
from tests.places import ROOT

README: Final = (ROOT / "README.md").read_text()
DOCUMENTS: Final = {"README": README, "CONTRIBUTING": (ROOT / "CONTRIBUTING.md").read_text()}
SESSIONS: Final = frozenset(
    re.findall(r"^@nox\.session.*\n(?:@.*\n)*def (\w+)", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
)

COMMAND: Final = re.compile(r"^nox .*$|(?<=`)nox [^`\n]+(?=`)", re.MULTILINE)
SOURCE: Final = re.compile(r"(?<![\w/.<>-])(?:harness|tests|\.ci)/[\w./-]*\w")
NAMED: Final = re.compile(r"(?<![\w/.<>-])[\w.-]+\.(?:md|py|toml|yaml)\b(?=[`,)\s])")
LINK: Final = re.compile(r"\]\((?!https:)([^)#]+)\)")


def commands() -> list[str]:
    return sorted({found.partition(" #")[0].strip() for text in DOCUMENTS.values() for found in COMMAND.findall(text)})


def section(title: str) -> str:
    """The text below a heading of the README."""
    return re.split(r"^#+ ", README.partition(f" {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def first_column(title: str) -> list[str]:
    """The first column of a section's only table, as plain text."""
    rows = [line.split("|")[1].strip(" `") for line in section(title).splitlines() if line.startswith("|")]
    return rows[2:]


@pytest.fixture(scope="module")
def shipped() -> Matrix:
    return matrix.load(ROOT / "matrix.yaml")


@pytest.fixture(scope="module")
def packaged() -> list[Catalog]:
    return [catalog.loads(path.read_text()) for path in sorted(catalog.PACKAGED.glob("*.ndjson"))]


@pytest.mark.parametrize("command", commands())
def test_a_command_shown_is_one_that_there_is(
    command: str, shipped: Matrix, packaged: list[Catalog], tmp_path: Path
) -> None:
    words = shlex.split(command)
    session, options = words[words.index("-s") + 1], words[words.index("--") + 1 :] if "--" in words else []
    assert session in SESSIONS
    if session in {"tests", "faults", "lint"}:
        assert set(options) <= {"--fast", "--all-faults"}
    elif session == "worker":
        assert [option_parser._address(word) for word in options] == options
    elif session == "bench":
        assert set(bench.named(options)) <= set(bench.MEASURES)
    elif session == "cause":
        pins = [word for word in options if "==" in word]
        assert named_pair(pins, shipped, "pair")
        assert all((ROOT / word).is_file() for word in options if word not in pins)
    elif options != ["--help"]:
        given = option_parser.typed_in(tmp_path, option_parser.parse(options, session=session))
        if given.own and is_path(given.own):  # somebody's own, and not ours to keep
            (tmp_path / given.own).mkdir(parents=True)
            (tmp_path / given.own / "config.json").write_text("{}")
            (tmp_path / given.own / "model.safetensors").touch()
        named = named_pair(given.requirements, shipped, session)
        assert named or session not in {"pair", "catalog"}
        option_parser.check(given, shipped, packaged)


def test_there_are_commands_to_check() -> None:
    assert {"nox -s matrix", "nox -s matrix -- --quick", "nox -s tests", "nox -s lint"} <= set(commands())


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_path_named_exists(text: str) -> None:
    named = {*SOURCE.findall(text), *LINK.findall(text)}
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    files = {path.name for folder in ("harness", "tests") for path in (ROOT / folder).rglob("*.py")}
    assert [name for name in sorted(set(NAMED.findall(text)) - files - set(FILES)) if not (ROOT / name).exists()] == []


def test_every_option_has_its_row_and_no_other_has() -> None:
    shown = {row.partition(" ")[0] for row in first_column("Run a part")}
    parser = option_parser._parser("matrix")
    assert shown == {name for action in parser._actions for name in action.option_strings} - {"-h", "--help"}


def test_the_routes_the_outcomes_and_the_verdicts_are_those_of_the_code(shipped: Matrix) -> None:
    assert first_column("Routes") == list(ROUTES) == list(shipped.routes)
    assert sorted(first_column("Outcomes")) == sorted(frozenset(Outcome))
    assert sorted(first_column("Verdicts")) == sorted(Verdict)


def test_the_shapes_are_those_of_the_summary_worst_first() -> None:
    rows = [line.split("|")[1:3] for line in section("How to read the result").splitlines() if line.startswith("|")]
    assert [(shape.strip(), word.strip()) for shape, word in rows[2:]] == [
        (mark.shape, mark.word) for mark in marks.MARKS
    ]


def test_the_files_of_a_report_are_those_that_are_written() -> None:
    assert first_column("Reports") == list(FILES)


def test_the_exit_codes_are_those_of_the_code() -> None:
    assert first_column("Exit codes") == ["0", "1", "2", "3", "4"]


def test_every_trait_is_named() -> None:
    [line] = [line for line in section("Edit matrix.yaml").splitlines() if "The traits: " in line]
    traits = line.partition("The traits: ")[2].partition(".")[0]
    assert sorted(re.findall(r"`(\w+)`", traits)) == sorted(TRAITS)


@pytest.mark.parametrize("kind", ["run", "case", "end"])
def test_every_field_of_a_record_is_named(kind: str) -> None:
    schema = json.loads((ROOT / "harness" / "schemas" / "record.json").read_text())
    [line] = [line for line in section("Records").splitlines() if line.startswith("- ") and f"of kind `{kind}`" in line]
    assert {*re.findall(r"`(\w+)`", line), "kind", kind} == {*schema["$defs"][kind]["properties"], kind}
