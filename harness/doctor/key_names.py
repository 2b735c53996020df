"""Lists the names of a model that transformers renames on loading a checkpoint, in known releases and in this one.

The tensor of a renamed key is lost: the loaded model keeps its constructor's values there.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from packaging.specifiers import SpecifierSet
from torch import Tensor, nn
from transformers import PreTrainedModel

from ..cell.compare.diagnosis import equal
from ..cell.guards import memory, offline
from ..cell.models.installed import Release
from ..cell.user_models import save_and_reload
from ..cell.user_models.key_renames import KEEP, KNOWN, SWAPPED, KeyRename
from ..cell.user_models.request import Request
from ..cell.user_models.save_and_reload import WrappedModule
from ..cell.user_models.target import Target
from .console_report import quiet
from .messages import Console

TOWER: Final = "tower"  # the name of a plain module in the transformers model around it
KEEPS_OWN_NAMES: Final = ">=5.3"
UNSET: Final = ">=5.0"
NUMBER: Final = re.compile(r"(?<=\.)\d+(?=\.)")
"""The number of a block in a name."""
OTHERS: Final = "{} own name, which you cannot change: stay with releases that keep it"
NORMED: Final = "torch's weight_norm gives this name: use torch.nn.utils.parametrizations.weight_norm, whose names stay"


@dataclass(frozen=True)
class Risk:
    """A name, its fates by releases, advice, and whether the installed release does it (`here`)."""

    name: str
    fates: Sequence[tuple[str, str]]
    advice: str
    here: bool

    @property
    def sentence(self) -> str:
        """The risk in words, for the terminal."""
        fates = "; ".join(f"transformers {releases}: {fate}" for releases, fate in self.fates)
        return f"{'✘' if self.here else '·'} {self.name}\n    {fates}\n    {self.advice}"

    @property
    def as_data(self) -> Mapping[str, Any]:
        """The risk for programs."""
        fates = [{"releases": releases, "fate": fate} for releases, fate in self.fates]
        return {"name": self.name, "here": self.here, "fates": fates, "advice": self.advice}


def examine(request: Request, console: Console) -> int:
    """Print the names at risk; 1 if the installed release changes any of them, else 0. Raises Unusable."""
    offline.enforce()
    release, out = Release.installed(), console.out
    console.reading(f"while {request.target} was read")
    with quiet():
        target = request.module()
        console.testing(f"while the names of {request.target} were read")
        model = save_and_reload.build_pretrained(target)
        risks = [*renamed(model, release), *unset(target, release, console.folder)]
    out.write(
        f"transformers {release.transformers}; {request.target} has {len(model.state_dict())} names in a checkpoint\n"
    )
    for risk in grouped(risks):
        out.write(f"{risk.sentence}\n")
    console.report({"names": len(model.state_dict()), "at_risk": [risk.as_data for risk in risks]})
    here = sum(risk.here for risk in risks)
    out.write(f"{len(risks)} at risk, {here} of them with this transformers\n")
    return int(here > 0)


def grouped(risks: Iterable[Risk]) -> list[Risk]:
    """The same risks, those that differ only in numbers as one, with how many they are."""
    groups: dict[tuple[str, ...], list[Risk]] = {}
    for risk in risks:
        alike = NUMBER.sub("*", f"{risk.name} {risk.fates} {risk.advice} {risk.here}")
        groups.setdefault((alike,), []).append(risk)
    return [some[0] if len(some) == 1 else _together(some) for some in groups.values()]


def _together(some: Sequence[Risk]) -> Risk:
    """One risk for several whose names differ only in numbers."""
    first = some[0]
    fates = [(releases, NUMBER.sub("*", fate)) for releases, fate in first.fates]
    name = f"{NUMBER.sub('*', first.name)} ({len(some)} of them)"
    return replace(first, name=name, fates=fates, advice=NUMBER.sub("*", first.advice))


def renamed(model: PreTrainedModel, release: Release) -> Iterator[Risk]:
    """The names of a checkpoint that any release renames, or that the base model's prefix makes ambiguous."""
    names = list(model.state_dict())
    others, proposed = dict(_named_by_others(model)), set(names)
    here = installed(model, names, release)
    prefix = getattr(model, "base_model_prefix", "")
    for name in names:
        rules = [rule for rule in KNOWN if rule.pattern.search(name)]
        fates = [(rule.releases, f"becomes {_user_name(model, rule.pattern.sub(rule.into, name))}") for rule in rules]
        known_here = any(_is_in(release, rule.releases) for rule in rules)
        if name in here and not known_here:
            fates.append((str(release.transformers), f"becomes {here[name]}"))
        bare = name.removeprefix(f"{prefix}.")
        if prefix and bare != name and bare in names:
            swapped = (SWAPPED, f"silently replaces {bare}")
            advice = f"the two names differ only in the base model's prefix {prefix}: rename a part, or the prefix"
            yield Risk(_user_name(model, name), [*fates, swapped], advice, here=known_here or _is_in(release, SWAPPED))
        elif fates:
            advice = others.get(name) or _proposal(model, name, rules, proposed)
            yield Risk(_user_name(model, name), fates, advice, known_here or name in here)


