"""`backbone`: a user's own model that holds a TimmBackbone, saved and loaded whole.

Also at its default level, at its first, and with other `num_channels`, `freeze_batch_norm_2d` and `output_stride`.

Compared with native timm: feature maps; the whole output is compared with that of the model that was saved.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, TimmBackbone, TimmBackboneConfig

from ...contract.catalog import Entry
from ..models import weights
from ..models.installed import Release
from ..models.layer_scales import has_layer_scale
from ..models.native import Native, Outputs, numbered, under
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.holder import WHOLE, Holder, HolderConfig, save_and_load
from ..scenarios.protocol import Scenario

CLASSES: Final = 4
CHANNELS: Final = 4
STRIDE: Final = 8
STRIDED: Final = frozenset({"convnext", "regnet", "resnet"})  # families in which timm turns strides into dilation
PREFIX: Final = "backbone._backbone"


class SegmenterConfig(HolderConfig):
    """Names the timm architecture of the backbone, and its options; `width` is its number of feature maps."""

    model_type = "timm_segmenter"

    def __init__(self, options: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self.options = dict(options or {})
        super().__init__(**kwargs)


class Segmenter(PreTrainedModel):
    """A TimmBackbone, and a head over its feature maps."""

    config_class = SegmenterConfig
    main_input_name = "pixel_values"

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__(config)
        self.backbone = TimmBackbone(backbone_config(config.architecture, **config.options))
        self.head = nn.Linear(config.width, CLASSES)
        self.post_init()

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """Feature maps, and from the mean of each the head's output of shape (batch, classes)."""
        maps = self.backbone(pixel_values).feature_maps
        means = torch.stack([level.flatten(1).mean(dim=1) for level in maps], dim=1)
        return {**numbered(maps), WHOLE: self.head(means)}


class Backbone:
    """Save the model, load it with from_pretrained: feature maps, and the whole model's output."""

    name = "backbone"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Architectures without `features_only` in timm have no such route."""
        return no_backbone(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """All feature maps; and one scenario for each option of the configuration that release and model have."""
        if not context.is_default:
            return {"": _saved(context)}
        options = {
            "": _saved(context),
            "default level": _at_default_level(context),
            "num_channels": _with_channels(context),
        }
        if len(context.reference.levels) > 1:
            options["first level"] = _at_first_level(context)
        if context.reference.entry.batch_norm:
            options["freeze_batch_norm_2d"] = _frozen(context)
        if "output_stride" in _options() and context.reference.entry.family in STRIDED:
            options["output_stride"] = _strided(context)
        return options


def no_backbone(release: Release, entry: Entry) -> str | None:
    """The reason why timm does not offer this model as a backbone; None if it does."""
    return None if entry.feature_levels else f"timm {release.timm} has no features_only for {entry.model}"


def backbone_config(architecture: str, out_indices: Sequence[int] | None = None, **options: Any) -> TimmBackboneConfig:
    """The configuration of a TimmBackbone that downloads no weights."""
    # Before 5.0 timm downloads weights unless the configuration says no; later it has no such field.
    no_weights = {"use_pretrained_backbone": False} if "use_pretrained_backbone" in _options() else {}
    levels = {} if out_indices is None else {"out_indices": list(out_indices)}
    return TimmBackboneConfig(backbone=architecture, **levels, **no_weights, **options)


def _options() -> Mapping[str, Any]:
    return inspect.signature(TimmBackboneConfig.__init__).parameters


def segmenter(
    reference: ReferenceModel, native: Callable[[], Native], image: Tensor, levels: int, **options: Any
) -> Holder:
    """The holder of a Segmenter on this timm backbone with `levels` feature maps; it runs on `image`."""
    config = SegmenterConfig(architecture=reference.architecture, width=levels, options=options)
    return Holder(
        build=lambda: Segmenter(config),
        from_pretrained=Segmenter.from_pretrained,
        prefixes=(PREFIX,),
        native=native,
        run=lambda model: model(pixel_values=image),
    )


def _saved(context: CaseContext) -> Scenario:
    reference = context.reference
    two = reference.two.to(reference.placement.dtype)

    def native() -> Native:
        module: Any = reference.features.module
        channels = {"channels": torch.tensor(module.feature_info.channels())}

        def run() -> Outputs:
            return {**reference.features.run(), **under("two pictures", numbered(module(two))), **channels}

        return Native(module, run, reference.features.state)

    holder = segmenter(reference, native, reference.image, len(reference.levels), out_indices=reference.levels)

    def run(model: Any) -> Outputs:
        channels = {"channels": torch.tensor(model.backbone.channels)}
        return {**holder.run(model), **under("two pictures", numbered(model.backbone(two).feature_maps)), **channels}

    yield from save_and_load(context, replace(holder, run=run))


def _at_first_level(context: CaseContext) -> Scenario:
    """Of several levels the first alone, so that no other passes for it."""
    reference = context.reference
    first = context.native(lambda: reference.features_at([0]))
    holder = segmenter(reference, lambda: first, reference.image, 1, out_indices=[0])
    # Some families have LayerScale in later levels alone.
    yield from save_and_load(context, replace(holder, scales=has_layer_scale(first.module)))


def _at_default_level(context: CaseContext) -> Scenario:
    """Without `out_indices` only the last level is a feature map, as in all models of transformers."""
    reference = context.reference

    def native() -> Native:
        last = reference.features_at([-1])
        return _with_effect(last, reference.features) if len(reference.levels) > 1 else last

    yield from save_and_load(context, segmenter(reference, native, reference.image, 1))


def _with_channels(context: CaseContext) -> Scenario:
    reference = context.reference
    image = weights.image((CHANNELS, *reference.input_size[1:])).to(reference.image)

    def native() -> Native:
        levels = {"out_indices": reference.levels, "in_chans": CHANNELS}
        return reference.create(lambda module: numbered(module(image)), features_only=True, **levels)

    holder = segmenter(
        reference, native, image, len(reference.levels), out_indices=reference.levels, num_channels=CHANNELS
    )
    yield from save_and_load(context, holder)


def _frozen(context: CaseContext) -> Scenario:
    reference = context.reference

    def native() -> Native:
        frozen, usual = (
            set(dict(native.module.named_parameters())) for native in (reference.frozen_features, reference.features)
        )
        if not frozen < usual:
            raise ValueError("freeze_batch_norm_2d has no effect on this architecture")
        return reference.frozen_features

    options = {"out_indices": reference.levels, "freeze_batch_norm_2d": True}
    yield from save_and_load(context, segmenter(reference, native, reference.image, len(reference.levels), **options))


def _strided(context: CaseContext) -> Scenario:
    reference = context.reference

    def native() -> Native:
        return _with_effect(reference.features_at(reference.levels, output_stride=STRIDE), reference.features)

    options = {"out_indices": reference.levels, "output_stride": STRIDE}
    yield from save_and_load(context, segmenter(reference, native, reference.image, len(reference.levels), **options))


def _with_effect(native: Native, usual: Native) -> Native:
    """Return `native`. Raises ValueError if its option changes no shape, for then the scenario would show nothing."""
    shapes, usual_shapes = ([tuple(level.shape) for level in model.runs.first.values()] for model in (native, usual))
    if shapes == usual_shapes:
        raise ValueError("the option has no effect on this architecture")
    return native


ROUTE: Final = Backbone()
