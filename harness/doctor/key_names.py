"""Which names of a model transformers rewrites when it loads a checkpoint: by every release that is known, and here.

A name that is rewritten is lost, and with it the tensor: the model comes back with what its constructor gave it.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final

from packaging.specifiers import SpecifierSet
from torch import Tensor
from transformers import PreTrainedModel

from ..cell.compare.diagnosis import equal
from ..cell.guards import memory, offline
from ..cell.models.installed import Release
from ..cell.user_models import save_and_reload
from ..cell.user_models.key_renames import KNOWN, KeyRename
from ..cell.user_models.request import Request
from ..cell.user_models.save_and_reload import WrappedModule
from ..cell.user_models.target import Target
from .console_report import quiet

TOWER: Final = "tower"  # what the harness's model calls a module that is none of transformers'
LEFT_ALONE: Final = ">=5.3"
SWAPPED: Final = ">=5.0"
UNSET: Final = ">=5.0"


@dataclass(frozen=True)
class Risk:
    """One name, what becomes of it in which releases, what to do about it, and whether the installed one does it."""

    name: str
    fates: Sequence[tuple[str, str]]
    advice: str
    here: bool

    @property
    def sentence(self) -> str:
        """In words."""
        fates = "; ".join(f"transformers {releases}: {fate}" for releases, fate in self.fates)
        return f"{'✘' if self.here else '·'} {self.name}\n    {fates}\n    {self.advice}"


def examine(asked: Request, out: IO[str]) -> int:
    """Print the names at risk; 1 where the release that is installed does any of it, else 0. Raises Unusable."""
    offline.enforce()
    release = Release.installed()
    with quiet():
        target = asked.module()
        model = save_and_reload.build_pretrained(target)
        found = [*rewritten(model, release), *unset(target, release)]
    out.write(
        f"transformers {release.transformers}; {asked.target} has {len(model.state_dict())} names in a checkpoint\n"
    )
    for risk in found:
        out.write(f"{risk.sentence}\n")
    here = sum(risk.here for risk in found)
    out.write(f"{len(found)} at risk, {here} of them with this transformers\n")
    return int(here > 0)


def rewritten(model: PreTrainedModel, release: Release) -> Iterator[Risk]:
    """The names of a checkpoint that any release rewrites, or that the base model's prefix makes ambiguous."""
    names = list(model.state_dict())
    here = installed(model, names, release)
    prefix = getattr(model, "base_model_prefix", "")
    for name in names:
        rules = [rule for rule in KNOWN if rule.pattern.search(name)]
        fates = [(rule.releases, f"becomes {_own(model, rule.pattern.sub(rule.into, name))}") for rule in rules]
        known_here = any(_is_in(release, rule.releases) for rule in rules)
        if name in here and not known_here:
            fates.append((str(release.transformers), f"becomes {here[name]}"))
        bare = name.removeprefix(f"{prefix}.")
        if prefix and bare != name and bare in names:
            swapped = (SWAPPED, f"takes the place of {bare}, in silence")
            advice = f"the two differ in {prefix}, the base model's prefix, alone: rename a part, or the prefix"
            yield Risk(_own(model, name), [*fates, swapped], advice, here=known_here or _is_in(release, SWAPPED))
        elif fates:
            safe = _safe(_own(model, name), rules)
            advice = f"a name that is safe: {safe}" if safe else "choose another name"
            yield Risk(_own(model, name), fates, advice, known_here or name in here)


def _safe(name: str, rules: Sequence[KeyRename]) -> str | None:
    """The name with all that is rewritten in it replaced; None where no known rule says by what."""
    for rule in rules:
        name = rule.pattern.sub(rule.safe, name)
    return name if rules else None


def _is_in(release: Release, releases: str) -> bool:
    return release.transformers in SpecifierSet(releases, prereleases=True)


def installed(model: PreTrainedModel, names: Sequence[str], release: Release) -> Mapping[str, str]:
    """What the rules of the transformers that is installed make of each name, where a loaded model then lacks it."""
    rename = _rules(model)
    renamed = {name: rename(name) for name in names}
    left_alone = _is_in(release, LEFT_ALONE)
    return {name: new for name, new in renamed.items() if new != name and (new in names or not left_alone)}


def _rules(model: PreTrainedModel) -> Callable[[str], str]:
    """A function that renames as loading does. Before 4.48 there is none to ask, and KNOWN alone tells."""
    if fix := getattr(model, "_fix_state_dict_key_on_load", None):
        return lambda name: str(next(iter(found)) if isinstance(found := fix(name), tuple) else found)
    try:
        from transformers.conversion_mapping import get_model_conversion_mapping  # noqa: PLC0415  not before 5
        from transformers.core_model_loading import WeightRenaming, rename_source_key  # noqa: PLC0415  not before 5
    except ImportError:
        return lambda name: name
    mapping = get_model_conversion_mapping(model)
    renamings = [rule for rule in mapping if isinstance(rule, WeightRenaming)]
    converters = [rule for rule in mapping if not isinstance(rule, WeightRenaming)]
    return lambda name: str(rename_source_key(name, renamings, converters)[0])


def unset(target: Target, release: Release) -> Iterator[Risk]:
    """Non-persistent buffers that nothing sets again. Before transformers 5 nothing unsets them."""
    saved = save_and_reload.build_pretrained(target)
    kept = set(saved.state_dict())
    before = {name: buffer for name, buffer in saved.named_buffers() if name not in kept}
    asked = bool(before) and _is_in(release, UNSET)
    after = _loaded(saved) if asked else None
    fate = "is in no checkpoint, and is left uninitialised unless something sets it"
    for name, buffer in before.items():
        lost = after is not None and (name not in after or not equal(after[name], buffer))
        if lost or after is None:
            advice = "set it in your model's _init_weights, or make it persistent"
            unseen = " (such a model could not be saved and loaded here to see)" if asked and after is None else ""
            yield Risk(_own(saved, name), [(UNSET, fate)], advice + unseen, here=lost)


def _loaded(saved: PreTrainedModel) -> Mapping[str, Tensor] | None:
    """The buffers of the model as it comes back, into memory that shows what nobody has set; None where it does not."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            saved.save_pretrained(folder)
            with memory.poisoned():
                loaded = type(saved).from_pretrained(folder)
        except Exception:  # noqa: BLE001  check is what tells why
            return None
    return dict(loaded.named_buffers())


def _own(model: PreTrainedModel, name: str) -> str:
    """A name as the model's owner has it, without the part that the harness puts before it."""
    return name.removeprefix(f"{TOWER}.") if isinstance(model, WrappedModule) else name
