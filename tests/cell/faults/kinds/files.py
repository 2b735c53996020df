"""Faults in the files that the libraries write: tensors, index, configuration."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import timm.models._hub as hub
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel, TimmWrapperConfig

from tests.cell.faults.kinds.replaced import VIT, both, replacing, returning
from tests.cell.faults.outside import RESNET, Fault, Put, Reached, reading, saving
from tests.cell.faults.states import State, dropped, exchanged, on_first, rewrite

HUB = "AutoModel, safetensors"


def writing(do: Callable[[Path], bool]) -> Put:
    """`save_pretrained` does something to the folder that it wrote."""

    def save(original: Any, reached: Reached, self: Any, folder: Any, *args: Any, **kwargs: Any) -> None:
        original(self, folder, *args, **kwargs)
        reached.times += do(Path(folder))

    return replacing(PreTrainedModel, "save_pretrained", save)


def timm_writing(do: Callable[[Path], bool]) -> Put:
    """timm does something to the folder that it wrote."""

    def put(patch: pytest.MonkeyPatch, reached: Reached) -> None:
        original = hub.save_for_hf

        def save(model: Any, folder: Any, *args: Any, **kwargs: Any) -> None:
            original(model, folder, *args, **kwargs)
            reached.times += do(Path(folder))

        patch.setattr(hub, "save_for_hf", save)
        patch.setattr("harness.cell.routes.hub.save_for_hf", save)  # imported by name

    return put


def indexed(change: Callable[[dict[str, str]], dict[str, str]]) -> Callable[[Path], bool]:
    def do(folder: Path) -> bool:
        found = list(folder.glob("*.index.json"))
        for path in found:
            index = json.loads(path.read_text())
            path.write_text(json.dumps({**index, "weight_map": change(index["weight_map"])}))
        return bool(found)

    return do


def exchanged_files(index: dict[str, str]) -> dict[str, str]:
    files = sorted(set(index.values()))
    other = dict(zip(files, reversed(files), strict=True))
    return {name: other[file] for name, file in index.items()}


def without_last(index: dict[str, str]) -> dict[str, str]:
    return dict(list(index.items())[:-1])


def wrong_size(folder: Path) -> bool:
    found = list(folder.glob("*.index.json"))
    for path in found:
        index = json.loads(path.read_text())
        path.write_text(json.dumps({**index, "metadata": {"total_size": 1}}))
    return bool(found)


def configured(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], bool]:
    def do(folder: Path) -> bool:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        before = json.dumps(config)
        change(config)
        path.write_text(json.dumps(config))
        return json.dumps(config) != before

    return do


def without(*names: str) -> Callable[[dict[str, Any]], Any]:
    """Drop a field, or one of `pretrained_cfg`."""

    def change(config: dict[str, Any]) -> None:
        for name in names:
            config.pop(name, None)
            config.get("pretrained_cfg", {}).pop(name, None)

    return change


def with_mean(config: dict[str, Any]) -> None:
    config["pretrained_cfg"]["mean"] = [0.4, 0.5, 0.5]


def without_buffers(folder: Path) -> bool:
    """The running statistics are not written."""
    changed = False
    for path in folder.glob("*.safetensors"):
        state = load_file(path)
        kept = {name: tensor.clone() for name, tensor in state.items() if "running_" not in name}
        changed = len(kept) < len(state)
        save_file(kept, path, metadata={"format": "pt"})
    return changed


def negative(state: State) -> State:
    return on_first("gamma", lambda tensor: -tensor)(state)


def in_half(folder: Path) -> bool:
    for path in folder.glob("*.safetensors"):
        state = {name: t.half() if t.is_floating_point() else t for name, t in load_file(path).items()}
        save_file(state, path, metadata={"format": "pt"})
    return True


def without_metadata(folder: Path) -> bool:
    for path in folder.glob("*.safetensors"):
        save_file({name: tensor.clone() for name, tensor in load_file(path).items()}, path)
    return True


def without_labels(written: Any, *_args: Any, **_kwargs: Any) -> Any:
    return {name: value for name, value in written.items() if name != "label_names"}


def sorted_labels(written: Any, *_args: Any, **_kwargs: Any) -> Any:
    return {**written, "label_names": sorted(written["label_names"])}


def without_levels(written: Any, *_args: Any, **_kwargs: Any) -> Any:
    """A nested configuration of a backbone does not keep its levels."""
    return {name: value for name, value in written.items() if name not in {"out_indices", "out_features"}}


TIMM, CONFIG = "the file that timm wrote", "the configuration that transformers wrote: "
CONFIG_OF_TIMM = f"the configuration that timm wrote ({HUB}): "
INDEX = "the index that transformers wrote: keys"
FAULTS: Mapping[str, Fault] = {
    "an index names the wrong files": Fault(
        writing(indexed(exchanged_files)), "tower", "keys", INDEX, VIT, "sharded", scenario=""
    ),
    "an index lacks a name": Fault(
        writing(indexed(without_last)),
        *(
            "tower",
            "keys",
            "the index that transformers wrote: keys 1 missing (vision_tower.reg_token)",
            VIT,
            "sharded",
        ),
        scenario="",
    ),
    "an index with another size": Fault(
        writing(wrong_size), "tower", "flags", "total_size is 1, not", VIT, "sharded", scenario=""
    ),
    "label names not saved": Fault(
        returning(TimmWrapperConfig, "to_dict", without_labels),
        *("roundtrip", "flags", f"{CONFIG}label_names is not there", VIT),
        scenario="",
    ),
    "label names saved in order of the alphabet": Fault(
        returning(TimmWrapperConfig, "to_dict", sorted_labels),
        *("roundtrip", "flags", f"{CONFIG}label_names.1 is 'kind 1', not 'kind 3'", VIT),
        scenario="",
    ),
    "the mean of pixels not saved": Fault(
        writing(configured(without("mean"))), "roundtrip", "flags", f"{CONFIG}pretrained_cfg.mean", VIT, scenario=""
    ),
    "the number of classes not saved": Fault(
        writing(configured(without("num_classes"))), "roundtrip", "flags", f"{CONFIG}num_classes", VIT, scenario=""
    ),
    "a file and its reader wrong alike": Fault(
        both(saving(negative), reading(negative)),
        "tower",
        "tensors",
        "1 written tensor not as saved: vision_tower.blocks.0.ls1.gamma",
        VIT,
        scenario="",
    ),
    "written in half precision": Fault(
        writing(in_half), "tower", "tensors", "is float16, not float32", VIT, scenario=""
    ),
    "two tensors exchanged in a file": Fault(
        saving(exchanged("mlp.fc1.bias")), "tower", "tensors", "holds what", "cait_xxs24_224", scenario=""
    ),
    "written without the format": Fault(
        writing(without_metadata), "tower", "flags", "format.model.safetensors is None, not 'pt'", VIT, scenario=""
    ),
    "timm writes no running statistics": Fault(
        timm_writing(without_buffers), "hub", "keys", f"{TIMM} ({HUB}): keys", RESNET, scenario=HUB
    ),
    "timm writes no LayerScale": Fault(
        timm_writing(lambda folder: rewrite(folder, dropped("gamma"))),
        *("hub", "keys", f"{TIMM} ({HUB}): keys 1 missing", VIT),
        scenario=HUB,
    ),
    "timm writes other values": Fault(
        timm_writing(lambda folder: rewrite(folder, negative)),
        "hub",
        "tensors",
        "1 written tensor not as saved",
        VIT,
        scenario=HUB,
    ),
    "timm writes no model_args": Fault(
        timm_writing(configured(without("model_args"))),
        *("hub", "flags", f"{CONFIG_OF_TIMM}model_args.drop_rate is not there", VIT),
        scenario=HUB,
    ),
    "timm writes another mean": Fault(
        timm_writing(configured(with_mean)),
        "hub",
        "flags",
        f"{CONFIG_OF_TIMM}pretrained_cfg.mean.0 is 0.4, not",
        VIT,
        scenario=HUB,
    ),
    "timm writes no input size": Fault(
        timm_writing(configured(without("input_size"))),
        *("hub", "flags", f"{CONFIG_OF_TIMM}pretrained_cfg.input_size is not there", VIT),
        scenario=HUB,
    ),
    "timm writes no number of classes": Fault(
        timm_writing(configured(without("num_classes"))),
        *("hub", "flags", f"{CONFIG_OF_TIMM}num_classes is not there", VIT),
        scenario=HUB,
    ),
}
