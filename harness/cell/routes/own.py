"""Models of one's own: a PreTrainedModel that holds a timm module, saved and loaded whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

from safetensors import safe_open
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from harness.catalog import Entry
from harness.cell import weights
from harness.cell.routes.road import Loaded, Release, Saved
from harness.cell.subject import Native, Outputs, Runs, Subject

WHOLE: Final = "whole"


class OwnConfig(PretrainedConfig):
    """The timm architecture that a model of one's own holds, and the width of its features."""

    def __init__(self, architecture: str = "", width: int = 1, **kwargs: Any) -> None:
        self.architecture = architecture
        self.width = width
        super().__init__(**kwargs)


class Own:
    """Save a model of one's own, load it whole: the timm module's features, and the whole model's output."""

    name: ClassVar[str]
    prefix: ClassVar[str]
    model_cls: ClassVar[type[PreTrainedModel]]

    def unsupported(self, release: Release, entry: Entry) -> str | None:
        """Why this release or model has no such road."""
        raise NotImplementedError

    def native(self, subject: Subject) -> Native:
        """The timm module inside."""
        raise NotImplementedError

    def config(self, subject: Subject) -> PretrainedConfig:
        """The configuration that builds the model."""
        raise NotImplementedError

    def run(self, subject: Subject, model: Any) -> dict[str, Tensor]:
        """What the model computes: `whole` is its own output, all else is named as native timm's."""
        raise NotImplementedError

    def save(self, subject: Subject, folder: Path) -> Saved:
        """Build the model, give its timm module the native tensors and the rest telling ones, and save it."""
        with weights.uninitialised():
            whole = self.model_cls(self.config(subject))
        whole = whole.to(subject.place.device, subject.place.dtype).eval()
        native = self.native(subject)
        weights.fill(whole, {f"{self.prefix}.{name}": tensor for name, tensor in native.module.state_dict().items()})
        whole.save_pretrained(folder)
        prefix = f"{self.prefix}."
        return Saved(folder, [name.removeprefix(prefix) for name in names_in(folder) if name.startswith(prefix)], whole)

    def load(self, subject: Subject, saved: Saved) -> Iterator[Loaded]:
        """Through the class's own from_pretrained, as every user of such a model does."""
        model, info = self.model_cls.from_pretrained(saved.folder, output_loading_info=True)
        yield Loaded(subject.place.put(model), self.prefix, info)

    def expected(self, subject: Subject, saved: Saved) -> Runs:
        """Native features, and the whole output of the model that was saved."""
        computed = Runs.of(lambda: self.run(subject, saved.whole))
        features = self.native(subject).runs.only(name for name in computed.first if name != WHOLE)
        return features.merged(computed.only([WHOLE]))

    def outputs(self, subject: Subject, loaded: Loaded) -> Outputs:
        """Features and the whole output."""
        return self.run(subject, loaded.model)


def names_in(folder: Path) -> list[str]:
    """The names of all tensors in a folder's safetensors files."""
    names: list[str] = []
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            names += file.keys()
    return names