def is_timm(module: nn.Module) -> bool:
    """Whether timm made a module, which then knows its architecture."""
    described = getattr(module, "pretrained_cfg", None)
    return isinstance(described, dict) and bool(described.get("architecture"))


def _named_by_others(model: nn.Module) -> Iterator[tuple[str, str]]:
    """The names that the user's own code does not give, and what to do about each."""
    for path, module in model.named_modules():
        prefix = f"{path}." if path else ""
        for hook in module._forward_pre_hooks.values():  # noqa: SLF001  where alone it leaves a trace
            if type(hook).__name__ == "WeightNorm":
                yield from ((f"{prefix}{hook.name}{end}", NORMED) for end in ("_g", "_v"))
    for path, module in model.named_modules():
        whose = "timm's" if is_timm(module) else "transformers'" if is_transformers(module) else ""
        if whose:
            yield from ((f"{path}.{name}".removeprefix("."), OTHERS.format(whose)) for name in module.state_dict())


def is_transformers(module: nn.Module) -> bool:
    """Whether the class of a module is one of transformers."""
    return type(module).__module__.startswith("transformers.")


def _proposal(model: PreTrainedModel, name: str, rules: Sequence[KeyRename], taken: set[str]) -> str:
    """Advice with a safe name that is not `taken`, and is then; without one where no rename is known."""
    safe = name
    for rule in rules:
        safe = rule.pattern.sub(rule.safe, safe)
        safe = re.sub(rf"(?<![a-z])({rule.safe})(_{rule.safe})+(?![a-z])", r"\1", safe)
    free = (safe, f"{safe}_factor", f"{safe}_values")
    chosen = next((proposal for proposal in free if proposal not in taken), None)
    if chosen is None:
        return "choose another name"
    taken.add(chosen)
    return f"safe name: {_user_name(model, chosen)}"


def _is_in(release: Release, releases: str) -> bool:
    return release.transformers in SpecifierSet(releases, prereleases=True)


def installed(model: PreTrainedModel, names: Sequence[str], release: Release) -> Mapping[str, str]:
    """New names by old, for the names that the installed transformers renames so that their tensors are lost."""
    rename = _rules(model)
    new_names = {name: rename(name) for name in names}
    keeps_own_names = _is_in(release, KEEPS_OWN_NAMES)
    return {name: new for name, new in new_names.items() if new != name and (new in names or not keeps_own_names)}


def _rules(model: PreTrainedModel) -> Callable[[str], str]:
    """A function that renames as loading does; before 4.48 it renames nothing, and only KNOWN applies."""
    if fix := getattr(model, "_fix_state_dict_key_on_load", None):
        return lambda name: str(next(iter(result)) if isinstance(result := fix(name), tuple) else result)
    try:
        from transformers.conversion_mapping import get_model_conversion_mapping  # noqa: PLC0415  not before 5
        from transformers.core_model_loading import WeightRenaming, rename_source_key  # noqa: PLC0415  not before 5
    except ImportError:
        return lambda name: name
    mapping = get_model_conversion_mapping(model)
    renamings = [rule for rule in mapping if isinstance(rule, WeightRenaming)]
    converters = [rule for rule in mapping if not isinstance(rule, WeightRenaming)]
    return lambda name: str(rename_source_key(name, renamings, converters)[0])


def unset(target: Target, release: Release, folder: Path | None = None) -> Iterator[Risk]:
    """Non-persistent buffers that nothing sets after loading. Before transformers 5 they keep their values."""
    saved = save_and_reload.build_pretrained(target)
    persistent = set(saved.state_dict())
    before = {name: buffer for name, buffer in saved.named_buffers() if name not in persistent}
    is_unset_here = bool(before) and _is_in(release, UNSET)
    after = _buffers_after_loading(saved, folder) if is_unset_here else None
    fate = "is in no checkpoint, and is left uninitialised unless something sets it"
    for name, buffer in before.items():
        lost = after is not None and (name not in after or not equal(after[name], buffer))
        if lost or after is None:
            advice = KEEP.format(it="it")
            unconfirmed = (
                " (not confirmed: this model cannot be saved and loaded here)"
                if is_unset_here and after is None
                else ""
            )
            yield Risk(_user_name(saved, name), [(UNSET, fate)], advice + unconfirmed, here=lost)


def _buffers_after_loading(saved: PreTrainedModel, root: Path | None) -> Mapping[str, Tensor] | None:
    """Save and load the model into poisoned memory; its buffers, or None if that fails."""
    with tempfile.TemporaryDirectory(dir=root) as folder:
        try:
            saved.save_pretrained(folder)
            with memory.poisoned():
                loaded = type(saved).from_pretrained(folder)
        except Exception:  # noqa: BLE001  the command `check` reports the reason
            return None
    return dict(loaded.named_buffers())


def _user_name(model: PreTrainedModel, name: str) -> str:
    """A name as the user has it, without the prefix of the wrapping model."""
    return name.removeprefix(f"{TOWER}.") if isinstance(model, WrappedModule) else name
