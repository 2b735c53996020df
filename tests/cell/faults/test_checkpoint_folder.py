"""A user's checkpoint folders: damage in them is described, and sound ones pass every route."""

import io
import json
from pathlib import Path
from typing import Any, Final

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from harness.cell.user_models import checkpoint_folder, damage, request
from harness.cell.user_models.checkpoint_folder import CheckpointFolder
from harness.cell.user_models.request import Request
from harness.cell.user_models.target import Unusable
from harness.cell.user_models.tensor_files import copy_into, dtype_of
from harness.contract.case import GREEN, Case
from harness.contract.record import CaseLine
from harness.contract.routes import OWN
from harness.doctor import user_model
from harness.doctor.messages import Console
from tests.cell.faults.conftest import RELEASE, TOLERANCES
from tests.own import checkpoint

pytestmark = pytest.mark.slow

CLASS: Final = "tests.own.towers:OpenVLALike"
FILE: Final = "model.safetensors"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("checkpoints")
    return {kind: checkpoint.write(kind, root / kind) for kind in checkpoint.KINDS}


def tried(target: Request, folder: Path, route: str = OWN) -> CaseLine:
    user = target.resolve()
    tolerance = TOLERANCES[user.reference.placement.dtype]
    return user.run(Case(route, user.name), RELEASE, tolerance, folder, lane="cpu-float32", rules=())


def config(folder: Path) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return fields


def mended(folder: Path, to: Path) -> Path:
    """A copy of a folder that timm 1.0.31 wrote, mended so that TimmWrapper reads it."""
    args = config(folder)["model_args"]
    return described(folder, to, model_args={name: value for name, value in args.items() if name != "num_classes"})


def described(folder: Path, to: Path, **changes: Any) -> Path:
    """A copy of a folder with changes in its config.json."""
    to.mkdir()
    (to / "config.json").write_text(json.dumps({**config(folder), **changes}))
    save_file(load_file(folder / FILE), to / FILE)
    return to


@pytest.mark.parametrize("kind", ["timm", "transformers"])
def test_a_folder_that_is_whole_is_green(kind: str, folders: dict[str, Path], tmp_path: Path) -> None:
    line = tried(Request(str(folders[kind])), tmp_path)
    assert line.outcome in GREEN, line.reason


def test_a_folder_of_a_users_class_is_loaded_by_that_class(folders: dict[str, Path], tmp_path: Path) -> None:
    line = tried(Request(str(folders["own"]), maker=CLASS), tmp_path)
    assert line.outcome in GREEN, line.reason


LOST: Final = (
    "16 of 16 LayerScales hold one number throughout (1e-05, as they are made), {}blocks.0.ls1.gamma, ...: never "
    "trained, or lost before this was saved; take the original checkpoint"
)
REWRITTEN: Final = (
    "16 names are rewritten as transformers <4.49 does: blocks.0.ls1.gamma is blocks.0.ls1.weight here; rename what "
    "should be gamma, for the values are there"
)
NOT_FINITE: Final = "1 tensor holds values that are not finite, head.bias; take the original checkpoint"


