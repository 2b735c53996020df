"""A reference model with the hub's weights: timm's download of them is compared with transformers' own.

A checkpoint that the hub does not give is no finding about the pair: the case is not run, and its record says why.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import timm
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.utils import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError
from torch import nn

from ...contract.case import Size
from ...contract.catalog import Entry
from ...contract.checkpoint import CONFIG
from .placement import Placement
from .reference import ReferenceModel
from .slim import build
from .variants import SAFETENSORS, Variant

SNAPSHOTS: Final = "snapshots"  # in the cache, a folder a revision


class Unavailable(Exception):
    """The hub does not give a checkpoint; the message says why, and what to do."""


class Pretrained(ReferenceModel):
    """A timm model as `timm.create_model(..., pretrained=True)` makes it."""

    def __init__(self, entry: Entry, placement: Placement) -> None:
        super().__init__(entry, Size.FULL, placement)
        self.input_size = entry.input_size
        self.repository = _repository(entry.model)
        _refuse_missing(self.repository)

    @property
    def revision(self) -> str | None:
        """The commit that was downloaded; None if the cache does not tell."""
        cached = try_to_load_from_cache(self.repository, CONFIG)
        parts = Path(cached).parts if isinstance(cached, str) else ()
        return parts[parts.index(SNAPSHOTS) + 1] if SNAPSHOTS in parts else None

    @property
    def classes(self) -> int:
        """The number of classes of the checkpoint."""
        classes: int = self.filled.num_classes
        return classes

    @property
    def head_arguments(self) -> dict[str, Any]:
        """The arguments of `timm.create_model` that give the model its head."""
        return {"num_classes": self.classes}

    @functools.cached_property
    def filled(self) -> nn.Module:
        """The model with the weights that timm gets from the hub, or from its cache."""
        module: nn.Module = timm.create_model(self.architecture, pretrained=True)
        return module.eval()

    def save(self, folder: Path, variant: Variant, *, in_shards: bool = True) -> Path:  # noqa: ARG002
        """The repository's name, by which transformers downloads the checkpoint itself."""
        return Path(self.repository)

    def described(self, checkpoint: Path) -> Mapping[str, Any]:  # noqa: ARG002
        """What the repository's `config.json` says, which transformers downloaded."""
        return super().described(Path(hf_hub_download(self.repository, CONFIG)).parent)

    def config(self) -> dict[str, Any]:
        """The `config.json`, with timm's own description of the weights."""
        return {**super().config(), "pretrained_cfg": dict(self.filled.pretrained_cfg)}


def source_of(reference: ReferenceModel) -> Mapping[str, Any]:
    """The field of a record's detail that says where the weights came from; empty for telling weights."""
    if not isinstance(reference, Pretrained):
        return {}
    return {"hub": {"repository": reference.repository, "revision": reference.revision}}


def _repository(model: str) -> str:
    """The repository of the weights that timm loads for a model's bare name. Raises Unavailable if there is none."""
    name = build(model, {}).pretrained_cfg.get("hf_hub_id")
    if not name:
        raise Unavailable(f"timm {timm.__version__} names no repository of the hub for {model}")
    return str(name)


def _refuse_missing(repository: str) -> None:
    """Raise Unavailable unless both files are in the cache or on the hub, before either library downloads them."""
    url = f"{constants.ENDPOINT}/{repository}"
    try:
        for name in (CONFIG, SAFETENSORS):
            if not isinstance(try_to_load_from_cache(repository, name), str):
                get_hf_file_metadata(hf_hub_url(repository, name))
    except GatedRepoError as error:
        raise Unavailable(f"{url} is gated: accept its terms there, and log in (HF_TOKEN)") from error
    except RepositoryNotFoundError as error:
        raise Unavailable(f"{url} is not there, or private: log in (HF_TOKEN)") from error
    except EntryNotFoundError as error:
        raise Unavailable(f"{url} lacks {CONFIG} or {SAFETENSORS}") from error
    except Exception as error:  # the exceptions of a client's transport change from one release to the next
        message = next(iter(str(error).splitlines()), "")
        raise Unavailable(f"{url} cannot be reached: {type(error).__name__}: {message}") from error
