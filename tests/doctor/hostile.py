"""Checkpoint folders that try to run code, or to have files outside them read or written."""

import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file

RAN: Final = "ran"
"""The name of the file that code in a folder would make, in the folder `outside`."""
Make = Callable[[Path, Path], object]
"""Fills an empty folder. The second path is a folder outside it, with a file of each kind."""
TIMM: Final[Mapping[str, Any]] = {"architecture": "test_vit", "num_classes": 7}
VIT: Final[Mapping[str, Any]] = {
    "model_type": "vit",
    "architectures": ["ViTModel"],
    **dict.fromkeys(("hidden_size", "intermediate_size"), 8),
    **dict.fromkeys(("num_hidden_layers", "num_attention_heads"), 1),
    "image_size": 32,
    "patch_size": 16,
}
DETR: Final[Mapping[str, Any]] = {"model_type": "detr", "backbone": "resnet18", "use_timm_backbone": True}


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, outside: Path) -> None:
        self.path = outside / RAN

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mknod, (str(self.path),))


def module(outside: Path) -> str:
    """Code that makes the same file when it is imported."""
    return f"import pathlib\npathlib.Path({str(outside / RAN)!r}).touch()\n"


def fill_outside(outside: Path) -> None:
    """What a folder may try to reach."""
    outside.mkdir()
    save_file({"a": torch.zeros(1)}, outside / "model.safetensors")
    (outside / "pickled.bin").write_bytes(pickle.dumps(Evil(outside)))
    (outside / "config.json").write_text(json.dumps(VIT))
    (outside / "code.py").write_text(module(outside))
    (outside / "secret.txt").write_text("secret")


def _pickle(outside: Path) -> str:
    return str(outside / "pickled.bin")


def _config(config: Mapping[str, Any], more: Callable[[Path], Mapping[str, Any]] = lambda _: {}) -> Make:
    """A folder with weights, and a configuration that names something outside."""

    def make(folder: Path, outside: Path) -> None:
        (folder / "config.json").write_text(json.dumps({**config, **more(outside)}))
        save_file({"a": torch.zeros(1)}, folder / "model.safetensors")

    return make


def _weights(write: Callable[[Path, Path], object], config: Mapping[str, Any] = TIMM) -> Make:
    """A folder with a configuration like any other, and files that are none."""

    def make(folder: Path, outside: Path) -> None:
        (folder / "config.json").write_text(json.dumps(config))
        write(folder, outside)

    return make


def _pickled(name: str) -> Callable[[Path, Path], object]:
    return lambda folder, outside: (folder / name).write_bytes(pickle.dumps(Evil(outside)))


def _link(name: str, target: str) -> Callable[[Path, Path], object]:
    return lambda folder, outside: (folder / name).symlink_to(outside / target)


def _shard(name: Callable[[Path], str], index: str = "model.safetensors.index.json") -> Callable[[Path, Path], object]:
    def write(folder: Path, outside: Path) -> None:
        (folder / index).write_text(json.dumps({"metadata": {}, "weight_map": {"a": name(outside)}}))
        if not (folder / name(outside)).exists():
            os.mkfifo(folder / "fifo")

    return write


def _with_modules(*names: str, config: Mapping[str, Any] = TIMM) -> Make:
    """Modules in the folder, beside a configuration that names them, or that libraries would import."""

    def make(folder: Path, outside: Path) -> None:
        _config(config)(folder, outside)
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(module(outside))

    return make


def _header(length: int, text: bytes) -> Callable[[Path, Path], object]:
    return lambda folder, _: (folder / "model.safetensors").write_bytes(struct.pack("<Q", length) + text)


def _zip(member: str, size: int) -> Callable[[Path, Path], object]:
    def write(folder: Path, _outside: Path) -> None:
        with zipfile.ZipFile(folder / "pytorch_model.bin", "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(member, bytes(size))

    return write


def _tar(folder: Path, outside: Path) -> None:
    """torch's oldest format, with a member that leaves the folder."""
    with tarfile.open(folder / "pytorch_model.bin", "w") as file:
        file.add(outside / "pickled.bin", "pickle")
        file.add(outside / "pickled.bin", "../../ran")


def _script(folder: Path, _outside: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), str(folder / "pytorch_model.bin"))


