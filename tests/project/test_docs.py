"""README.md, CONTRIBUTING.md and the pages of harness/docs are compared with the code."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from harness.cell.guards import machine
from harness.command_line import parser as command_parser
from harness.commands import atlas, run_arguments
from harness.commands.bench import bench
from harness.commands.cause import CauseCommand
from harness.commands.clean import CleanCommand
from harness.commands.compare import CompareCommand
from harness.commands.run import named_pair
from harness.config import matrix, option_parser
from harness.config.errors import ExitCode
from harness.config.matrix import Matrix
from harness.config.names import LANES, TRAITS
from harness.contract.case import Outcome
from harness.contract.catalog import Catalog
from harness.contract.checkpoint import is_path
from harness.environments import catalog_history
from harness.planning import option_checks
from harness.report import marks
from harness.report.formats.files import FILES
from harness.results.judging import Verdict
from tests.arguments import parse
from tests.places import ROOT

DOCS: Final = ROOT / "harness" / "docs"
README: Final = ROOT / "README.md"
PATHS: Final = {path.stem: path for path in (README, ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")))}
PAGES: Final = {name: path.read_text() for name, path in PATHS.items()}
MOST_BYTES: Final = 9_000  # of README.md
SESSIONS: Final = frozenset(
    re.findall(r"^@nox\.session.*\n(?:@.*\n)*def (\w+)", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
)

INSTALLED: Final = re.compile(r"^(?:\$ )?layerscale-matrix (\w+ .*)$", re.MULTILINE)
COMMAND: Final = re.compile(r"^(?:\$ )?(nox .*)$|(?<=`)(nox [^`\n]+)(?=`)", re.MULTILINE)
# In the package `config/pair.py` is short for harness/config/pair.py; elsewhere a path is written as it is.
SOURCE: Final = re.compile(r"(?<![\w/.<>-])(?:harness|tests|\.ci|\.github)/[\w./-]*\w")
SHORT: Final = re.compile(r"(?<=`)(?:[a-z]\w+/)+\w+(?:\.py)?(?=`)")
NAMED: Final = re.compile(r"(?<![\w/.<>-])[\w.-]+\.(?:md|py|toml|yaml)\b(?=[`,):;\s])")
LINK: Final = re.compile(r"\]\((?!https:)([^)#]*)(?:#([^)]*))?\)")
FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)


def commands() -> list[str]:
    shown = (typed or inline for text in PAGES.values() for typed, inline in COMMAND.findall(text))
    return sorted({command.partition(" #")[0].strip() for command in shown})


def section(page: str, title: str) -> str:
    """The text below a heading of a page."""
    return re.split(r"^#+ ", PAGES[page].partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(page: str, title: str) -> list[list[str]]:
    """A section's only table, as plain text."""
    lines = [line for line in section(page, title).splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in lines[2:]]


def rows_of_all(page: str, title: str) -> list[list[str]]:
    """The rows of all tables of a section."""
    lines = [line for line in section(page, title).splitlines() if line.startswith("|")]
    return [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in lines]


def first_column(page: str, title: str) -> list[str]:
    return [row[0] for row in rows(page, title)]


def anchors(text: str) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    headings = HEADING.findall(FENCE.sub("", text))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def shipped() -> Matrix:
    return matrix.load(ROOT / "matrix.yaml")


@pytest.fixture(scope="module")
def packaged() -> list[Catalog]:
    return [known for timm in catalog_history.releases() if (known := catalog_history.read(timm))]


