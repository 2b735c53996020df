"""What the scripts of this folder say of themselves, in their docstrings and constants; they are read and not run.

Standard library only: the runner reads it in a pair's environment.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.remedies.table import MOVE, NONE, REMEDIES

FOLDER: Final = Path(__file__).parent
PROGRAMS: Final = frozenset({"index", "run", "scripts"})
CONSTANTS: Final = ("BROKEN", "HEALTHY", "URL", "REMEDY")
PAIR: Final = re.compile(r"transformers==(\S+) timm==(\S+)")
UNREPORTED: Final = re.compile(r"No\s+report\s+was\s+found")
WITHOUT: Final = re.compile(r"no\s+(?:release|pair)\s+without\s+it")
OPTION: Final = "--remedy"
"""What a script takes that has a remedy to run."""


@dataclass(frozen=True)
class Row:
    """One script: the cause in a sentence, a pair that has it and one that has not, its report and its remedy."""

    script: str
    cause: str
    docstring: str
    broken: str
    healthy: str | None
    url: str | None
    remedy: str

    @property
    def pairs(self) -> dict[str, bool]:
        """Each pair that the script names, and whether it is broken there."""
        return {self.broken: True} | ({self.healthy: False} if self.healthy else {})

    @property
    def path(self) -> str:
        """The script as a rule of matrix.yaml names it."""
        return f"tests/causes/{self.script}"

    @property
    def can_be_remedied(self) -> bool:
        """Whether its remedy is a function, which the script runs with --remedy."""
        return self.remedy in REMEDIES


def paths() -> list[Path]:
    """Every script of the folder, by name."""
    return sorted(path for path in FOLDER.glob("*.py") if path.stem not in PROGRAMS)


def rows() -> list[Row]:
    """Every script's row. Raises ValueError for a script that does not say what a row needs."""
    return [parse(path.name, path.read_text()) for path in paths()]


def parse(name: str, source: str) -> Row:
    """The row of one script. Raises ValueError where its docstring or a constant is missing or is not as it must be."""
    module = ast.parse(source)
    docstring = ast.get_docstring(module) or ""
    given = _constants(module)
    if missing := [constant for constant in CONSTANTS if constant not in given]:
        raise ValueError(f"{name}: has no {', '.join(missing)}")
    fields = {constant.lower(): given[constant] for constant in CONSTANTS}
    row = Row(script=name, cause=docstring.partition("\n")[0], docstring=docstring, **fields)
    if problem := _problem(row, f'"{OPTION}" in sys.argv' in source):
        raise ValueError(f"{name}: {problem}")
    return row


def _constants(module: ast.Module) -> Mapping[str, Any]:
    assigned = [node for node in module.body if isinstance(node, ast.Assign)]
    return {
        target.id: node.value.value
        for node in assigned
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in CONSTANTS and isinstance(node.value, ast.Constant)
    }


def _problem(row: Row, takes_option: bool) -> str | None:  # noqa: FBT001
    """What is wrong with a row."""
    pairs = {"BROKEN": row.broken, "HEALTHY": row.healthy}
    wrong = [name for name, pair in pairs.items() if pair is not None and not PAIR.fullmatch(pair)]
    takes = "does not take" if row.can_be_remedied else "takes"
    checks = {
        "its docstring's first line is not a sentence": row.cause.endswith("."),
        f'{", ".join(wrong)} must read "transformers==X timm==Y"': not wrong,
        "BROKEN must name a pair": row.broken is not None,
        "URL must be a https address or None": row.url is None or row.url.startswith("https://"),
        'without a URL the docstring must say "No report was found"': row.url or UNREPORTED.search(row.docstring),
        'without HEALTHY the docstring must say "no release without it"': row.healthy or WITHOUT.search(row.docstring),
        f'REMEDY must name a function of harness.remedies, or be "{MOVE}" or "{NONE}"': (
            row.can_be_remedied or row.remedy in {MOVE, NONE}
        ),
        f'REMEDY "{MOVE}" needs HEALTHY, the pair to move to': row.remedy != MOVE or row.healthy,
        f"its REMEDY is {row.remedy}, and it {takes} {OPTION}": row.can_be_remedied == takes_option,
    }
    return next((problem for problem, passed in checks.items() if not passed), None)
