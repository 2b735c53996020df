"""Faults in what the libraries say of a checkpoint, in what they accept, and in heads that are made anew."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import timm.models
import torch
from torch import nn
from transformers import modeling_utils
from transformers.models.timm_wrapper.modeling_timm_wrapper import TimmWrapperPreTrainedModel

from tests.cell.faults.kinds.replaced import VIT, on_parameters, replacing, returning
from tests.cell.faults.outside import Fault, Put, Reached, after, loading


def emptied(kind: str) -> Callable[[Any, Any], bool]:
    def change(_model: Any, info: Any) -> bool:
        listed = info.get(kind)
        if not listed:
            return False
        listed.clear()
        return True

    return change


def listing(kind: str, name: str) -> Callable[[Any, Any], bool]:
    def change(_model: Any, info: Any) -> bool:
        info[kind].add(name)
        return True

    return change


def silent(_original: Any, reached: Reached, *_args: Any, loading_info: Any, **_kwargs: Any) -> None:
    reached.times += bool(loading_info.missing_and_mismatched() or loading_info.unexpected_keys)


def quieter(original: Any, reached: Reached, *args: Any, **kwargs: Any) -> None:
    """The report is logged as information."""
    told = logging.getLogger("quiet")
    told.setLevel(logging.ERROR)
    reached.times += 1
    original(*args, **{**kwargs, "logger": told})


def shorter(report: Any, *_args: Any, **_kwargs: Any) -> Any:
    """The report counts names and does not list them."""
    return None if report is None else "some weights do not fit"


def lax(original: Any, reached: Reached, self: Any, state: Any, strict: bool = True, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  torch's own
    reached.times += strict
    return original(self, state, strict=False, **kwargs)


def lax_about(kind: str) -> Callable[..., Any]:
    """A state dict with names of this kind is accepted."""

    def load(original: Any, reached: Reached, self: Any, state: Any) -> Any:
        own = {name if name.startswith("timm_model.") else f"timm_model.{name}" for name in state}
        wrong = own - set(self.state_dict()) if kind == "unexpected" else set(self.state_dict()) - own
        reached.times += bool(wrong)
        return original(self, state, strict=not wrong)

    return load


def any_shape(original: Any, reached: Reached, self: Any, state: Any, *args: Any, **kwargs: Any) -> Any:
    """A tensor of another shape is left out in silence."""
    mine = self.state_dict()
    full = {name if name.startswith("timm_model.") else f"timm_model.{name}": tensor for name, tensor in state.items()}
    fitting = {name: mine[name] if name in mine and mine[name].shape != t.shape else t for name, t in full.items()}
    reached.times += any(fitting[name] is not full[name] for name in full)
    return original(self, fitting, *args, **kwargs)


def unnamed(original: Any, reached: Reached, *args: Any, **kwargs: Any) -> Any:
    """What is refused is not named."""
    try:
        return original(*args, **kwargs)
    except RuntimeError:
        reached.times += 1
        raise RuntimeError("the state dict does not fit") from None


def ignoring_sizes(original: Any, reached: Reached, *args: Any, **kwargs: Any) -> Any:
    """A tensor of another shape is made anew, though nobody asked for it."""
    reached.times += not kwargs.get("ignore_mismatched_sizes")
    return original(*args, **{**kwargs, "ignore_mismatched_sizes": True})


def lax_timm(original: Any, reached: Reached, model: Any, path: Any, *args: Any, **kwargs: Any) -> Any:
    reached.times += 1
    return original(model, path, *args, **{**kwargs, "strict": False})


def head(do: Callable[[Any, Any, str], Any]) -> Put:
    return on_parameters("head", do)


def on_meta(module: Any, parameter: Any, leaf: str) -> None:
    setattr(module, leaf, nn.Parameter(parameter.to("meta")))


def filled_with(value: float) -> Callable[[Any, Any, str], None]:
    return lambda _module, parameter, _leaf: parameter.fill_(value)


def drawn(std: float) -> Callable[[Any, Any, str], None]:
    def draw(_module: Any, parameter: Any, _leaf: str) -> None:
        parameter.normal_(std=std, generator=torch.Generator().manual_seed(0))

    return draw


def fault_of_head(put: Put, reason: str, **more: Any) -> Fault:
    return Fault(put, "classifier", "tensors", reason, VIT, scenario="13 labels", **more)


REPORT, STRICT = "the loading report (report)", "load_state_dict of "
FAULTS: Mapping[str, Fault] = {
    "unexpected names not listed": Fault(
        after(emptied("unexpected_keys")),
        *("wrapper", "report", f"{REPORT}: timm_model.more.weight is unexpected and not listed", VIT),
        scenario="report",
    ),
    "missing names not listed": Fault(
        after(emptied("missing_keys")), "tower", "report", "is missing and not listed", VIT, scenario="report"
    ),
    "a name listed as missing that is there": Fault(
        after(listing("missing_keys", "timm_model.norm.weight")),
        *("wrapper", "keys", "the loading report: keys 1 missing (norm.weight)", VIT),
        scenario="",
    ),
    "the report not logged": Fault(
        replacing(modeling_utils, "log_state_dict_report", silent),
        *("wrapper", "report", "does not fit, and no warning names it", VIT),
        scenario="report",
    ),
    "the report logged below a warning": Fault(
        replacing(modeling_utils, "log_state_dict_report", quieter),
        *("tower", "report", "does not fit, and no warning names it", VIT),
        scenario="report",
    ),
    "the report logged without names": Fault(
        returning(modeling_utils.LoadStateDictInfo, "create_loading_report", shorter),
        *("tower", "report", "does not fit, and no warning names it", VIT),
        scenario="report",
    ),
    "a strict load that accepts anything": Fault(
        replacing(TimmWrapperPreTrainedModel, "load_state_dict", lax),
        *("resume", "report", f"{STRICT}the wrapper's own that lacks a name (strict): ", VIT),
        scenario="strict",
    ),
    "a strict load that accepts a name too many": Fault(
        replacing(TimmWrapperPreTrainedModel, "load_state_dict", lax_about("unexpected")),
        *("resume", "report", f"{STRICT}the wrapper's own with a name too many (strict): ", VIT),
        scenario="strict",
    ),
    "a strict load that accepts another shape": Fault(
        replacing(TimmWrapperPreTrainedModel, "load_state_dict", any_shape),
        *("resume", "report", f"{STRICT}the wrapper's own with another shape (strict): ", VIT),
        scenario="strict",
    ),
    "a strict load that names nothing": Fault(
        replacing(TimmWrapperPreTrainedModel, "load_state_dict", unnamed),
        *("resume", "report", "which does not name it", VIT),
        scenario="strict",
    ),
    "another shape accepted without being asked to": Fault(
        loading(ignoring_sizes), "wrapper", "report", "is accepted, and must be refused", VIT, scenario="report"
    ),
    "timm accepts a checkpoint that lacks a name": Fault(
        replacing(timm.models, "load_checkpoint", lax_timm),
        *("resume", "report", "load_checkpoint of a file that lacks a name (strict): head.bias is accepted", VIT),
        scenario="strict",
    ),
    "mismatched names not listed": Fault(
        after(emptied("mismatched_keys")),
        *("classifier", "report", "head.bias is mismatched and not listed", VIT),
        scenario="13 labels",
    ),
    "the report of new heads not logged": Fault(
        replacing(modeling_utils, "log_state_dict_report", silent),
        *("classifier", "report", "head.bias does not fit, and no warning names it", VIT),
        scenario="13 labels",
    ),
    "a new head on the meta device": fault_of_head(head(on_meta), "head.bias is made anew on the meta device"),
    "a new head uninitialised": fault_of_head(head(drawn(1e25)), "head.bias is made anew and too large"),
    "a new head of NaN": fault_of_head(head(filled_with(torch.nan)), "head.bias is made anew and not finite"),
    "a new head of large values": fault_of_head(head(drawn(30.0)), "head.bias is made anew and too large"),
    "a new head of zeros": fault_of_head(head(filled_with(0.0)), "head.weight is made anew and one value throughout"),
    "a head on a base model left uninitialised": Fault(
        head(drawn(1e25)), "roundtrip", "tensors", "made anew and too large", VIT, scenario="base into head"
    ),
}
