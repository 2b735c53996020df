"""`own`: a model of somebody's own, saved and loaded by transformers, and saved again."""

import functools
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from ...contract.catalog import Entry
from ...contract.routes import OWN
from ..models import weights
from ..models.installed import Release
from ..models.native import Native
from ..models.placement import Placement, tensors_of
from ..scenarios.context import CaseContext
from ..scenarios.holder import names_in, shared_names
from ..scenarios.protocol import Computed, Damaged, Loaded, Scenario, Written
from . import damage
from .target import Target
from .tensor_files import give

TRANSFORMERS: Final = "transformers."
HELD: Final[dict[str, Callable[[], nn.Module]]] = {}
"""What makes each module that is no model of transformers, by the target's name."""


class HolderConfig(PretrainedConfig):
    """Names what makes the module."""

    model_type = "layerscale_holder"

    def __init__(self, target: str = "", **kwargs: Any) -> None:
        self.target = target
        super().__init__(**kwargs)


class Holder(PreTrainedModel):
    """A model of transformers around a module that is none, as a project writes it that owns a tower."""

    config_class = HolderConfig
    base_model_prefix = "held"

    def __init__(self, config: HolderConfig) -> None:
        super().__init__(config)
        self.tower = HELD[config.target]()
        self.post_init()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.tower(*args, **kwargs)


@dataclass(frozen=True)
class Own:
    """What a case asks of a subject, for a target: its traits, where it runs, and what its constructor gives."""

    target: Target
    entry: Entry
    placement: Placement

    @classmethod
    def of(cls, target: Target, placement: Placement) -> "Own":
        """With the traits of the model as it is made."""
        return cls(target, target.entry(target.build()), placement)

    def default(self, name: str) -> Tensor | None:
        """What the constructor gives a tensor; None for a name that it does not."""
        return self._defaults.get(name)

    @functools.cached_property
    def _defaults(self) -> Mapping[str, Tensor]:
        return tensors_of(self.placement.cast(self.target.build()))


class Survival:
    """Whether a model survives transformers: names, tensors, buffers and outputs."""

    name = OWN

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """Every release saves and loads a model of one's own."""
        return None

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Saved and loaded, and once more what came back."""
        return {"": _survives(context)}


def _survives(context: CaseContext) -> Scenario:
    reference: Any = context.reference
    target, placement = reference.target, reference.placement
    with context.during("native"):
        plain = as_transformers_has_it(target).eval()
        inputs = _placed(target, placement)
    if target.kept is None:
        weights.fill(plain)
        folder = context.save(plain, context.folder / "saved")
        model, info = context.load(type(plain).from_pretrained, folder)
        written: Sequence[str] | None = names_in(folder)
    else:
        model, info = yield from _kept(context, plain)
        written = list(target.state) if set(target.state) <= set(plain.state_dict()) else None
    with context.during("native"):
        module = _as_loaded(plain, model, placement)
    native = context.native(lambda: Native(module, lambda: inputs.run(module), plain.state_dict()))
    loaded = Loaded(model, "", native, info, runs=target.inputs is not None)
    yield loaded
    if target.inputs is not None:
        yield Computed(lambda: inputs.run(model), lambda: native.runs, loaded)
    # Which names a file has is a class's own to say: some are turned on saving and back on loading. They must not move.
    again = context.save(model, context.folder / "saved again", phase="resave")
    if written is not None:
        shared = shared_names(plain)
        yield Written(again, *([name for name in names if name not in shared] for names in (names_in(again), written)))


def _kept(context: CaseContext, plain: Any) -> Generator[Damaged, None, tuple[Any, Mapping[str, Any]]]:
    """What a checkpoint folder comes back as, and its weights in `plain`; before that, what is wrong with its files.

    Names that the class itself turns as it loads are taken as it turns them: nobody else says what they should be.
    """
    reference: Any = context.reference
    state: Mapping[str, Tensor] = reference.target.state
    try:
        model, info = context.load(type(plain).from_pretrained, reference.target.kept, **context.precision)
    except Exception:  # then nobody knows which of its names the class turns
        if names := damage.nonfinite(state, reference.default):
            yield Damaged(damage.not_finite(names))
        raise
    turned = set(plain.state_dict()) - set(state) - {str(name) for name in info["missing_keys"]}
    held = {**{name: tensor for name, tensor in model.state_dict().items() if name in turned}, **state}
    yield from (Damaged(what) for what in damage.told(held, plain, reference.default))
    give(plain, held)
    return model, info


def as_transformers_has_it(target: Target) -> Any:
    """A new model, in one of transformers' where it is none itself."""
    model = target.build()
    if isinstance(model, PreTrainedModel):
        return model
    HELD[target.name] = target.build
    return Holder(HolderConfig(target=target.name))


def _as_loaded(plain: Any, model: Any, placement: Placement) -> Any:
    """The model as its lane has it, but for what transformers keeps in float32 where half precision is asked for.

    Which of its own modules' buffers these are, and which parameters, is transformers' to say; their values are not.
    """
    cast = placement.cast(plain)
    if placement.is_default:
        return cast
    loaded, buffers = tensors_of(model), dict(plain.named_buffers())
    for name, tensor in tensors_of(plain).items():
        owner, _, leaf = name.rpartition(".")
        module = cast.get_submodule(owner)
        kept = tensor.is_floating_point() and name in loaded and loaded[name].dtype == tensor.dtype != placement.dtype
        if kept and (name not in buffers or type(module).__module__.startswith(TRANSFORMERS)):
            value = tensor.detach().to(placement.device, copy=True)
            setattr(module, leaf, value if name in buffers else nn.Parameter(value))
    return cast


def _placed(target: Target, placement: Placement) -> Target:
    """The target with its inputs where the lane computes, and in its precision."""

    def put(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return value.to(placement.device, placement.dtype if value.is_floating_point() else value.dtype)

    given = target.inputs
    if given is None:
        return target
    if isinstance(given, Mapping):
        return replace(target, inputs={name: put(value) for name, value in given.items()})
    return replace(target, inputs=[put(value) for value in given])
