"""The page of known failures: the rules of matrix.yaml, and the scripts of this folder, which are read and not run.

python -m tests.causes.index > harness/docs/known-failures.md
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from harness.config import matrix
from harness.config.expectation import Rule, Wanted
from harness.remedies.table import MOVE, REMEDIES, Mends, Remedy
from tests.causes.scripts import PAIR, Row, rows
from tests.places import ROOT

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
is broken, or with 0. With `--remedy` it applies its remedy, the function of that name in `harness/remedies`, and is
sound. If the remedy is `move` (to another release) or `none`, no function can be applied, and `--remedy` ends with 2:

    nox -s cause -- transformers==5.23.0 timm==1.0.31 tests/causes/hub_classes_twice.py
    nox -s cause -- transformers==5.23.0 timm==1.0.31 --remedy tests/causes/hub_classes_twice.py

| cause | script | remedy | broken on | healthy on | report |
| --- | --- | --- | --- | --- | --- |
"""


MENDS: Final = {
    Mends.FOLDERS: "a checkpoint folder",
    Mends.MODELS: "a loaded model",
    Mends.CALLS: "how a model computes",
}
FUNCTIONS: Final = """
## Remedies

A remedy is a function of `harness/remedies`, which the matrix runs wherever a rule that names it explains a failure.

| remedy | what it does | mends |
| --- | --- | --- |
| `move` | nothing: only another release helps, which the rule's ranges name | |
| `none` | nothing: no release and no function helps, and the rule says why | |
"""


def render(rules: Sequence[Rule], rows: Sequence[Row], remedies: Iterable[Remedy] = ()) -> str:
    """The page in Markdown."""
    functions = [f"| {' | '.join(_function(remedy))} |\n" for remedy in remedies]
    return "".join(
        [HEAD, *map(_section, rules), *([FUNCTIONS] if functions else []), *functions, SCRIPTS, *map(_line, rows)]
    )


def _function(remedy: Remedy) -> tuple[str, str, str]:
    """A remedy as its functions describe it: its name, what it does, and what it mends."""
    does = dict.fromkeys(_first_paragraph(remedy.name, part) for part in remedy.mends)
    return f"`{remedy.name}`", " ".join(does), " and ".join(MENDS[part] for part in remedy.mends)


def _first_paragraph(name: str, part: Mends) -> str:
    module = ast.parse((ROOT / "harness" / "remedies" / f"{part}.py").read_text(encoding="utf-8"))
    [function] = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return " ".join((ast.get_docstring(function) or "").partition("\n\n")[0].split())


def _section(rule: Rule) -> str:
    """One rule: the cause as its heading, its id, findings, cases, remedy and advice, and where it is tracked."""
    points = (
        f"Rule: `{rule.id}`",
        f"Findings: {'; '.join(finds.words for finds in rule.finds)}",
        f"Routes: {_names(rule.routes)}",
        *_restrictions(rule),
        f"Remedy: {_remedy(rule.remedy)}",
        rule.advice,
        *_tracked(rule),
    )
    return f"\n### {rule.because}\n\n" + "".join(f"- {point}\n" for point in points)


def _remedy(name: str) -> str:
    """A remedy in words, with the files that its functions are in."""
    if name not in REMEDIES:
        return "another release" if name == MOVE else "none"
    files = " and ".join(f"`harness/remedies/{part}.py`" for part in REMEDIES[name].mends)
    return f"`{name}` of {files}"


def _restrictions(rule: Rule) -> Iterator[str]:
    """The scenarios, models, releases, lanes, variants and sizes of a rule; nothing for what it does not restrict."""
    if rule.scenarios:
        yield f"Scenarios: {_names(rule.scenarios)}"
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
    remedy = f"`{row.remedy}`" if row.can_be_remedied else row.remedy
    cells = (row.cause, f"`{row.path}`", remedy, _shown(row.broken), _shown(row.healthy), _linked(row.url))
    return f"| {' | '.join(cells)} |\n"


def _shown(pair: str | None) -> str:
    return PAIR.sub(r"\1 × \2", pair) if pair else "none known"  # noqa: RUF001  a pair is written so


def _linked(url: str | None) -> str:
    if url is None:
        return "none found"
    named = REPORT.fullmatch(url)
    return f"[{named[1]}#{named[2]}]({url})" if named else f"<{url}>"


if __name__ == "__main__":
    sys.stdout.write(render(matrix.load(ROOT / "matrix.yaml").expectations, rows(), REMEDIES.values()))
