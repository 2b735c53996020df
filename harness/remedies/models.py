"""Remedies that mend a loaded model in place.

Each takes the model, transformers' loading report (what `output_loading_info=True` gives, or an empty mapping), and the
folder that the model was loaded from, if there is one. A name that a remedy fills in is taken off the report.
"""

import copy
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from .calls import backbones, extractor

Report = MutableMapping[str, Any]


def load_by_exact_names(model: nn.Module, report: Report, folder: Path | None) -> None:
    """Load the checkpoint's tensors by the names that they have there, as `load_state_dict` does.

    `from_pretrained` renames keys that contain gamma or beta before transformers 4.49.
    """
    state = _state(folder)
    model.load_state_dict(state, strict=False)
    report["unexpected_keys"] = [name for name in state if name not in model.state_dict()]
    _found(report, state)


def fill_non_persistent_buffers(model: nn.Module, report: Report, folder: Path | None) -> None:  # noqa: ARG001
    """Compute timm's non-persistent buffers again, which are in no checkpoint.

    timm 1.0.23 and later can; a model of one's own may call `init_non_persistent_buffers` in its `_init_weights`
    instead. Before, they are copied from a new timm model of the same architecture.
    """
    fills = [
        fill for module in model.modules() if callable(fill := getattr(module, "init_non_persistent_buffers", None))
    ]
    with torch.no_grad():
        for fill in fills:
            fill()
    if not fills:
        for module, new in _made_again(model):
            _copy_unsaved_buffers(new, module)


def freeze_as_built(model: nn.Module, report: Report, folder: Path | None) -> None:  # noqa: ARG001
    """Freeze the parameters that the model's constructor freezes: it is called again with the model's configuration.

    Random numbers are drawn as if it had not been.
    """
    with torch.random.fork_rng(devices=[]):
        built = type(model)(copy.deepcopy(model.config))
    frozen = {name for name, parameter in built.named_parameters() if not parameter.requires_grad}
    for name, parameter in model.named_parameters():
        if name in frozen:
            parameter.requires_grad_(requires_grad=False)


def set_missing_to_timm_defaults(model: nn.Module, report: Report, folder: Path | None) -> None:  # noqa: ARG001
    """Set the parameters that the checkpoint lacks to what timm's constructor gives them.

    The report names them; it stays as it is, for they are missing in the checkpoint.
    """
    for prefix, module in _timm_modules(model):
        start = f"{prefix}." if prefix else ""
        defaults = _new(module).state_dict()
        missing = {str(name).removeprefix(start) for name in report.get("missing_keys", ())}
        _copy({name: tensor for name, tensor in defaults.items() if name in missing}, module)


def load_pretrained_again(model: nn.Module, report: Report, folder: Path | None) -> None:  # noqa: ARG001
    """Load timm's pretrained weights again into the modules that were made with them.

    For a model that its constructor gave them, where no checkpoint holds the module.
    """
    for _, module in _timm_modules(model):
        timm.models.load_pretrained(module, module.pretrained_cfg, num_classes=module.num_classes)


def load_by_timm(model: nn.Module, report: Report, folder: Path | None) -> None:
    """Load a wrapper that was made with `features_only` by timm, which knows the names in its own checkpoint."""
    wrapper: Any = model
    config = wrapper.config
    source = {"file": str(_file(folder)), "num_classes": config.num_labels, "custom_load": False}
    arguments = {**config.model_args, "pretrained_cfg_overlay": source}
    whole = timm.create_model(config.architecture, pretrained=True, **arguments)
    state = whole.state_dict()
    _copy({**state, **dict(whole.named_buffers())}, wrapper.timm_model)
    plain = timm.create_model(config.architecture, num_classes=config.num_labels).state_dict()
    report["unexpected_keys"] = [name for name in _state(folder) if name not in plain]
    _found(report, [f"timm_model.{name}" for name in state])


def copy_batch_norms_from_timm(model: nn.Module, report: Report, folder: Path | None) -> None:  # noqa: ARG001
    """Give a pretrained TimmBackbone the running statistics of its batch norms, as timm loads them."""
    for backbone in backbones(model):
        config = backbone.config
        native = extractor(config, pretrained=True)
        statistics = ("running_mean", "running_var", "num_batches_tracked")
        buffers = {name: buffer for name, buffer in native.named_buffers() if name.endswith(statistics)}
        _copy(buffers, backbone._backbone)  # noqa: SLF001  TimmBackbone has no public name for it


