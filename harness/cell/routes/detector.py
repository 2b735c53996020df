"""`detector`: DETR, Conditional DETR and OmDet-Turbo of transformers on a timm backbone, shrunk, saved and loaded.

Compared with native timm: feature maps; logits and boxes are compared with those of the model that was saved.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
import transformers
from packaging.version import Version
from torch import Tensor

from ...contract.catalog import Entry
from ..models.installed import Release
from ..models.native import Native, Outputs, numbered
from ..models.reference import ReferenceModel
from ..scenarios.context import CaseContext
from ..scenarios.holder import WHOLE, Holder, module_prefix, save_and_load
from ..scenarios.protocol import Back, Scenario
from .backbone import backbone_config, no_backbone

# Since this version a DETR takes its backbone by a backbone_config only; before, it asks timm itself.
BACKBONE_CONFIG: Final = Version("5.1.0.dev0")
# Prefixes of the timm module; the first that names a module counts. Recent releases save it under the old name.
DETR: Final = ("model.backbone.model", "model.backbone.conv_encoder.model")
OMDET: Final = ("vision_backbone.vision_backbone._backbone",)
MASK: Final = "the mask matters"
APART: Final = "a picture beside a padded one is detected as alone"
TRACKED: Final = "num_batches_tracked"  # a buffer that a frozen batch norm lacks
WIDTH: Final = 32
SMALL: Final[Mapping[str, Any]] = {
    "d_model": WIDTH,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "num_queries": 5,
    "num_labels": 3,
    "dropout": 0.0,
}


@dataclass(frozen=True)
class Detector:
    """A detector of transformers: its class, how it is built, its inputs and the names of its outputs.

    One that `masks` takes a `pixel_mask` for pictures that are padded.
    """

    cls: str
    build: Callable[[CaseContext], Any]
    inputs: Callable[[ReferenceModel], Mapping[str, Tensor]]
    outputs: tuple[str, ...]
    prefixes: tuple[str, ...]
    last_level: bool = False
    freezes: bool = True
    masks: bool = True


class DetectorRoute:
    """Save the detector and load it: the backbone's feature maps, and the detections."""

    name = "detector"

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Architectures without `features_only` in timm have no such route."""
        return no_backbone(release, entry)

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        """One for each detector that this release has."""
        return {
            name: save_and_load(context, _holder(context, detector))
            for name, detector in DETECTORS.items()
            if hasattr(transformers, detector.cls)
        }


def _holder(context: CaseContext, detector: Detector) -> Holder:
    reference = context.reference

    def run(model: Any) -> Outputs:
        output, backbone = (
            model(**detector.inputs(reference)),
            model.get_submodule(module_prefix(model, detector.prefixes)),
        )
        whole = {f"{WHOLE} {name}": output[name] for name in detector.outputs}
        return {**numbered(backbone(reference.image)), **whole, **(_masked(reference, model) if detector.masks else {})}

    def native() -> Native:
        maps = reference.features_at(reference.levels[-1:] if detector.last_level else reference.levels)
        matters = {name: torch.tensor(data=True) for name in (MASK, APART) if detector.masks}
        return Native(maps.module, lambda: {**maps.run(), **matters}, maps.state)

    def frozen() -> frozenset[str]:
        names = reference.features.names if detector.freezes else ()
        return frozenset(name for name in names if name.endswith(TRACKED))

    return Holder(
        build=lambda: detector.build(context),
        from_pretrained=getattr(transformers, detector.cls).from_pretrained,
        prefixes=detector.prefixes,
        native=native,
        run=run,
        left_out=frozen,
        alters=detector.freezes,
        back=Back.EACH,
    )


def _masked(reference: ReferenceModel, model: Any) -> Outputs:
    """Detections in two pictures of which one is padded, and whether its mask changes any of them."""
    pixels = reference.two.to(reference.placement.dtype)
    mask = torch.ones(pixels.shape[0], *pixels.shape[-2:], dtype=torch.long, device=pixels.device)
    mask[1, mask.shape[1] // 2 :] = 0
    padded = pixels * mask[:, None]
    masked, plain = model(pixel_values=padded, pixel_mask=mask), model(pixel_values=padded)
    alone = model(pixel_values=padded[:1])
    apart = all(_distance(alone[name], masked[name][0]) <= _distance(alone[name], masked[name][1]) for name in BOXES)
    whole = {f"{WHOLE} {name} of a padded picture": masked[name] for name in BOXES}
    matters = not torch.equal(masked.logits[1], plain.logits[1])
    return {**whole, MASK: torch.tensor(matters), APART: torch.tensor(apart)}


def _distance(first: Tensor, second: Tensor) -> float:
    return float((first - second).detach().abs().max())


def _detr(name: str) -> Callable[[CaseContext], Any]:
    def build(context: CaseContext) -> Any:
        config = getattr(transformers, f"{name}Config")(**SMALL, **_backbone(context))
        return getattr(transformers, f"{name}ForObjectDetection")(config)

    return build


def _backbone(context: CaseContext) -> Mapping[str, Any]:
    """The backbone arguments that the release documents for a DETR."""
    architecture, levels = context.reference.architecture, context.reference.levels
    if context.release.transformers >= BACKBONE_CONFIG:
        return {"backbone_config": backbone_config(architecture, out_indices=levels)}
    arguments = {"use_timm_backbone": True, "use_pretrained_backbone": False, "backbone": architecture}
    return {**arguments, "backbone_kwargs": {"out_indices": levels}}


def _omdet(context: CaseContext) -> Any:
    """With a single level, for its neck needs maps that halve exactly, which not every backbone and size gives."""
    from transformers import CLIPTextConfig, OmDetTurboConfig, OmDetTurboForObjectDetection  # noqa: PLC0415  by release

    level = context.reference.levels[-1:]
    channels = context.reference.features_at(level).module.feature_info.channels()
    through_config = {"use_timm_backbone": False, "use_pretrained_backbone": None, "backbone": None}
    text = CLIPTextConfig(
        vocab_size=32,
        hidden_size=64,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        projection_dim=32,
        max_position_embeddings=16,
        bos_token_id=0,
        eos_token_id=31,
        pad_token_id=1,
    )
    config = OmDetTurboConfig(
        text_config=text,
        backbone_config=backbone_config(context.reference.architecture, out_indices=level),
        **({} if context.release.transformers >= BACKBONE_CONFIG else through_config),
        apply_layernorm_after_vision_backbone=False,
        encoder_in_channels=list(channels),
        vision_features_channels=[WIDTH],
        num_feature_levels=1,
        encoder_projection_indices=[0],
        encoder_hidden_dim=WIDTH,
        encoder_attention_heads=2,
        encoder_dim_feedforward=32,
        encoder_layers=1,
        decoder_hidden_dim=WIDTH,
        decoder_num_heads=2,
        decoder_num_layers=1,
        # At most one query for each cell of the map; text wider than the decoder, which otherwise does not project it.
        decoder_dim_feedforward=32,
        num_queries=1,
        text_projection_in_dim=64,
        text_projection_out_dim=64,
        class_embed_dim=64,
        task_encoder_hidden_dim=32,
        image_size=64,
        disable_custom_kernels=True,
    )
    return OmDetTurboForObjectDetection(config)


def _words(reference: ReferenceModel) -> Mapping[str, Tensor]:
    classes, task = torch.tensor([[0, 5, 31], [0, 7, 31]]), torch.tensor([[0, 9, 5, 7, 31]])
    words = {
        "classes_input_ids": classes,
        "classes_attention_mask": torch.ones_like(classes),
        "tasks_input_ids": task,
        "tasks_attention_mask": torch.ones_like(task),
        "classes_structure": torch.tensor([2]),
    }
    return {
        "pixel_values": reference.image,
        **{name: word.to(reference.placement.device) for name, word in words.items()},
    }


def _picture(reference: ReferenceModel) -> Mapping[str, Tensor]:
    return {"pixel_values": reference.image}


BOXES: Final = ("logits", "pred_boxes")
DETECTORS: Final[Mapping[str, Detector]] = {
    "DETR": Detector("DetrForObjectDetection", _detr("Detr"), _picture, BOXES, DETR),
    "Conditional DETR": Detector("ConditionalDetrForObjectDetection", _detr("ConditionalDetr"), _picture, BOXES, DETR),
    "OmDet-Turbo": Detector(
        "OmDetTurboForObjectDetection",
        _omdet,
        _words,
        ("decoder_class_logits", "decoder_coord_logits"),
        OMDET,
        last_level=True,
        freezes=False,
        masks=False,
    ),
}


ROUTE: Final = DetectorRoute()
