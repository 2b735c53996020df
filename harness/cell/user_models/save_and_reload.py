"""The route `own`: transformers saves, loads and again saves a user model."""

import functools
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from ...contract.case import Size
from ...contract.catalog import Entry
from ...contract.routes import OWN
from ..models import weights
from ..models.installed import Release
from ..models.native import Native
from ..models.placement import Placement, tensors_of
from ..scenarios.context import CaseContext
from ..scenarios.holder import shared_names
from ..scenarios.protocol import Computed, Damaged, Loaded, Scenario, Written
from ..scenarios.written_files import names_in
from . import constructed, damage
from .target import Target
from .tensor_files import copy_into

TRANSFORMERS: Final = "transformers."
BUILDERS: Final[dict[str, Callable[[], nn.Module]]] = {}
"""The builders of modules that are no models of transformers, by the target's name."""


class WrappedModuleConfig(PretrainedConfig):
    """Names the builder of the module."""

    model_type = "layerscale_holder"

    def __init__(self, target: str = "", **kwargs: Any) -> None:
        self.target = target
        super().__init__(**kwargs)


class WrappedModule(PreTrainedModel):
    """A transformers model around a plain module, as a project with its own tower writes it."""

    config_class = WrappedModuleConfig
    base_model_prefix = "held"

    def __init__(self, config: WrappedModuleConfig) -> None:
        super().__init__(config)
        self.tower = BUILDERS[config.target]()
        self.post_init()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The output of the module."""
        return self.tower(*args, **kwargs)


@dataclass(frozen=True)
class UserModel:
    """The reference model of a target: its traits, its placement, and its constructor's tensors."""

    target: Target
    entry: Entry
    placement: Placement
    size: str = Size.FULL
    as_stored: bool = False
    """Whether it is loaded without a dtype; the lane's is named."""
    loads: bool = False
    """Whether it is a model of transformers whose constructor loads weights, as timm's pretrained ones."""

    @classmethod
    def of(cls, target: Target, placement: Placement) -> "UserModel":
        """The user model, with the traits of a newly built one."""
        made = constructed.construct(target.build)
        loads = isinstance(made.model, PreTrainedModel) and bool(made.loaded)
        return cls(target, target.entry(made.model), placement, loads=loads)

    def default(self, name: str) -> Tensor | None:
        """The constructor's tensor of that name; None if there is none."""
        return self._defaults.get(name)

    @functools.cached_property
    def _defaults(self) -> Mapping[str, Tensor]:
        return tensors_of(self.placement.cast(self.target.build()))


class SaveAndReload:
    """Save and reload a user model: names, tensors, buffers and outputs must come back."""

    name = OWN

    def unsupported(self, release: Release, entry: Entry) -> str | None:  # noqa: ARG002
        """None: every release saves and loads a user model."""
        return None

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """Saved, loaded, and saved again; and, where the constructor loads weights, what becomes of these."""
        reference: Any = context.reference
        whole = {"": _saved_and_reloaded(context)}
        if not (reference.loads and context.is_default and reference.target.folder is None):
            return whole
        return {**whole, **constructed.scenarios(context, reference.target.build)}


def _saved_and_reloaded(context: CaseContext) -> Scenario:
    reference: Any = context.reference
    target, placement = reference.target, reference.placement
    with context.during("native"):
        plain = build_pretrained(target).eval()
        inputs = _placed(target, placement)
    if target.folder is None:
        weights.fill(plain)
        folder = context.save(plain, context.folder / "saved")
        model, info = context.load(type(plain).from_pretrained, folder)
        written: Sequence[str] | None = names_in(folder)
    else:
        model, info = yield from _load_folder(context, plain)
        written = list(target.state) if set(target.state) <= set(plain.state_dict()) else None
    with context.during("native"):
        module = _as_loaded(plain, model, placement)
    native = context.native(lambda: Native(module, lambda: inputs.run(module), plain.state_dict()))
    loaded = Loaded(model, "", native, info, runs=target.inputs is not None)
    yield loaded
    if target.inputs is not None:
        yield Computed(lambda: inputs.run(model), lambda: native.runs, loaded)
    # A class may rename keys on saving and back on loading, so only a change from one save to the next is wrong.
    again = context.save(model, context.folder / "saved again", phase="resave")
    if written is not None:
        shared = shared_names(plain)
        names, expected = ([name for name in names if name not in shared] for names in (names_in(again), written))
        yield Written(again, names, expected)


def _load_folder(context: CaseContext, plain: Any) -> Generator[Damaged, None, tuple[Any, Mapping[str, Any]]]:
    """Load the target's checkpoint folder, yield the damage in its files, and copy its weights into `plain`.

    Keys that the class renames on loading are taken as it renames them, for only the class defines them.
    """
    reference: Any = context.reference
    state: Mapping[str, Tensor] = reference.target.state
    try:
        model, info = context.load(type(plain).from_pretrained, reference.target.folder, **context.precision)
    except Exception:  # without a loaded model the renamed keys are unknown
        if names := damage.nonfinite(state, reference.default):
            yield Damaged(damage.describe_nonfinite(names))
        raise
    renamed = set(plain.state_dict()) - set(state) - {str(name) for name in info["missing_keys"]}
    held = {**{name: tensor for name, tensor in model.state_dict().items() if name in renamed}, **state}
    yield from (Damaged(message) for message in damage.describe(held, plain, reference.default))
    copy_into(plain, held)
    return model, info


def build_pretrained(target: Target) -> Any:
    """Build the target's model; a plain module is wrapped in a transformers model."""
    model = target.build()
    if isinstance(model, PreTrainedModel):
        return model
    BUILDERS[target.name] = target.build
    return WrappedModule(WrappedModuleConfig(target=target.name))


def _as_loaded(plain: Any, model: Any, placement: Placement) -> Any:
    """The saved model in the placement of its lane, except tensors that transformers keeps in float32.

    transformers decides which parameters, and which buffers of its own modules, these are; the values are the saved.
    """
    cast = placement.cast(plain)
    if placement.is_default:
        return cast
    loaded, buffers = tensors_of(model), dict(plain.named_buffers())
    for name, tensor in tensors_of(plain).items():
        owner, _, leaf = name.rpartition(".")
        module = cast.get_submodule(owner)
        keeps_dtype = (
            tensor.is_floating_point() and name in loaded and loaded[name].dtype == tensor.dtype != placement.dtype
        )
        if keeps_dtype and (name not in buffers or type(module).__module__.startswith(TRANSFORMERS)):
            value = tensor.detach().to(placement.device, copy=True)
            setattr(module, leaf, value if name in buffers else nn.Parameter(value))
    return cast


def _placed(target: Target, placement: Placement) -> Target:
    """The target with its inputs on the lane's device and in its precision."""

    def put(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        return value.to(placement.device, placement.dtype if value.is_floating_point() else value.dtype)

    inputs = target.inputs
    if inputs is None:
        return target
    if isinstance(inputs, Mapping):
        return replace(target, inputs={name: put(value) for name, value in inputs.items()})
    return replace(target, inputs=[put(value) for value in inputs])