def freeze_batch_norms_after_loading(model: nn.Module, report: Report, folder: Path | None) -> None:  # noqa: ARG001
    """Freeze the batch norms of a TimmBackbone, whose configuration must not ask for it while it is loaded.

    A frozen batch norm has no `num_batches_tracked`, which the checkpoint of one lacks too.
    """
    for backbone in backbones(model):
        backbone.freeze_batch_norm_2d()
        backbone.train(backbone.training)  # the frozen ones are new modules, in training mode
    names = model.state_dict()
    report["missing_keys"] = [name for name in report.get("missing_keys", ()) if name in names]


def set_evaluation_mode(model: nn.Module, report: Report, folder: Path | None) -> None:  # noqa: ARG001
    """Put a loaded model into evaluation mode, as `from_pretrained` promises."""
    model.eval()


def cast_buffers(model: nn.Module, report: Report, folder: Path | None) -> None:  # noqa: ARG001
    """Cast all buffers to the dtype of the parameters, as `model.to(dtype)` does."""
    model.to(next(parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()))


def set_gemma3n_audio_buffers(model: nn.Module, report: Report, folder: Path | None) -> None:  # noqa: ARG001
    """Compute the non-persistent buffers of Gemma3n's audio tower again, which transformers 5.0 to 5.4 leaves unset."""
    for module in model.modules():
        if type(module).__name__ == "Gemma3nAudioEncoder":
            _copy_unsaved_buffers(type(module)(module.config), module)


def _timm_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The outermost modules that timm made, which know their architecture, with their names."""
    inside: list[str] = []
    for name, module in model.named_modules():
        if any(name.startswith(f"{outer}.") for outer in inside) or ("" in inside and name):
            continue
        if isinstance(getattr(module, "pretrained_cfg", None), dict) and module.pretrained_cfg.get("architecture"):
            inside.append(name)
            yield name, module


def _made_again(model: nn.Module) -> Iterator[tuple[nn.Module, nn.Module]]:
    """The timm modules in a model, each with a new one that is made as it was made."""
    for backbone in backbones(model):
        yield backbone._backbone, extractor(backbone.config)  # noqa: SLF001  TimmBackbone has no public name for it
    if not any(True for _ in backbones(model)):
        yield from ((module, _new(module)) for _, module in _timm_modules(model))


def _new(module: Any) -> nn.Module:
    """A new timm model of a module's architecture: with as many classes, or a feature extractor of the same levels."""
    known: Mapping[str, Any] = {}
    if isinstance(levels := getattr(module, "feature_info", None), timm.models.FeatureInfo):
        known = {"features_only": True, "out_indices": levels.out_indices}
    elif (classes := getattr(module, "num_classes", None)) is not None:
        known = {"num_classes": classes}
    new: nn.Module = timm.create_model(module.pretrained_cfg["architecture"], **known)
    return new


def _copy_unsaved_buffers(new: nn.Module, module: nn.Module) -> None:
    """Copy the buffers that are in no checkpoint from a new module into one that is like it."""
    saved = new.state_dict()
    _copy({name: buffer for name, buffer in new.named_buffers() if name not in saved}, module)


def _copy(tensors: Mapping[str, Tensor], module: nn.Module) -> None:
    """Copy tensors into the parameters and buffers of a module that have their names and shapes."""
    own = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    with torch.no_grad():
        for name, tensor in tensors.items():
            if name in own and own[name].shape == tensor.shape:
                own[name].copy_(tensor)


def _state(folder: Path | None) -> dict[str, Tensor]:
    """The tensors of a checkpoint, in one file or in several."""
    if folder is None:
        raise ValueError("the checkpoint's folder is needed")
    state: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        state |= load_file(path)
    for path in sorted(folder.glob("*.bin")) if not state else ():
        state |= torch.load(path, weights_only=True, map_location="cpu")
    return state


def _file(folder: Path | None) -> Path:
    found = [*folder.glob("*.safetensors"), *folder.glob("*.bin")] if folder else []
    if not found:
        raise ValueError(f"{folder} holds no checkpoint")
    return found[0]


def _found(report: Report, loaded: Iterable[str]) -> None:
    """Take the names of tensors that were loaded off a loading report."""
    names = set(loaded)
    for kind in ("missing_keys", "mismatched_keys"):
        report[kind] = [name for name in report.get(kind, ()) if name not in names]