@pytest.mark.parametrize(
    ("kind", "maker", "damage"),
    [
        ("timm-lost", None, LOST.replace("{}", "")),
        ("own-lost", CLASS, LOST.replace("{}", "vision_tower.")),
        ("timm-rewritten", None, REWRITTEN),
        ("timm-boundless", None, NOT_FINITE),
    ],
    ids=["lost", "lost in a user model", "rewritten", "not finite"],
)
def test_damage_in_a_folder_is_described_whatever_loads_it(
    kind: str, maker: str | None, damage: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    line = tried(Request(str(folders[kind]), maker=maker), tmp_path)
    assert line.outcome == "error"
    assert line.detail["error"] == {"type": "Damaged", "message": damage, "frame": "", "phase": "native"} | (
        {"phase": "load"} if maker else {}
    )


class Scaled(nn.Module):
    """With a LayerScale."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        """Of any shape that ends in 4."""
        return x * self.gamma


def damage_in(state: dict[str, Tensor]) -> list[str]:
    fresh = Scaled().state_dict()
    return list(damage.describe(state, Scaled(), fresh.get))


def test_what_is_whole_has_no_damage() -> None:
    assert damage_in({"gamma": torch.tensor([1.0, 2, 3, 4])}) == []


def test_a_constant_other_than_the_constructors_is_described_as_one() -> None:
    (sentence,) = damage_in({"gamma": torch.full((4,), 0.5)})
    assert sentence.startswith(
        "1 of 1 LayerScales hold one number throughout (0.5), gamma: never trained, or lost before"
    )


def test_a_scale_that_is_not_in_the_file_is_lost() -> None:
    (sentence,) = damage_in({"head": torch.ones(2)})
    assert sentence == ("1 of 1 LayerScales are not in the file, gamma; take the original checkpoint")


def test_a_name_that_is_there_beside_its_rewriting_is_not_damaged() -> None:
    assert damage_in({"gamma": torch.arange(4.0), "weight": torch.arange(4.0)}) == []


def test_the_precision_of_a_file_is_that_of_most_of_its_numbers() -> None:
    half = {"a": torch.ones(9, dtype=torch.bfloat16), "b": torch.ones(2), "count": torch.ones(99, dtype=torch.int64)}
    assert (dtype_of(half), dtype_of({})) == (torch.bfloat16, torch.float32)


def test_a_tensor_of_another_shape_is_left_as_it_is() -> None:
    module = Scaled()
    copy_into(module, {"gamma": torch.zeros(5)})
    assert bool((module.gamma == 1).all())


@pytest.mark.parametrize("route", ["wrapper", "classifier"])
def test_their_own_files_are_what_a_route_reads(route: str, folders: dict[str, Path], tmp_path: Path) -> None:
    """timm 1.0.31 writes num_classes into model_args, and TimmWrapper takes it twice; without that the folder loads."""
    line = tried(Request(str(folders["timm"])), tmp_path / "as written", route)
    assert "multiple values for keyword argument 'num_classes'" in line.reason
    line = tried(Request(str(mended(folders["timm"], tmp_path / "mended"))), tmp_path / "as mended", route)
    assert line.outcome in GREEN, line.reason


def test_their_own_weights_are_what_a_tower_holds(folders: dict[str, Path]) -> None:
    reference = Request(str(folders["timm"])).resolve().reference
    held = load_file(folders["timm"] / FILE)
    assert reference.state.keys() == held.keys()
    assert all(torch.equal(reference.state[name], tensor) for name, tensor in held.items())


def test_a_wrapper_that_transformers_saved_is_read_as_what_timm_knows(folders: dict[str, Path], tmp_path: Path) -> None:
    from transformers import AutoModelForImageClassification  # noqa: PLC0415 - a test's own

    loadable = mended(folders["timm"], tmp_path / "mended")
    AutoModelForImageClassification.from_pretrained(loadable).save_pretrained(tmp_path / "resaved")
    resaved = Request(str(tmp_path / "resaved")).resolve()
    assert isinstance(resaved.reference, CheckpointFolder)
    assert (resaved.reference.entry.model, resaved.reference.classes) == (checkpoint.MODEL, 7)
    line = resaved.run(
        Case("classifier", "resaved"),
        RELEASE,
        TOLERANCES[torch.float32],
        tmp_path / "run",
        lane="cpu-float32",
        rules=(),
    )
    assert line.outcome in GREEN, line.reason


def test_what_the_folder_says_of_the_architecture_is_made_so(tmp_path: Path) -> None:
    module = timm.create_model(checkpoint.MODEL, num_classes=3, img_size=96, in_chans=1)
    tmp_path.joinpath("grey").mkdir()
    save_file(module.state_dict(), tmp_path / "grey" / FILE)
    grey = {
        "architecture": checkpoint.MODEL,
        "num_classes": 3,
        "pretrained_cfg": {"architecture": checkpoint.MODEL, "num_classes": 3},
        "model_args": {"img_size": 96, "in_chans": 1},
    }
    (tmp_path / "grey" / "config.json").write_text(json.dumps(grey))
    user = Request(str(tmp_path / "grey")).resolve()
    assert user.reference.input_size == (1, 96, 96)
    fields = user.run(
        Case("wrapper", "grey"), RELEASE, TOLERANCES[torch.float32], tmp_path, lane="cpu-float32", rules=()
    )
    assert fields.outcome in GREEN, fields.reason


def test_a_configuration_that_describes_another_model_than_the_weights_are_of_is_seen(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    """Without model_args timm builds the size of its registry, and resamples the position embedding to it."""
    bare = described(folders["timm"], tmp_path / "bare", model_args={})
    line = tried(Request(str(bare)), tmp_path)
    resized = "1 parameter not as saved: pos_embed has shape (1, 197, 64), not (1, 101, 64)"
    assert (line.outcome, line.reason) == ("tensors", resized)
    line = tried(Request(str(bare)), tmp_path, "classifier")
    assert line.outcome in GREEN, line.reason


def test_a_folder_in_half_precision_is_tried_in_it(folders: dict[str, Path], tmp_path: Path) -> None:
    half = mended(folders["timm"], tmp_path / "half")
    save_file({name: tensor.bfloat16() for name, tensor in load_file(half / FILE).items()}, half / FILE)
    for route in (OWN, "wrapper"):
        line = tried(Request(str(half)), tmp_path / "run", route)
        assert line.outcome in GREEN, line.reason


def test_nothing_is_compared_of_what_computes_no_numbers(folders: dict[str, Path], tmp_path: Path) -> None:
    line = tried(Request(str(folders["timm-boundless"])), tmp_path, "tower")
    assert (line.outcome, line.reason) == ("unsupported", checkpoint_folder.NOT_FINITE)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (("nowhere",), "nowhere: there is no such folder; a model reads package.module:Name"),
        (("{own}",), "{own}: transformers 5.23.0 has no such model (ValueError: The checkpoint you are trying to load"),
        (("{own}", "{}"), "--config: {own} is a folder, and has its own; --class names what makes its model"),
        ((CLASS, None, CLASS), f"--class is for a checkpoint folder, and {CLASS} is none"),
        (("{own}", None, "tests.own.towers:no_model"), "tests.own.towers:no_model() gives a str, and no model"),
        (("{own}", None, "tests.own.towers:clean"), "tests.own.towers:clean() gives no model of transformers, which"),
    ],
    ids=["no folder", "unknown to transformers", "a configuration", "no folder's class", "no model", "a bare module"],
)
def test_what_cannot_be_tried_is_one_error(asked: tuple[Any, ...], problem: str, folders: dict[str, Path]) -> None:
    own = str(folders["own"])
    with pytest.raises(Unusable) as caught:
        Request(*(argument and argument.replace("{own}", own) for argument in asked)).resolve()
    assert str(caught.value).startswith(problem.replace("{own}", own))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ({"architecture": "vit_no_such"}, "timm 1.0.31 has no architecture 'vit_no_such'"),
        ({"model_args": {"depht": 3}}, "timm.create_model('test_vit2', {'depht': 3}) fails: TypeError: "),
    ],
    ids=["unknown architecture", "unknown argument"],
)
def test_a_model_that_this_timm_cannot_make_is_one_error(
    text: dict[str, Any], problem: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    strange = described(folders["timm"], tmp_path / "strange", **text)
    with pytest.raises(Unusable) as caught:
        Request(str(strange)).resolve()
    assert str(caught.value).startswith(f"{strange / 'config.json'}: {problem}")


def test_files_that_are_cut_off_are_one_error(folders: dict[str, Path], tmp_path: Path) -> None:
    torn = described(folders["timm"], tmp_path / "torn")
    (torn / FILE).write_bytes((torn / FILE).read_bytes()[:999])
    with pytest.raises(Unusable, match=r"torn/model.safetensors: cannot be read: SafetensorError: "):
        Request(str(torn)).resolve()
    (torn / FILE).rename(torn / "pytorch_model.bin")
    with pytest.raises(Unusable, match=r"torn/pytorch_model.bin: cannot be read: "):
        Request(str(torn)).resolve()


def test_the_command_prints_damage_first_and_a_rule_that_applies_to_the_folder(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "taking", lambda _: ("wrapper", "tower"))
    out = io.StringIO()
    code = user_model.examine(Request(str(folders["timm-rewritten"])), Console(out))
    lines = out.getvalue().splitlines()
    outcomes = {"own": "✘ {}: error", "wrapper": "✘ {}: error", "tower": "✔ {}: passed"}
    assert lines[1:4] == [line.format(f"{route}/timm-rewritten") for route, line in outcomes.items()]
    assert "✘ timm-rewritten: the checkpoint's files are damaged, whatever loads them" in lines
    assert f"  {REWRITTEN}" in lines
    known = (
        "  because timm 1.0.31 writes num_classes into a checkpoint's model_args, and TimmWrapper hands it to timm a"
    )
    assert any(line.startswith(known) for line in lines)
    assert code == 1


def test_a_mask_that_is_made_of_infinities_is_no_damage() -> None:
    mask = torch.full((4, 4), float("-inf")).triu(1)
    assert damage.nonfinite({"mask": mask, "other": mask}, {"mask": mask}.get) == ["other"]


def test_a_file_of_an_old_torch_is_read(folders: dict[str, Path], tmp_path: Path) -> None:
    old = described(folders["timm"], tmp_path / "old")
    torch.save(load_file(old / FILE), old / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    (old / FILE).unlink()
    line = tried(Request(str(old)), tmp_path / "run")
    assert line.outcome in GREEN, line.reason
    line = tried(Request(str(old)), tmp_path / "run", "backbone-pretrained")
    assert line.reason == "this road hands timm model.safetensors, and the folder has pytorch_model.bin"


def test_a_model_of_other_colours_is_not_asked_for_three(tmp_path: Path) -> None:
    from timm.models._hub import save_for_hf  # noqa: PLC0415 - a test's own

    save_for_hf(checkpoint.trained(timm.create_model(checkpoint.MODEL, in_chans=1)), tmp_path, safe_serialization=True)
    for route, outcome in (("backbone", "unsupported"), ("tower", "passed")):
        assert tried(Request(str(tmp_path)), tmp_path / "run", route).outcome == outcome


def test_a_model_that_is_no_backbone_as_it_is_described_is_tried_all_the_same(tmp_path: Path) -> None:
    shallow = timm.create_model("eva02_tiny_patch14_224", depth=2, num_classes=3)
    save_file(checkpoint.trained(shallow).state_dict(), tmp_path / FILE)
    args = {"architecture": "eva02_tiny_patch14_224", "num_classes": 3, "model_args": {"depth": 2}}
    (tmp_path / "config.json").write_text(json.dumps({**args, "pretrained_cfg": {"num_classes": 3}}))
    user = Request(str(tmp_path)).resolve()
    assert user.reference.entry.feature_levels == 0


def test_rules_of_the_hub_are_for_folders_described_so(folders: dict[str, Path], tmp_path: Path) -> None:
    paths = [folders["timm"], mended(folders["timm"], tmp_path / "mended")]
    assert [Request(str(path)).resolve().reference.checkpoint.is_as_for_the_hub for path in paths] == [True, False]


def test_the_names_of_a_timm_folder_are_looked_at_as_it_is_described(folders: dict[str, Path]) -> None:
    module = Request(str(folders["timm"])).module()
    assert (module.name, module.build().num_classes) == ("timm", 7)
