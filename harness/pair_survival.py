"""What is known of a user's own model on a pair that is not installed, from the model's names and from the atlas.

Nothing is run with that pair: the model is made here, and what it holds is looked up.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import pytest
from packaging.specifiers import SpecifierSet
from torch import nn

from .atlas.answer import Part, Releases, State
from .atlas.asking import ask
from .atlas.rules import known
from .cell.user_models import resolution
from .cell.user_models.key_renames import KNOWN
from .cell.user_models.target import Unusable
from .config.errors import BadInput
from .contract.routes import LIKE_OWN
from .mending.loaded import OF_NAMES

CONTAINERS: Final[Mapping[str, str]] = {
    "TimmBackbone": "backbone",
    "TimmWrapperModel": "tower-wrapper",
    "TimmWrapperForImageClassification": "tower-wrapper",
}
"""The route of a timm model that a class of transformers holds within a user's model."""
WHOLE: Final[Mapping[str, str]] = {
    **CONTAINERS,
    "TimmWrapperModel": "wrapper",
    "TimmWrapperForImageClassification": "classifier",
}
"""The route of a class of transformers that is the whole model."""


@dataclass(frozen=True)
class Problem:
    """Why a model does not come back as it was: a part of it, the rules of matrix.yaml, or what else is known."""

    part: str
    rules: tuple[str, ...]
    because: str = ""

    def lines(self) -> Iterator[str]:
        """The problem in words, with cause and remedy."""
        yield f"✘ {self.part}"
        for rule in self.rules:
            cause = known()[rule]
            yield f"  because {cause.because} ({rule})"
            yield f"  {cause.advice}"
        if self.because:
            yield f"  {self.because}"


def assert_survives(
    releases: Releases, remedied: Collection[str], make: Callable[..., Any], *_: Any, **__: Any
) -> None:
    """Assert that nothing is known to be lost of the model that `make` makes, with other releases than those here.

    `remedied` are rules whose remedy the model has already. Raises AssertionError with cause and remedy; skips the test
    where the atlas does not know the pair, or does not support it; ValueError for a rule that is none, and Unusable for
    what gives no model.
    """
    __tracebackhide__ = True
    if strange := sorted(set(remedied) - known().keys()):
        raise ValueError(f"remedied: matrix.yaml has no rule {', '.join(strange)}")
    if not callable(make) or isinstance(make, nn.Module):
        raise TypeError(f"give what makes the model, a class or a function, and not a {type(make).__name__}")
    try:
        model = resolution.made_once(make)
    except Unusable as error:
        raise Unusable(str(error)) from error.__cause__
    parts = [part for name, route in held(model) for part in _asked(releases, name, route)]
    problems = [*_renamed(releases[0], model), *filter(None, map(_problem, parts))]
    left = [problem for problem in problems if not (problem.rules and set(problem.rules) <= set(remedied))]
    if left:
        told = [line for problem in _merged(left) for line in problem.lines()]
        rules = sorted({rule for problem in left for rule in problem.rules})
        hint = f"Where your model has the remedy already: remedied={rules} in the marker." if rules else ""
        where = f"with transformers {releases[0]} and timm {releases[1]}, by what was measured before:"
        raise AssertionError("\n".join(filter(None, [where, *told, hint])))
    _skip_what_is_not_known(releases, parts)


def held(model: nn.Module) -> Iterator[tuple[str, str]]:
    """The timm models that a model holds: the architecture of each, and the route whose results are its own."""
    found: dict[str, str] = {}
    containers = {name: type(module).__name__ for name, module in model.named_modules()}
    for name, module in model.named_modules():
        described = getattr(module, "pretrained_cfg", None)
        architecture = described.get("architecture") if isinstance(described, dict) else None
        if not architecture or any(_is_in(name, outer) for outer in found):
            continue
        found[name] = architecture
        above = [outer for outer in containers if _is_in(name, outer)]
        routes = [(WHOLE if not outer else CONTAINERS).get(containers[outer]) for outer in above]
        yield architecture, next(filter(None, routes), LIKE_OWN)


def _is_in(name: str, outer: str) -> bool:
    """Whether a module or a tensor of this name lies in the module `outer`, or is all of the model."""
    return not outer or name == outer or name.startswith(f"{outer}.")


def _asked(releases: Releases, architecture: str, route: str) -> Sequence[Part]:
    try:
        return ask(*releases, [architecture], [route]).parts
    except BadInput as error:
        return [Part(route, architecture, State.UNKNOWN, because=str(error))]


def _renamed(transformers: str, model: nn.Module) -> Iterator[Problem]:
    """The names of the model that a transformers rewrites when it loads a checkpoint, by rename.

    What becomes of those in its own TimmWrapper and TimmBackbone the atlas says.
    """
    of_transformers = [name for name, module in model.named_modules() if type(module).__name__ in WHOLE]
    own = [name for name in model.state_dict() if not any(_is_in(name, outer) for outer in of_transformers)]
    for rename in KNOWN:
        if SpecifierSet(rename.releases).contains(transformers, prereleases=True):
            names = [name for name in own if rename.pattern.search(name)]
            if names:
                rule = OF_NAMES.get(rename.into.rpartition(".")[2], "")
                more = f" and {len(names) - 1} more" if len(names) > 1 else ""
                because = f"transformers {rename.releases} makes {rename.into} of {rename.pattern.pattern}"
                yield Problem(f"{names[0]}{more}", (rule,) if rule else (), "" if rule else because)


def _merged(problems: Sequence[Problem]) -> Iterator[Problem]:
    """The problems, those for the same reason as one."""
    parts: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for problem in problems:
        parts.setdefault((problem.rules, problem.because), []).append(problem.part)
    yield from (Problem("; ".join(of), rules, because) for (rules, because), of in parts.items())


def _problem(part: Part) -> Problem | None:
    """Why a part does not work as it is; None if it does, or if that is not known."""
    if part.state not in {State.BROKEN, State.REMEDY}:
        return None
    return Problem(f"{part.route}/{part.model}: {part.state}", (*part.rules, *part.mended), part.because)


def _skip_what_is_not_known(releases: Releases, parts: Sequence[Part]) -> None:
    """Skip the test if nothing can be said of a part."""
    unknown = [part for part in parts if part.state in {State.UNKNOWN, State.UNSUPPORTED}]
    if unknown or not parts:
        why = "; ".join(f"{part.route}/{part.model}: {part.because or part.state}" for part in unknown)
        _skip(f"transformers {releases[0]} with timm {releases[1]}: {why or 'the model holds no model of timm'}")


def _skip(reason: str) -> NoReturn:
    __tracebackhide__ = True
    pytest.skip(reason)
