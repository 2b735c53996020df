"""A report of a cause for the tracker of transformers or timm, from its rule, and a script or a case that shows it."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ..atlas.entries.parts import AS_BEFORE
from ..atlas.proof import Proof, State
from ..config.errors import BadInput
from ..config.expectation import Rule
from ..config.names import unknown
from ..config.pair import Pair
from ..config.text import capitalised
from ..contract.case import Outcome
from ..contract.matching import covers_releases
from ..contract.package import ROOT
from .shown_case import ShownCase

SCRIPTS: Final = ROOT / "tests" / "causes"
OURS: Final = frozenset({"BROKEN", "HEALTHY", "URL", "REMEDY"})
"""What a script says to this project."""
EXPECTED: Final[Mapping[Outcome, str]] = {
    Outcome.KEYS: "every tensor has the name that the model gives it, in the file and in the loaded model",
    Outcome.TENSORS: "every parameter and buffer comes back as it was saved, or as the constructor computes it",
    Outcome.FLAGS: "the loaded model has the mode, the flags and the configuration that it was saved with",
    Outcome.OUTPUTS: "the loaded model computes what the model computes that was saved",
    Outcome.NONFINITE: "what the loaded model computes is finite, as it was before it was saved",
    Outcome.GRADIENTS: "each parameter gets the gradient that it had before the model was saved",
    Outcome.REPORT: "the loading report has every name that was not loaded, and no other",
    Outcome.LEAKED: "the process is left as it was",
    Outcome.COST: "loading takes no more than to build the model and to read its file",
    Outcome.ERROR: "the model is loaded, and runs, without an exception",
}
"""What should be, for each kind of finding; the last for any other kind."""
WITHOUT: Final[Mapping[str, str]] = {
    "native": "timm makes the model, and it runs",
    "save": "the model is saved",
    "load": "the model is loaded",
    "run": "the model runs",
    "train": "the model is trained",
}
"""What should be without an exception in a phase."""
PIN: Final = re.compile(r"(transformers|timm)==(\S+)")


def rule_of(name: str, rules: Sequence[Rule]) -> Rule:
    """The rule of this id. Raises BadInput if there is none."""
    found = next((rule for rule in rules if rule.id == name), None)
    if found is None:
        raise BadInput(unknown("rule", name, [rule.id for rule in rules]))
    return found


def script_of(rule: Rule) -> str:
    """As `find_script`. Raises BadInput if the rule has none."""
    script = find_script(rule)
    if script is None:
        raise BadInput(f"{rule.id}: no script shows it alone; write {_own(rule).relative_to(ROOT)}")
    return script


def find_script(rule: Rule) -> str | None:
    """The script of a rule, or the one that names the issue which tracks it, from the checkout's root."""
    if rule.script:
        return rule.script
    own = _own(rule)  # several causes may be told in one issue
    scripts = [*([own] if own.is_file() else []), *sorted(SCRIPTS.glob("*.py"))]
    telling = list(dict.fromkeys(path for path in scripts if f'URL = "{rule.url}"' in path.read_text("utf-8")))
    found = telling[0] if telling and (len(telling) == 1 or telling[0] == own) else None
    return found.relative_to(ROOT).as_posix() if found else None


def _own(rule: Rule) -> Path:
    return SCRIPTS / f"{rule.id.replace('-', '_')}.py"


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
    code = alone((ROOT / script).read_text(encoding="utf-8")).splitlines()
    wanted = f"{expected(rule)} The script below then prints nothing, and its exit code is 0."
    yield from _report(rule, [f"`{said}`"], wanted, ["```python", *code, "```"], versions, proofs)


def lines_of_case(rule: Rule, shown: ShownCase, proofs: Sequence[Proof]) -> Iterator[str]:
    """The same of a rule that no script shows, with what the atlas has and the command that runs a case of it."""
    where = f"{shown.case.id} with transformers {shown.pair.transformers} and timm {shown.pair.timm} in {shown.lane}"
    measured = f"Measured on {shown.day}" if shown.day else "Not measured yet; to be seen"
    seen = [f"{measured}: {where}", "", *(f"- {finds.words}" for finds in rule.finds)]
    how = ["No script shows it alone. In a checkout of layerscale-matrix:", "", "```", shown.command, "```"]
    yield from _report(rule, seen, expected(rule), how, shown.pair.versions, proofs)


def _report(  # noqa: PLR0913, PLR0917  the parts of a report
    rule: Rule,
    seen: Sequence[str],
    wanted: str,
    how: Sequence[str],
    versions: Mapping[str, str],
    proofs: Sequence[Proof],
) -> Iterator[str]:
    yield f"# {capitalised(rule.because)}"
    yield ""
    if rule.url:
        yield f"Tracked already: {rule.url}"
        yield ""
    yield from ("## Seen", "", *seen, "", f"Expected: {wanted}", "")
    yield from _releases(rule, proofs)
    yield from ("## To reproduce", "", *how, "")
    yield ", ".join(f"{name} {version}" for name, version in versions.items())
    yield from ("", "## What helps meanwhile", "", rule.advice)


def expected(rule: Rule) -> str:
    """What the libraries should do instead, in a sentence."""
    if rule.scenarios == (AS_BEFORE,):
        return "a release of timm computes what the one before it did."
    errors = {finds.where or "" for finds in rule.finds if finds.kind == Outcome.ERROR}
    kinds = [Outcome(finds.kind) for finds in rule.finds]
    if not errors <= WITHOUT.keys():
        errors = set()
    others = [EXPECTED.get(kind, EXPECTED[Outcome.ERROR]) for kind in kinds if kind != Outcome.ERROR or not errors]
    raising = [f"{WITHOUT[phase]}, without an exception" for phase in WITHOUT if phase in errors]
    return f"{'; '.join(dict.fromkeys([*others, *raising]))}."


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