def _backbone_here(folder: Path, outside: Path) -> None:
    """A bare name, which is a folder where the command is typed."""
    named = {"use_timm_backbone": False, "use_pretrained_backbone": True, "backbone": "secret"}
    _config({**DETR, **named})(folder, outside)
    (folder / "secret").mkdir()
    (folder / "secret" / "config.json").write_text(json.dumps(VIT))


AUTO: Final = {"auto_map": {"AutoConfig": "sent.Config", "AutoModel": "sent.Model"}}
SENT: Final = {"model_type": "sent", **AUTO}
HEADER: Final = b'{"a":{"dtype":"F32","shape":[%s],"data_offsets":[0,%s]}}'
FOLDERS: Final[Mapping[str, Make]] = {
    # configurations that have a library open a file
    "a detector's checkpoint_path": _config(
        DETR, lambda outside: {"backbone_kwargs": {"checkpoint_path": _pickle(outside)}}
    ),
    "a timm model's checkpoint_path": _config(
        TIMM, lambda outside: {"model_args": {"checkpoint_path": _pickle(outside)}}
    ),
    "a wrapper's checkpoint_path": _config(
        {**TIMM, "model_type": "timm_wrapper"},
        lambda outside: {"model_args": {"checkpoint_path": _pickle(outside)}},
    ),
    "a file in pretrained_cfg": _config(TIMM, lambda outside: {"pretrained_cfg": {"file": _pickle(outside)}}),
    "an address in pretrained_cfg": _config(
        TIMM, lambda outside: {"pretrained_cfg": {"url": f"file://{_pickle(outside)}"}}
    ),
    "an overlay": _config(
        TIMM,
        lambda outside: {"model_args": {"pretrained": True, "pretrained_cfg_overlay": {"file": _pickle(outside)}}},
    ),
    "pretrained weights": _config(
        TIMM,
        lambda outside: {"model_args": {"pretrained": True}, "pretrained_cfg": {"file": _pickle(outside)}},
    ),
    "an architecture in a folder": _config({}, lambda outside: {"architecture": f"local-dir:{outside}"}),
    "an architecture in a folder, nested": _config(
        {"model_type": "timm_wrapper"}, lambda outside: {"pretrained_cfg": {"architecture": f"local-dir:{outside}"}}
    ),
    "a backbone in a folder": _config(
        {**DETR, "use_timm_backbone": False, "use_pretrained_backbone": True},
        lambda outside: {"backbone": str(outside)},
    ),
    "a backbone of timm in a folder": _config(DETR, lambda outside: {"backbone": f"local-dir:{outside}"}),
    "a backbone's configuration in a folder": _config(
        {"model_type": "detr"},
        lambda outside: {"backbone_config": {"model_type": "timm_backbone", "backbone": f"local-dir:{outside}"}},
    ),
    "another name": _config(VIT, lambda outside: {"_name_or_path": str(outside)}),
    "files of a tokenizer": _config(
        VIT, lambda outside: {"tokenizer_file": str(outside / "secret.txt"), "vocab_file": str(outside / "secret.txt")}
    ),
    "an adapter of another model": _weights(
        lambda folder, outside: [
            _config(VIT)(folder, outside),
            (folder / "adapter_config.json").write_text(
                json.dumps({"peft_type": "LORA", "base_model_name_or_path": str(outside)})
            ),
        ]
    ),
    "a kernel for the attention": _config(
        {**VIT, "_attn_implementation": "sent/kernel", "attn_implementation": "a/b:c"}
    ),
    "a quantisation": _config({**VIT, "quantization_config": {"quant_method": "gptq", "bits": 4, "dataset": "c4"}}),
    # code
    "code in the folder": _with_modules("sent.py", config=SENT),
    "code in both halves": _with_modules(
        "sent.py", config={"model_type": "encoder-decoder", "encoder": SENT, "decoder": SENT}
    ),
    "code in a part": _with_modules(
        "sent.py", config={"model_type": "llava", "vision_config": SENT, "text_config": SENT}
    ),
    "code of a known model": _with_modules("sent.py", config={**VIT, **AUTO}),
    "code of another repository": _config({**VIT, "auto_map": {"AutoModel": "someone/else--sent.Model"}}),
    "code to generate with": _with_modules("custom_generate/generate.py", config=VIT),
    "code of a processor": _weights(
        lambda folder, outside: [
            _with_modules("sent.py", config=VIT)(folder, outside),
            *(
                (folder / name).write_text(json.dumps({"auto_map": {"AutoImageProcessor": "sent.Processor"}}))
                for name in ("preprocessor_config.json", "processor_config.json", "tokenizer_config.json")
            ),
        ]
    ),
    "modules named like libraries": _with_modules("torch.py", "tabulate.py", "timm.py", "transformers.py"),
    "modules that Python looks for": _with_modules(
        "sitecustomize.py", "usercustomize.py", "__main__.py", "conftest.py"
    ),
    # pickles
    "a pickle": _weights(_pickled("pytorch_model.bin")),
    "a pickle of a known model": _weights(_pickled("pytorch_model.bin"), VIT),
    "pickled shards": _weights(
        lambda folder, outside: [
            _pickled("a.bin")(folder, outside),
            _shard(lambda _: "a.bin", "pytorch_model.bin.index.json")(folder, outside),
        ]
    ),
    "a pickle named safetensors": _weights(_pickled("model.safetensors")),
    "weights of other libraries": _weights(
        lambda folder, outside: [_pickled(name)(folder, outside) for name in ("flax_model.msgpack", "tf_model.h5")], VIT
    ),
    "a state of training": _weights(
        lambda folder, outside: [
            _config(VIT)(folder, outside),
            *(_pickled(name)(folder, outside) for name in ("training_args.bin", "optimizer.pt", "rng_state.pth")),
        ]
    ),
    "a tar": _weights(_tar),
    "a script": _weights(_script),
    # files that are none
    "a link to weights": _weights(_link("model.safetensors", "model.safetensors")),
    "a link to a pickle": _weights(_link("pytorch_model.bin", "pickled.bin")),
    "a linked configuration": lambda folder, outside: [
        _link("config.json", "config.json")(folder, outside),
        _link("model.safetensors", "model.safetensors")(folder, outside),
    ],
    "a linked index": _weights(_link("model.safetensors.index.json", "config.json")),
    "a shard outside": _weights(_shard(lambda _: "../outside/model.safetensors")),
    "a shard by its whole path": _weights(_shard(lambda outside: str(outside / "model.safetensors"))),
    "a shard that is a pipe": _weights(_shard(lambda _: "fifo")),
    "weights that are a pipe": _weights(lambda folder, _: os.mkfifo(folder / "model.safetensors")),
    "a configuration that is a pipe": lambda folder, _: os.mkfifo(folder / "config.json"),
    "weights that never end": _weights(lambda folder, _: (folder / "model.safetensors").symlink_to("/dev/zero")),
    "a zip of zeros": _weights(_zip("archive/data.pkl", 2**30)),
    "a zip that leaves the folder": _weights(_zip("../../ran", 10)),
    "a header of an exabyte": _weights(_header(2**60, b"{}")),
    "a header that is none": _weights(_header(4, b"\xff\xff\xff\xff")),
    "a tensor larger than its file": _weights(_header(len(HEADER) + 20, HEADER % (b"1000000000000", b"4000000000000"))),
    "names that move a cursor": _weights(
        lambda folder, _: save_file({"\x1b[2Jx": torch.zeros(1), "a\nb": torch.zeros(1)}, folder / "model.safetensors"),
        VIT,
    ),
    "a backbone in the current folder": _backbone_here,
    # more than there is
    "a model of many terabytes": _config({**VIT, "hidden_size": 10**6, "intermediate_size": 10**6}),
    "a timm model of many terabytes": _config({**TIMM, "model_args": {"embed_dim": 10**6}}),
    "a million layers": _config({**VIT, "num_hidden_layers": 10**6}),
    "a billion labels": _config({**VIT, "num_labels": 10**9}),
    "a billion labels of a part": _config({"model_type": "llava", "text_config": {**VIT, "num_labels": 10**9}}),
    "a configuration nested deeply": _weights(
        lambda folder, outside: [
            _config(VIT)(folder, outside),
            (folder / "config.json").write_text('{"a":' * 100_000),
        ]
    ),
}
"""By what is wrong with it."""