@pytest.mark.parametrize("command", commands())
def test_a_command_shown_is_one_that_there_is(
    command: str, shipped: Matrix, packaged: list[Catalog], tmp_path: Path
) -> None:
    words = shlex.split(command)
    session, options = words[words.index("-s") + 1], words[words.index("--") + 1 :] if "--" in words else []
    assert session in SESSIONS
    if session in {"tests", "faults", "lint"}:
        assert set(options) <= {"--fast", "--all-faults"} or options[0] in {"--interference", "--fuzz"}
    elif session == "worker":
        assert [run_arguments._address(word) for word in options] == options
    elif session == "clean":
        CleanCommand.of(options)
    elif session == "bench":
        assert set(bench.named(options)) <= set(bench.MEASURES)
    elif session == "atlas":
        atlas._parser().read(options)
    elif session == "compare":
        (tmp_path / options[options.index("--head") + 1]).resolve().mkdir(parents=True, exist_ok=True)
        assert CompareCommand.of(options, tmp_path).options
    elif session == "cause":
        assert all((ROOT / script).is_file() for script in CauseCommand.of(options).scripts)
    elif options not in ([], ["--help"], ["--own", "TARGET"]):
        given = option_parser.typed_in(tmp_path, parse(options, session))
        if given.own and is_path(given.own):  # a user's, and not ours to keep
            (tmp_path / given.own).mkdir(parents=True)
            (tmp_path / given.own / "config.json").write_text("{}")
            (tmp_path / given.own / "model.safetensors").touch()
        named = named_pair(given.requirements, shipped, session)
        assert named or session not in {"pair", "catalog"}
        option_checks.check(given, shipped, packaged)


@pytest.mark.parametrize("command", INSTALLED.findall("\n".join(PAGES.values())))
def test_a_command_of_the_package_is_one_that_there_is(command: str) -> None:
    assert command_parser().parse_args(shlex.split(command.partition(" > ")[0])).command


def test_there_are_commands_to_check() -> None:
    assert {"nox -s matrix", "nox -s matrix -- --quick", "nox -s tests", "nox -s lint"} <= set(commands())


def test_the_readme_is_short() -> None:
    assert len(README.read_bytes()) < MOST_BYTES


@pytest.mark.parametrize("page", PAGES)
def test_every_path_named_exists(page: str) -> None:
    text = PAGES[page]
    assert [path for path in sorted(set(SOURCE.findall(text))) if not (ROOT / path).exists()] == []
    short = set(SHORT.findall(text)) - set(SOURCE.findall(text)) if PATHS[page].parent == DOCS else set()
    below_package = [path for path in sorted(short) if (ROOT / "harness" / path.partition("/")[0]).is_dir()]
    assert [path for path in below_package if not (ROOT / "harness" / path).exists()] == []
    files = {path.name for folder in ("harness", "tests") for path in (ROOT / folder).rglob("*.py")} | set(FILES)
    files |= {path.name for path in PATHS.values()} | {"pylock.toml"}  # that of a user's own project
    assert [name for name in sorted(set(NAMED.findall(text)) - files) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_page_and_a_heading_that_exist(page: str) -> None:
    path = PATHS[page]
    for target, anchor in LINK.findall(PAGES[page]):
        linked = (path.parent / target).resolve() if target else path
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text()), f"{target}#{anchor}"


@pytest.mark.parametrize("page", sorted(path.stem for path in DOCS.glob("*.md")))
def test_a_page_of_the_package_links_to_its_pages_alone(page: str) -> None:
    assert {target for target, _ in LINK.findall(PAGES[page])} - {""} <= {path.name for path in DOCS.iterdir()}


def test_the_readme_and_the_index_lead_to_every_page() -> None:
    pages = {path.name for path in DOCS.glob("*.md")} - {"index.md"}
    assert {target for target, _ in LINK.findall(PAGES["index"])} == pages
    assert {f"harness/docs/{name}" for name in pages} <= {target for target, _ in LINK.findall(PAGES["README"])}


def test_every_option_has_its_row_and_no_other_has() -> None:
    shown = {row.partition(" ")[0] for row in first_column("running", "Run a part")}
    parser = run_arguments.SESSIONS["matrix"].parser()
    assert shown == {name for action in parser._actions for name in action.option_strings} - {"-h", "--help"}


def test_the_outcomes_and_the_verdicts_are_those_of_the_code() -> None:
    assert sorted(first_column("results", "Outcomes")) == sorted(Outcome)
    assert sorted(first_column("results", "Verdicts")) == sorted(Verdict)


