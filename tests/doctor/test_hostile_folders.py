"""`check` of folders that somebody sent: nothing in them is executed, and what cannot be compared is one error."""

import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from harness.cell.user_models.target import Unusable
from harness.cell.user_models.tensor_files import state_of
from harness.contract.checkpoint import Checkpoint
from tests.places import ROOT

RAN = "ran"
"""The name of the file that code in a folder would make."""
MODULE = "from pathlib import Path; (Path(__file__).parent / 'ran').touch()"


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mknod, (str(self.path),))


def folder(path: Path, config: Any) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config))
    return path


def detr_that_names_a_file(path: Path) -> Path:
    """timm 1.0.9 to 1.0.24 unpickle the file of `checkpoint_path`."""
    config = {"model_type": "detr", "backbone": "resnet18", "use_timm_backbone": True}
    made = folder(path, {**config, "backbone_kwargs": {"checkpoint_path": str(path / "optimizer.pt")}})
    (made / "optimizer.pt").write_bytes(pickle.dumps(Evil(made / RAN)))
    save_file({"a": torch.zeros(1)}, made / "model.safetensors")
    return made


def pickled(path: Path) -> Path:
    made = folder(path, {"architecture": "test_vit2", "num_classes": 7})
    (made / "pytorch_model.bin").write_bytes(pickle.dumps(Evil(made / RAN)))
    return made


def with_code(path: Path) -> Path:
    """Both halves name code in the folder; transformers asks on standard input whether to run it."""
    half = {"model_type": "sent", "auto_map": {"AutoConfig": "sent.Config"}}
    made = folder(path, {"model_type": "encoder-decoder", "encoder": half, "decoder": half})
    (made / "sent.py").write_text(MODULE)
    save_file({"a": torch.zeros(1)}, made / "model.safetensors")
    return made


def named_like_modules(path: Path) -> Path:
    """Files named like modules that libraries import; the command is typed in the folder."""
    made = pickled(path)
    for name in ("torch", "tabulate", "sentencepiece", "timm", "transformers", "sitecustomize"):
        (made / f"{name}.py").write_text(MODULE)
    return made


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(detr_that_names_a_file, marks=pytest.mark.all_faults),
        pytest.param(pickled, marks=pytest.mark.all_faults),
        with_code,
        named_like_modules,
    ],
    ids=lambda make: make.__name__,
)
def test_nothing_in_a_folder_is_executed(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    made = make(tmp_path / "sent")
    ended = subprocess.run(
        [sys.executable, "-m", "harness", "check", "."],
        cwd=made,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="y\ny\n" * 4,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not (made / RAN).exists()
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


def packed(path: Path) -> None:
    """A file of torch's whose members are compressed: few bytes that become many."""
    torch.save({"a": torch.zeros(2**20)}, path)
    with zipfile.ZipFile(path) as stored, zipfile.ZipFile(f"{path}.packed", "w", zipfile.ZIP_DEFLATED) as target:
        for member in stored.infolist():
            target.writestr(member.filename, stored.read(member))
    Path(f"{path}.packed").replace(path)


def saved(state: Any) -> Callable[[Path], None]:
    return lambda path: torch.save(state, path)


@pytest.mark.parametrize(
    ("write", "problem"),
    [
        (packed, "unpacks to 4,"),
        (lambda path: path.write_text("hello"), "cannot be read: "),
        (lambda path: path.write_bytes(b""), "cannot be read: "),
        (lambda path: path.write_bytes(b"PK\x03\x04" + b"\0" * 100), "cannot be read: "),
        (lambda path: path.write_bytes(b"PK\x05\x06" + b"\0" * 18), "cannot be read: "),
        (saved([torch.zeros(1)]), "cannot be read: "),
        (saved({0: torch.zeros(1)}), "0 in its weights is no name"),
        (saved({"a": 1}), "'a' in its weights is no tensor"),
        (saved({"\x1b[31m": 1}), r"'\x1b[31m' in its weights is no tensor"),
        (saved({"a": torch.zeros(3).to_sparse()}), "is a sparse tensor"),
        (saved({"a": torch.empty(3, device="meta")}), "is a meta tensor"),
        (saved({"a": torch.zeros(1).expand(2**20)}), "is larger than what it holds"),
        (saved({"a": torch.zeros(3).to(torch.float8_e4m3fn)}), "is float8_e4m3fn, which is not compared here"),
        (saved({"a": torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8)}), "is a quantized tensor"),
        (saved(nn.Linear(1, 1)), "cannot be read: "),
    ],
    ids=[
        *("packed", "text", "empty", "no zip", "an empty zip", "a list", "a number for a name", "no tensor"),
        *("an escape", "sparse", "meta", "expanded", "float8", "quantized", "a module"),
    ],
)
def test_weights_that_cannot_be_compared_are_one_error_that_names_them(
    tmp_path: Path, write: Callable[[Path], Any], problem: str
) -> None:
    made = folder(tmp_path / "sent", {})
    write(made / "pytorch_model.bin")
    with pytest.raises(Unusable, match=r"^[^\n\x1b]*$") as caught:
        state_of(Checkpoint.read(made))
    assert problem in str(caught.value)


def test_weights_as_people_save_them_are_read(tmp_path: Path) -> None:
    made = folder(tmp_path / "sent", {})
    state = {
        "a": torch.zeros(3),
        "b": torch.ones(2, 2).t(),
        "c": torch.zeros(()),
        "d": torch.zeros(0),
    }
    torch.save({**state, "view": torch.arange(9.0)[2:5]}, made / "pytorch_model.bin")
    assert list(state_of(Checkpoint.read(made))) == ["a", "b", "c", "d", "view"]
