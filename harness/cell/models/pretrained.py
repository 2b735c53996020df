"""A model with the weights that the hub has for it: as timm gets them, held against what transformers gets.

What cannot be had is no finding about the pair: such a case is not run, and says why.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import timm
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.utils import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError
from torch import nn

from ...contract.case import Size
from ...contract.catalog import Entry
from ...contract.checkpoint import CONFIG
from .cutting import build
from .reference import Placement, ReferenceModel
from .variants import SAFETENSORS, Variant

SNAPSHOTS: Final = "snapshots"  # in the cache, a folder a revision


class NotThere(Exception):
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
        """The commit that was downloaded; None where the cache does not tell."""
        found = try_to_load_from_cache(self.repository, CONFIG)
        parts = Path(found).parts if isinstance(found, str) else ()
        return parts[parts.index(SNAPSHOTS) + 1] if SNAPSHOTS in parts else None

    @property
    def classes(self) -> int:
        """As the checkpoint has them."""
        classes: int = self.filled.num_classes
        return classes

    @property
    def _head(self) -> dict[str, Any]:
        return {"num_classes": self.classes}

    @functools.cached_property
    def filled(self) -> nn.Module:
        """As timm gets it from the hub, or its cache."""
        module: nn.Module = timm.create_model(self.architecture, pretrained=True)
        return module.eval()

    def save(self, folder: Path, variant: Variant, *, in_shards: bool = True) -> Path:  # noqa: ARG002
        """The repository's name, by which transformers gets it itself."""
        return Path(self.repository)

    def config(self) -> dict[str, Any]:
        """As timm has it of the model."""
        return {**super().config(), "pretrained_cfg": dict(self.filled.pretrained_cfg)}


def told(reference: ReferenceModel) -> Mapping[str, Any]:
    """What a record says of where the weights came from."""
    if not isinstance(reference, Pretrained):
        return {}
    return {"hub": {"repository": reference.repository, "revision": reference.revision}}


def _repository(model: str) -> str:
    """Where timm has the weights of a model that is asked for by its bare name. Raises NotThere for one without."""
    name = build(model, {}).pretrained_cfg.get("hf_hub_id")
    if not name:
        raise NotThere(f"timm {timm.__version__} names no repository of the hub for {model}")
    return str(name)


def _refuse_missing(repository: str) -> None:
    """Look whether both files are in the cache, or can be had, before either library asks. Raises NotThere."""
    url = f"{constants.ENDPOINT}/{repository}"
    try:
        for name in (CONFIG, SAFETENSORS):
            if not isinstance(try_to_load_from_cache(repository, name), str):
                get_hf_file_metadata(hf_hub_url(repository, name))
    except GatedRepoError as error:
        raise NotThere(f"{url} is gated: accept its terms there, and log in (HF_TOKEN)") from error
    except RepositoryNotFoundError as error:
        raise NotThere(f"{url} is not there, or private: log in (HF_TOKEN)") from error
    except EntryNotFoundError as error:
        raise NotThere(f"{url} lacks {CONFIG} or {SAFETENSORS}") from error
    except Exception as error:  # whatever a client's transport raises, which changes from one release to the next
        said = next(iter(str(error).splitlines()), "")
        raise NotThere(f"{url} cannot be reached: {type(error).__name__}: {said}") from error