def test_the_shapes_are_those_of_the_summary_worst_first() -> None:
    shown = [(shape, word) for word, _, shape in rows("results", "Shapes")]
    assert shown == [(mark.shape, mark.word) for mark in marks.MARKS]


def test_the_readme_has_every_shape_with_its_word() -> None:
    text = section("README", "How to read it")
    assert [mark.word for mark in marks.MARKS if f"{mark.shape} {mark.word}" not in text] == []


def test_the_files_of_a_report_are_those_that_are_written() -> None:
    assert first_column("results", "Report files") == list(FILES)


def test_the_exit_codes_are_those_of_the_code() -> None:
    assert first_column("results", "Exit codes") == [str(int(code)) for code in ExitCode]
    told = re.findall(r"(?:Exit code|;) (\d):", section("README", "How to read it"))
    assert [int(code) for code in told] == list(ExitCode)


def test_every_trait_is_named() -> None:
    assert sorted(first_column("matrix-yaml", "Traits")) == sorted(TRAITS)


def test_every_lane_has_its_row() -> None:
    assert first_column("matrix-yaml", "Lanes") == list(LANES)


def test_every_key_of_the_matrix_and_of_its_limits_is_named() -> None:
    keys = {field.alias or name for name, field in Matrix.model_fields.items()} | set(matrix.Limits.model_fields)
    assert [key for key in sorted(keys) if f"`{key}`" not in PAGES["matrix-yaml"]] == []


@pytest.mark.parametrize("kind", ["run", "case", "end"])
def test_every_field_of_a_record_is_named(kind: str) -> None:
    schema = json.loads((ROOT / "harness" / "schemas" / "record.json").read_text())
    [line] = [line for line in section("records", "Lines").splitlines() if f"of kind `{kind}`" in line]
    line = line.partition("; then ")[0]
    assert {*re.findall(r"`(\w+)`", line), "kind", kind} == {*schema["$defs"][kind]["properties"], kind}


def test_the_oldest_pair_named_is_that_of_the_matrix(shipped: Matrix) -> None:
    oldest = shipped.pairs[0]
    assert f"oldest pair that is tried is transformers {oldest.transformers} with timm {oldest.timm}" in PAGES["limits"]


def fenced(page: str, title: str) -> list[str]:
    """The code blocks of a section."""
    return [block.partition("\n")[2].rpartition("\n")[0] for block in FENCE.findall(section(page, title))]


def test_the_layers_shown_are_those_that_lint_checks() -> None:
    contracts: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    checked = ["\n".join(contract["layers"]) for contract in contracts if contract["type"] == "layers"]
    assert fenced("architecture", "The layers") == checked


def flow() -> Iterator[tuple[str, str]]:
    """By line of the picture of the flow the package it stands in, and the line."""
    package = ""
    for line in fenced("architecture", "The flow")[0].splitlines():
        if named := re.match(r"([a-z_]+(?:/[a-z_]+)*)/ ", line):
            package = named[1]
        if line and line[0] != "═" and "│" not in line:
            yield package, line


def test_the_flow_has_every_package_and_each_module_where_it_is() -> None:
    shown = {package for package, _ in flow() if package}
    packages = {path.parent.relative_to(ROOT / "harness").as_posix() for path in (ROOT / "harness").rglob("*/*.py")}
    assert packages - {"cell"} <= shown
    modules = {(package, name) for package, line in flow() if package for name in re.findall(r"\b(\w+\.py)\b", line)}
    outside = {("cell/runtime", "test_parity.py")}
    missing = [
        f"{package}/{name}" for package, name in modules - outside if not (ROOT / "harness" / package / name).is_file()
    ]
    assert missing == []


def test_the_page_on_trouble_has_every_word_for_it() -> None:
    told = " ".join(cell for row in rows_of_all("trouble", "What can go wrong") for cell in row)
    assert not [words for words in machine.WORDS.values() if words not in told]
