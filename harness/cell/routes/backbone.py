"""`backbone`: a model of one's own that holds a TimmBackbone, saved and loaded whole."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel, TimmBackbone, TimmBackboneConfig

from harness.catalog import Entry
from harness.cell.routes.own import WHOLE, Own, OwnConfig
from harness.cell.routes.road import Release
from harness.cell.subject import Native, Subject, numbered

CLASSES = 4


class SegmenterConfig(OwnConfig):
    """Names the timm architecture of the backbone; `width` is its number of feature maps."""

    model_type = "timm_segmenter"


class Segmenter(PreTrainedModel):
    """A TimmBackbone that gives all its feature maps, and a head over them."""

    config_class = SegmenterConfig
    main_input_name = "pixel_values"

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__(config)
        self.backbone = TimmBackbone(_backbone_config(config.architecture, list(range(config.width))))
        self.head = nn.Linear(config.width, CLASSES)
        self.post_init()

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """Feature maps, and from the mean of each the head's output of shape (batch, classes)."""
        maps = self.backbone(pixel_values).feature_maps
        means = torch.stack([level.flatten(1).mean(dim=1) for level in maps], dim=1)
        return {**numbered(maps), WHOLE: self.head(means)}


class Backbone(Own):
    """Save the model, load it with from_pretrained: feature maps, and the whole model's output."""

    name = "backbone"
    prefix = "backbone._backbone"
    model_cls = Segmenter

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Only what timm itself offers as a backbone."""
        return None if entry.feature_levels else f"timm {release.timm} has no features_only for {entry.model}"

    def native(self, subject: Subject) -> Native:
        """The model as a backbone."""
        return subject.features

    def config(self, subject: Subject) -> PretrainedConfig:
        """The slim or full architecture by its name, with all its levels."""
        return SegmenterConfig(architecture=subject.architecture, width=len(subject.levels))

    def run(self, subject: Subject, model: Any) -> dict[str, Tensor]:
        """A picture."""
        outputs: dict[str, Tensor] = model(pixel_values=subject.image)
        return outputs


def _backbone_config(architecture: str, levels: list[int]) -> TimmBackboneConfig:
    # Until 5.0 the configuration says whether timm shall fetch weights, and must say no; later it has no such field.
    asks = "use_pretrained_backbone" in inspect.signature(TimmBackboneConfig.__init__).parameters
    no_weights = {"use_pretrained_backbone": False} if asks else {}
    return TimmBackboneConfig(backbone=architecture, out_indices=levels, **no_weights)
