"""Checkpoint folders of models that are part of transformers, and not of timm."""

import io
from pathlib import Path
from typing import Any, Final

import pytest
from safetensors.torch import load_file, save_file
from torch import nn

from harness.cell.user_models.request import Request
from harness.cell.user_models.target import Unusable
from harness.contract.case import GREEN
from harness.doctor import user_model
from harness.doctor.messages import Console
from tests.cell.faults.test_checkpoint_folder import FILE, described, tried
from tests.own import checkpoint


def transformers_own(kind: str, folder: Path, change: Any = None, **sizes: Any) -> Path:
    """Save a small model of transformers with telling weights, as its users do."""
    import transformers  # noqa: PLC0415 - a test's own

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = getattr(transformers, kind)(getattr(transformers, f"{kind.removesuffix('Model')}Config")(**small, **sizes))
    checkpoint.trained(model)
    (change or (lambda _: None))(model)
    model.save_pretrained(folder)
    return folder


def rewrite(folder: Path, change: Any) -> Path:
    """Change the tensors in a folder's file."""
    save_file(change(load_file(folder / FILE)), folder / FILE, metadata={"format": "pt"})
    return folder


DINO: Final = {"image_size": 28, "patch_size": 14}
LLAMA: Final = {"vocab_size": 32, "num_key_value_heads": 2}


def test_what_transformers_keeps_in_float32_in_a_half_precision_folder_is_no_loss(tmp_path: Path) -> None:
    folder = transformers_own("LlamaModel", tmp_path / "half", change=lambda model: model.bfloat16(), **LLAMA)
    line = tried(Request(str(folder)), tmp_path / "run")
    assert line.outcome in GREEN, line.reason


def test_the_weight_of_a_norm_without_a_shift_is_no_layer_scale(tmp_path: Path) -> None:
    def fresh_norms(model: Any) -> None:
        for name, parameter in model.named_parameters():
            if "norm" in name:
                nn.init.ones_(parameter)

    folder = transformers_own("LlamaModel", tmp_path / "norms", change=fresh_norms, **LLAMA)
    line = tried(Request(str(folder)), tmp_path / "run")
    assert line.outcome in GREEN, line.reason


def test_a_constant_scale_of_transformers_own_model_is_damage(tmp_path: Path) -> None:
    def forget(model: Any) -> None:
        nn.init.constant_(model.encoder.layer[0].layer_scale1.lambda1, 1.0)

    folder = transformers_own("Dinov2Model", tmp_path / "dino", change=forget, **DINO)
    line = tried(Request(str(folder)), tmp_path / "run")
    assert line.reason.startswith("the files themselves are damaged: 1 of 2 LayerScales hold one number throughout (1")


def test_a_scale_with_another_name_in_the_file_is_described_as_renamed(tmp_path: Path) -> None:
    folder = transformers_own("Dinov2Model", tmp_path / "dino", **DINO)
    rewrite(folder, lambda state: {name.replace("lambda1", "gamma"): tensor for name, tensor in state.items()})
    line = tried(Request(str(folder)), tmp_path / "run")
    assert line.outcome == "keys"
    assert line.reason.startswith(
        "the files themselves are damaged: 2 of 2 LayerScales are not in the file, "
        "encoder.layer.0.layer_scale1.lambda1, ...; encoder.layer.0.layer_scale1.gamma may be what it is called there; "
        "rename it; the loading report: keys "
    )


def test_a_folder_that_cannot_be_loaded_is_not_called_damaged(tmp_path: Path) -> None:
    folder = described(transformers_own("Dinov2Model", tmp_path / "dino", **DINO), tmp_path / "other", image_size=56)
    line = tried(Request(str(folder)), tmp_path / "run")
    assert line.reason.startswith("RuntimeError in phase load")


def test_a_precision_in_which_nothing_is_compared_is_loaded_in_float32(tmp_path: Path) -> None:
    folder = transformers_own("Dinov2Model", tmp_path / "double", change=lambda model: model.double(), **DINO)
    line = tried(Request(str(folder)), tmp_path / "run")
    assert line.outcome in GREEN, line.reason


def test_a_folder_without_example_inputs_is_compared_with_its_files_alone(tmp_path: Path) -> None:
    from transformers import CLIPConfig, CLIPModel  # noqa: PLC0415 - a test's own

    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {**small, "image_size": 8, "patch_size": 4}
    clip = CLIPModel(CLIPConfig(text_config={**small, "vocab_size": 64}, vision_config=vision, projection_dim=16))
    checkpoint.trained(clip).save_pretrained(tmp_path / "clip")
    out = io.StringIO()
    assert user_model.examine(Request(str(tmp_path / "clip")), Console(out)) == 0, out.getvalue()
    assert out.getvalue().startswith("Outputs are not compared: CLIPModel cannot be run on input_ids")
    rewrite(tmp_path / "clip", lambda state: {name: tensor * float("nan") for name, tensor in state.items()})
    assert "values that are not finite" in tried(Request(str(tmp_path / "clip")), tmp_path / "run").reason


def test_a_class_that_transformers_lacks_is_asked_for(tmp_path: Path) -> None:
    folder = transformers_own("Dinov2Model", tmp_path / "dino", **DINO)
    mine = described(folder, tmp_path / "mine", architectures=["MyDinoForDepth"])
    with pytest.raises(Unusable, match=r"MyDinoForDepth is none of its models\); name its class, .*, with --class"):
        Request(str(mine)).resolve()
