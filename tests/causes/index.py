"""The page of known failures: the rules of matrix.yaml, and the scripts of this folder, which are read and not run.

python -m tests.causes.index > harness/docs/known-failures.md
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.config import matrix
from harness.config.expectation import Rule, Wanted
from tests.places import ROOT

FOLDER: Final = Path(__file__).parent
PROGRAMS: Final = frozenset({"index", "run"})
CONSTANTS: Final = ("BROKEN", "HEALTHY", "URL")
PAIR: Final = re.compile(r"transformers==(\S+) timm==(\S+)")
UNREPORTED: Final = re.compile(r"No\s+report\s+was\s+found")
WITHOUT: Final = re.compile(r"no\s+(?:release|pair)\s+without\s+it")
REPORT: Final = re.compile(r"https://github\.com/huggingface/([\w-]+)/(?:issues|pull)/(\d+)")
PAGE: Final = ROOT / "harness" / "docs" / "known-failures.md"
HEAD: Final = """\
<!-- Made by python -m tests.causes.index > harness/docs/known-failures.md; do not edit. -->

# Known failures

What is known to break, as `matrix.yaml` has it, and a script for each cause. How a rule is written is on
[matrix.yaml](matrix-yaml.md#rules).

## Rules
"""
SCRIPTS: Final = """
## Scripts

Each cause in the smallest script that shows it, with transformers and timm alone. A script exits with 1 and says what
is broken, or with 0:

    nox -s cause -- transformers==5.23.0 timm==1.0.31 tests/causes/hub_classes_twice.py

| cause | script | broken on | healthy on | report |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Row:
    """One script: the cause in a sentence, a pair that has it and one that has not, and where it is reported."""

    script: str
    cause: str
    docstring: str
    broken: str
    healthy: str | None
    url: str | None

    @property
    def pairs(self) -> dict[str, bool]:
        """Each pair that the script names, and whether it is broken there."""
        return {self.broken: True} | ({self.healthy: False} if self.healthy else {})


def scripts() -> list[Path]:
    """Every script of the folder, by name."""
    return sorted(path for path in FOLDER.glob("*.py") if path.stem not in PROGRAMS)


def rows() -> list[Row]:
    """Every script's row. Raises ValueError for a script that does not say what a row needs."""
    return [parse(path.name, path.read_text()) for path in scripts()]


def parse(name: str, source: str) -> Row:
    """The row of one script. Raises ValueError where its docstring or a constant is missing or is not as it must be."""
    module = ast.parse(source)
    docstring = ast.get_docstring(module) or ""
    given = dict(_constants(module))
    if missing := [constant for constant in CONSTANTS if constant not in given]:
        raise ValueError(f"{name}: has no {', '.join(missing)}")
    row = Row(name, docstring.partition("\n")[0], docstring, given["BROKEN"], given["HEALTHY"], given["URL"])
    if problem := _problem(row):
        raise ValueError(f"{name}: {problem}")
    return row


def _constants(module: ast.Module) -> list[tuple[str, Any]]:
    assigned = [node for node in module.body if isinstance(node, ast.Assign)]
    return [
        (target.id, node.value.value)
        for node in assigned
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in CONSTANTS and isinstance(node.value, ast.Constant)
    ]


def _problem(row: Row) -> str | None:
    """What is wrong with a row."""
    pairs = {"BROKEN": row.broken, "HEALTHY": row.healthy}
    wrong = [name for name, pair in pairs.items() if pair is not None and not PAIR.fullmatch(pair)]
    checks = {
        "its docstring's first line is not a sentence": row.cause.endswith("."),
        f'{", ".join(wrong)} must read "transformers==X timm==Y"': not wrong,
        "BROKEN must name a pair": row.broken is not None,
        "URL must be a https address or None": row.url is None or row.url.startswith("https://"),
        'without a URL the docstring must say "No report was found"': row.url or UNREPORTED.search(row.docstring),
        'without HEALTHY the docstring must say "no release without it"': row.healthy or WITHOUT.search(row.docstring),
    }
    return next((problem for problem, passed in checks.items() if not passed), None)


def render(rules: Sequence[Rule], rows: Sequence[Row]) -> str:
    """The page in Markdown."""
    return "".join([HEAD, *map(_section, rules), SCRIPTS, *map(_line, rows)])


def _section(rule: Rule) -> str:
    """One rule: the cause as its heading, the outcome, the cases, the advice, and where it is tracked."""
    points = (f"`{rule.outcome}` on {_names(rule.routes)}", *_restrictions(rule), rule.advice, *_tracked(rule))
    return f"\n### {rule.because}\n\n" + "".join(f"- {point}\n" for point in points)


def _restrictions(rule: Rule) -> Iterator[str]:
    """The models, releases, lanes, variants and sizes of a rule; nothing for what it does not restrict."""
    yield f"Models: {', '.join(_models(rule))}"
    ranges = {"transformers": rule.transformers, "timm": rule.timm, "torch": rule.torch}
    if limits := [f"{package} `{limit}`" for package, limit in ranges.items() if limit]:
        yield f"Releases: {', '.join(limits)}"
    for word, names in (("Lanes", rule.lanes), ("Variants", rule.variants), ("Sizes", rule.sizes)):
        if names:
            yield f"{word}: {_names(names)}"


def _tracked(rule: Rule) -> Iterator[str]:
    if rule.url:
        yield f"Tracked: {_linked(rule.url)}"
    if rule.script:
        yield f"Script: `{rule.script}`"


def _models(rule: Rule) -> Iterator[str]:
    if rule.models:
        yield _names(rule.models)
    for trait, wanted in (rule.where or {}).items():
        yield _trait(trait, wanted)


def _trait(name: str, wanted: Wanted) -> str:
    """`wanted` in words: true or false for any or none, else the values that the trait may have."""
    if isinstance(wanted, bool):
        return f"{'with' if wanted else 'without'} `{name}`"
    if (name, wanted) == ("model", "*"):
        return "all"
    return f"`{name}` {_names(map(str, wanted if isinstance(wanted, list) else [wanted]))}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _line(row: Row) -> str:
    cells = (row.cause, f"`tests/causes/{row.script}`", _shown(row.broken), _shown(row.healthy), _linked(row.url))
    return f"| {' | '.join(cells)} |\n"


def _shown(pair: str | None) -> str:
    return PAIR.sub(r"\1 × \2", pair) if pair else "none known"  # noqa: RUF001  a pair is written so


def _linked(url: str | None) -> str:
    if url is None:
        return "none found"
    named = REPORT.fullmatch(url)
    return f"[{named[1]}#{named[2]}]({url})" if named else f"<{url}>"


if __name__ == "__main__":
    sys.stdout.write(render(matrix.load(ROOT / "matrix.yaml").expectations, rows()))
