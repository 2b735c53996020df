"""A report of a cause for the tracker of transformers or timm, from its rule, its script and what the script said."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ..atlas.proof import Proof, State
from ..config.errors import BadInput
from ..config.expectation import Rule
from ..config.names import unknown
from ..config.pair import Pair
from ..config.text import capitalised
from ..contract.matching import covers_releases
from ..contract.package import ROOT

SCRIPTS: Final = ROOT / "tests" / "causes"
OURS: Final = frozenset({"BROKEN", "HEALTHY", "URL", "REMEDY"})
"""What a script says to this project."""
PIN: Final = re.compile(r"(transformers|timm)==(\S+)")


def rule_of(name: str, rules: Sequence[Rule]) -> Rule:
    """The rule of this id. Raises BadInput if there is none."""
    found = next((rule for rule in rules if rule.id == name), None)
    if found is None:
        raise BadInput(unknown("rule", name, [rule.id for rule in rules]))
    return found


def script_of(rule: Rule) -> str:
    """The script of a rule, or the one that names the issue which tracks it, from the checkout's root.

    Raises BadInput if it has none.
    """
    if rule.script:
        return rule.script
    own = SCRIPTS / f"{rule.id.replace('-', '_')}.py"  # several causes may be told in one issue
    scripts = [*([own] if own.is_file() else []), *sorted(SCRIPTS.glob("*.py"))]
    telling = list(dict.fromkeys(path for path in scripts if f'URL = "{rule.url}"' in path.read_text("utf-8")))
    found = telling[0] if telling and (len(telling) == 1 or telling[0] == own) else None
    if found is None:
        raise BadInput(f"{rule.id}: no script shows it alone; write {own.relative_to(ROOT)}")
    return found.relative_to(ROOT).as_posix()


def broken_on(script: str) -> list[str]:
    """The pins of the pair on which a script says that something is broken."""
    return [f"{name}=={version}" for name, version in PIN.findall(_constants(script)["BROKEN"])]


def refuse_beyond(rule: Rule, pair: Pair) -> None:
    """Raises BadInput for a pair that the rule's ranges do not contain: a report of it would contradict itself."""
    if not covers_releases(rule, pair.transformers, pair.timm, pair.torch):
        ranges = ((name, getattr(rule, name)) for name in ("transformers", "timm", "torch"))
        wanted = ", ".join(f"{name} {limits}" for name, limits in ranges if limits)
        raise BadInput(f"{rule.id} is about {wanted}, and not about {pair.id}; name such a pair")


def lines(rule: Rule, script: str, said: str, versions: Mapping[str, str], proofs: Sequence[Proof]) -> Iterator[str]:
    """The report in Markdown: a title, what is seen and expected, a script for both libraries alone, and what helps.

    `said` is the line that the script ended with, `versions` are those of the packages of its environment.
    """
    yield f"# {capitalised(rule.because)}"
    yield ""
    if rule.url:
        yield f"Tracked already: {rule.url}"
        yield ""
    yield "## Seen"
    yield ""
    yield f"`{said}`"
    yield ""
    yield "Expected: no output, and exit code 0."
    yield ""
    yield from _releases(rule, proofs)
    yield "## To reproduce"
    yield ""
    yield "```python"
    yield from alone((ROOT / script).read_text(encoding="utf-8")).splitlines()
    yield "```"
    yield ""
    yield ", ".join(f"{name} {version}" for name, version in versions.items())
    yield ""
    yield "## What helps meanwhile"
    yield ""
    yield rule.advice


def _releases(rule: Rule, proofs: Sequence[Proof]) -> Iterator[str]:
    """Which releases have it, and between which two it begins and ends, as it was measured."""
    ranges = ((name, getattr(rule, name)) for name in ("transformers", "timm", "torch"))
    told = ", ".join(f"{name} {limits}" for name, limits in ranges if limits)
    yield f"## Releases\n\n{told or 'All that were tried'}."
    for proof in proofs:
        edge = proof.edge
        if edge.bound.rule == rule.id and proof.state is State.PROVEN:
            package, other = edge.bound.package, "timm" if edge.bound.package == "transformers" else "transformers"
            yield f"- Seen with {package} {edge.inside} and not with {edge.outside}, both with {other} {edge.beside}."
    yield ""


def alone(source: str) -> str:
    """A script as somebody runs it who has the two libraries and nothing else: without what it says to this project."""
    module = ast.parse(source)
    left_out = {line for node in ast.walk(module) if _is_ours(node) for line in _lines_of(node)}
    kept = [line for number, line in enumerate(source.splitlines(), 1) if number not in left_out]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept))


def _is_ours(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id in OURS for target in node.targets)
    return isinstance(node, ast.If) and "--remedy" in ast.dump(node.test)


def _lines_of(node: ast.AST) -> range:
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", None)
    return range(first, (last or first) + 1)


def _constants(script: str) -> Mapping[str, str]:
    module = ast.parse((Path(ROOT) / script).read_text(encoding="utf-8"))
    return {
        target.id: str(node.value.value)
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
