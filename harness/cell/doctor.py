"""A look at the pair in somebody's own environment: a few small models by every route, and what the rules say of it.

By behaviour: what is told to be broken was seen to fail here, whatever the rules say of the releases.
"""

import contextlib
import importlib.metadata
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Final

import timm
import torch
import transformers
import yaml

from harness.catalog import BERT, Entry
from harness.cell import case as cell_case
from harness.cell import offline
from harness.cell.catalog import entry_of
from harness.cell.cutting import build
from harness.cell.parity import Tolerance
from harness.cell.release import Release
from harness.cell.routes import ROUTES
from harness.cell.subject import Place, Subject
from harness.cell.variants import VARIANTS
from harness.matching import is_of, speaks_of
from harness.record import DEFAULT_VARIANT, GREEN, SKIPPED, Case

MATRIX: Final = Path(__file__).parents[2] / "matrix.yaml"
LANE: Final = "cpu-float32"
PACKAGES: Final = ("transformers", "timm", "torch", "torchvision")
MODELS: Final = ("convnext_atto", "vit_relpos_small_patch16_224", "resnet18")
"""LayerScale; buffers that no checkpoint holds; batch norms and no LayerScale."""
OWN: Final[Mapping[str, Sequence[str]]] = {
    "vlm": ("eva02_tiny_patch14_224",),
    "legacy-layernorm": (BERT.model,),
}
RESTRICTIONS: Final = dict.fromkeys(("models", "where", "transformers", "timm", "lanes", "variants", "url", "script"))


@dataclass(frozen=True)
class Seen:
    """A case that was tried here."""

    case: Case
    entry: Entry
    fields: Mapping[str, Any]

    @property
    def broken(self) -> bool:
        """Whether the model did not come back."""
        return self.fields["outcome"] not in GREEN | SKIPPED


def examine(out: IO[str]) -> int:
    """Print what is found; 1 where anything is broken or nothing passes, else 0."""
    release = Release.installed()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    out.write(f"{versions}, Python {platform.python_version()}\n")
    described = yaml.safe_load(MATRIX.read_text())
    offline.enforce()
    seen = []
    for one in _tried(release, Tolerance(**described["tolerances"]["float32"])):
        seen.append(one)
        if one.fields["outcome"] not in SKIPPED:
            out.write(f"{'✘' if one.broken else '✔'} {one.case.id}: {one.fields['outcome']}\n")
            out.flush()
    rules = [SimpleNamespace(**{**RESTRICTIONS, **rule}) for rule in described.get("expectations") or ()]
    for line in _told(seen, rules, release):
        out.write(f"{line}\n")
    return int(any(one.broken for one in seen) or not any(one.fields["outcome"] in GREEN for one in seen))


def _tried(release: Release, tolerance: Tolerance) -> Iterator[Seen]:
    with _quiet(), tempfile.TemporaryDirectory() as folder:
        there = set(timm.list_models())
        for model in dict.fromkeys((*MODELS, *(name for names in OWN.values() for name in names))):
            if model not in there and model != BERT.model:
                continue
            entry = BERT if model == BERT.model else entry_of(model, build(model, {}))
            subject = Subject(entry, "slim", Place("cpu", torch.float32))
            for name, route in ROUTES.items():
                if model in OWN.get(name, MODELS):
                    fields = cell_case.run(
                        route, VARIANTS[DEFAULT_VARIANT], subject, release, tolerance, Path(folder) / model
                    )
                    yield Seen(Case(name, model), entry, fields)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What libraries say on the way, and C with them, is in no answer."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere), warnings.catch_warnings():  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
        warnings.simplefilter("ignore")
        loud = transformers.logging.get_verbosity()
        transformers.logging.set_verbosity_error()
        try:
            yield
        finally:
            transformers.logging.set_verbosity(loud)
            os.dup2(terminal, 2)
            os.close(terminal)


def _told(seen: Sequence[Seen], rules: Sequence[Any], release: Release) -> Iterator[str]:
    """What is broken by cause, and then the rules of this pair that nothing here has shown."""
    broken = [one for one in seen if one.broken]
    green = sum(one.fields["outcome"] in GREEN for one in seen)
    yield f"\n{green} passed, {len(broken)} broken, {len(seen) - green - len(broken)} unsupported by this pair"
    shown: dict[int, list[Seen]] = {}
    unknown = []
    for one in broken:
        fitting = [rule for rule in rules if rule.outcome == one.fields["outcome"] and _speaks(rule, one)]
        fitting.sort(key=lambda rule: not _is_of(rule, release))  # one that names this pair, before others
        if fitting:
            shown.setdefault(rules.index(fitting[0]), []).append(one)
        else:
            unknown.append(one)
    for one in unknown:
        yield f"\n✘ {one.case.id} is {one.fields['outcome']}, and no rule knows it: {one.fields['reason']}"
    for index, cases in shown.items():
        rule = rules[index]
        routes = ", ".join(dict.fromkeys(one.case.route for one in cases))
        yield f"\n✘ {routes}: {cases[0].fields['reason']}"
        yield f"  because {rule.because}"
        yield f"  {rule.advice}"
        yield f"  {rule.url or rule.script}"
    rest = [rule for index, rule in enumerate(rules) if _is_of(rule, release) and index not in shown]
    rest = [rule for rule in rest if not _refuted(rule, seen)]
    if rest:
        yield "\nAlso known of this pair, and not seen here:"
        for rule in rest:
            yield f"· {', '.join(rule.routes)}, of {_whom(rule)}: {rule.because}"
            yield f"  {rule.advice}"


def _whom(rule: Any) -> str:
    """The models and lanes that a rule speaks of."""
    asked = [f"{trait}: {wanted}" for trait, wanted in (rule.where or {}).items()]
    models = ", ".join(rule.models or asked)
    return f"{models} on {', '.join(rule.lanes)}" if rule.lanes else models


def _refuted(rule: Any, seen: Sequence[Seen]) -> bool:
    """Whether what the rule speaks of was tried here, and passed."""
    tried = [one for one in seen if _speaks(rule, one)]
    return bool(tried) and all(one.fields["outcome"] in GREEN for one in tried)


def _speaks(rule: Any, one: Seen) -> bool:
    return speaks_of(rule, one.case, LANE, one.entry)


def _is_of(rule: Any, release: Release) -> bool:
    return is_of(rule, str(release.transformers), str(release.timm))
