"""Checkpoint folders as this pair's timm and transformers write them, and as people have them, mended by `repair`.

nox -s cause -- transformers==5.23.0 timm==1.0.31 tests/own/mended_folders.py

It says `sound` where what could not be loaded can be loaded from the mended copy, with the tensors that were saved;
where nothing is written of a folder that is whole; and where one is refused whose tensors are lost.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import timm
import torch
import transformers
from packaging.version import Version
from safetensors.torch import load_file, save_file
from timm.models._hub import save_for_hf
from torch import nn
from transformers import AutoModelForImageClassification

from harness import repair
from tests.own.as_people_write import OldStyleInit, TowerConfig

MODEL, CLASSES = "test_convnext", 10
FILE = "model.safetensors"
OWN = "tests.own.as_people_write:OldStyleInit"
NOW, TIMM = Version(transformers.__version__), Version(timm.__version__)
TWICE = Version("4.53") <= NOW and Version("1.0.31") <= TIMM
LOSES_SCALES = Version("4.49") > NOW


def trained(model: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model.eval()


def written_by_timm(root: Path) -> Iterator[str]:
    model = trained(timm.create_model(MODEL, num_classes=CLASSES))
    folder, copy = root / "hub", root / "hub-mended"
    save_for_hf(model, folder, model_args={"drop_rate": 0.0}, safe_serialization=True)
    try:
        AutoModelForImageClassification.from_pretrained(folder)
        loads = True
    except TypeError:
        loads = False
    if loads == TWICE:
        yield f"transformers {NOW} {'loads' if loads else 'refuses'} what timm {TIMM} writes"
    rules = [change.rule for change in repair(folder, into=copy)]
    if rules != (["hub-classes-twice"] if Version("1.0.31") <= TIMM else []):
        yield f"it is mended for {rules}"
    if rules:
        yield from unlike(model, AutoModelForImageClassification.from_pretrained(copy).timm_model, "what timm wrote")
    elif copy.exists():
        yield "a copy is written of a folder that is whole"


def with_names_rewritten(root: Path) -> Iterator[str]:
    model = trained(timm.create_model(MODEL, num_classes=CLASSES))
    folder, copy = root / "names", root / "names-mended"
    save_for_hf(model, folder, safe_serialization=True)
    tensors = load_file(folder / FILE)
    save_file({name.replace("gamma", "weight"): tensor for name, tensor in tensors.items()}, folder / FILE)
    before = (folder / FILE).read_bytes()
    rules = [change.rule for change in repair(folder, into=copy)]
    if rules[:1] != ["gamma-renamed"]:
        yield f"names that were rewritten are mended for {rules}"
    mended = timm.create_model(MODEL, num_classes=CLASSES, checkpoint_path=str(copy / FILE))
    yield from unlike(model, mended, "rewritten names")
    if (folder / FILE).read_bytes() != before:
        yield "the folder itself was changed"


def loaded_and_saved(root: Path) -> Iterator[str]:
    trained(OldStyleInit(TowerConfig(MODEL))).save_pretrained(root / "own")
    OldStyleInit.from_pretrained(root / "own").save_pretrained(root / "again")
    for name in ("own", "again"):
        lost = name == "again" and LOSES_SCALES
        try:
            changes = repair(root / name, into=root / "never", maker=OWN)
            if lost or changes:
                yield f"{name} is mended: {[str(change) for change in changes]}"
        except ValueError as error:
            if not lost or "take the original checkpoint" not in str(error):
                yield f"{name} is refused: {error}"
        if (root / "never").exists():
            yield f"a copy of {name} is written"


def unlike(model: nn.Module, mended: nn.Module, what: str) -> Iterator[str]:
    found = mended.state_dict()
    names = [name for name, tensor in model.state_dict().items() if not torch.equal(found[name], tensor)]
    if names:
        yield f"{what}: {names[:3]} are not as saved"


with tempfile.TemporaryDirectory() as place:
    wrong = [
        problem
        for scenario in (written_by_timm, with_names_rewritten, loaded_and_saved)
        for problem in scenario(Path(place))
    ]
if wrong:
    sys.exit(f"broken: {'; '.join(wrong)}")
