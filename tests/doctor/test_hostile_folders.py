"""`check` of folders that somebody sent: nothing in them is executed, and what cannot be compared is one error."""

import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import torch
from torch import nn

from harness.cell.user_models.target import Unusable
from harness.cell.user_models.tensor_files import state_of
from harness.contract.checkpoint import Checkpoint
from tests.doctor import hostile
from tests.fuzz.changes import CONTROLS
from tests.places import ROOT

MOST_MIB: Final = 1_024

USUAL: Final = frozenset(
    {
        *("a detector's checkpoint_path", "a timm model's checkpoint_path", "an architecture in a folder"),
        *("code in both halves", "code of a known model", "modules named like libraries"),
        *("a pickle", "a pickle of a known model", "pickled shards", "a script"),
        *("a link to weights", "a shard outside", "a shard that is a pipe", "a zip of zeros", "a header of an exabyte"),
        *("a model of many terabytes", "a billion labels of a part", "names that move a cursor"),
        "a backbone in the current folder",
    }
)
"""Those that are tried without --all-faults."""


@dataclass(frozen=True)
class Sent:
    """A folder that was sent and checked, with what is outside it, and what became of both."""

    outside: Path
    before: tuple[frozenset[str], frozenset[str]]
    checked: Mapping[str, Any]

    @property
    def after(self) -> tuple[frozenset[str], frozenset[str]]:
        """The names of the files inside and outside."""
        return _names(Path(self.checked["folder"])), _names(self.outside)

    @property
    def read(self) -> list[str]:
        """The files outside that were read: the system notes when a file was read last."""
        return [path.name for path in self.outside.iterdir() if path.stat().st_atime != 0]


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Sent]:
    """Every folder that is to be tried, checked in one process."""
    everything = request.config.getoption("--all-faults")
    made: dict[str, tuple[Path, tuple[frozenset[str], frozenset[str]]]] = {}
    for number, (name, make) in enumerate(hostile.FOLDERS.items()):
        if everything or name in USUAL:
            above = tmp_path_factory.mktemp(f"folder{number}")
            folder, outside = above / "sent", above / "outside"
            hostile.fill_outside(outside)
            folder.mkdir()
            make(folder, outside)
            made[name] = folder, (_names(folder), _names(outside))
            for path in outside.iterdir():
                os.utime(path, (0, path.stat().st_mtime))
    ended = subprocess.run(
        [sys.executable, "-m", "tests.doctor.forked_checks"],
        input="".join(f"{folder}\n" for folder, _ in made.values()),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    checked = map(json.loads, ended.stdout.splitlines())
    return {
        name: Sent(folder.parent / "outside", before, ended_check)
        for (name, (folder, before)), ended_check in zip(made.items(), checked, strict=True)
    }


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in USUAL else pytest.mark.all_faults)
        for name in hostile.FOLDERS
    ],
)
def test_nothing_of_a_folder_is_executed_and_nothing_outside_it_is_read_or_written(
    sent: dict[str, Sent], name: str
) -> None:
    tried = sent[name]
    code, said = tried.checked["code"], tried.checked["said"]
    assert tried.after == tried.before
    assert tried.read == []
    assert code in {0, 1, 2}, said
    assert "Traceback" not in said
    assert CONTROLS.search(said) is None
    assert code != 2 or len(said.splitlines()) == 1, said
    assert tried.checked["peak"] < MOST_MIB


def test_the_usual_ones_are_among_them() -> None:
    assert hostile.FOLDERS.keys() >= USUAL


def test_reading_and_executing_would_be_seen(tmp_path: Path) -> None:
    hostile.fill_outside(tmp_path / "outside")
    for path in (tmp_path / "outside").iterdir():
        os.utime(path, (0, path.stat().st_mtime))
    tried = Sent(tmp_path / "outside", (frozenset(), _names(tmp_path / "outside")), {"folder": str(tmp_path / "sent")})
    assert (tried.after, tried.read) == (tried.before, [])
    pickle.loads((tmp_path / "outside" / "pickled.bin").read_bytes())  # noqa: S301 - it is what must not happen
    assert tried.after[1] - tried.before[1] == {hostile.RAN}
    assert set(tried.read) >= {"pickled.bin"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["modules named like libraries", "modules that Python looks for"])
def test_modules_of_the_folder_in_which_the_command_is_typed_are_not_imported(tmp_path: Path, name: str) -> None:
    hostile.fill_outside(tmp_path / "outside")
    made = folder(tmp_path / "sent")
    hostile.FOLDERS[name](made, tmp_path / "outside")
    ended = subprocess.run(
        [sys.executable, "-m", "harness", "names", "."],
        cwd=made,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="y\ny\n" * 4,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not (tmp_path / "outside" / hostile.RAN).exists()
    assert "Traceback" not in ended.stderr


def folder(path: Path) -> Path:
    """A folder with a configuration that says nothing."""
    path.mkdir()
    (path / "config.json").write_text("{}")
    return path


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
    made = folder(tmp_path / "sent")
    write(made / "pytorch_model.bin")
    with pytest.raises(Unusable, match=r"^[^\n\x1b]*$") as caught:
        state_of(Checkpoint.read(made))
    assert problem in str(caught.value)


def test_weights_as_people_save_them_are_read(tmp_path: Path) -> None:
    made = folder(tmp_path / "sent")
    state = {
        "a": torch.zeros(3),
        "b": torch.ones(2, 2).t(),
        "c": torch.zeros(()),
        "d": torch.zeros(0),
    }
    torch.save({**state, "view": torch.arange(9.0)[2:5]}, made / "pytorch_model.bin")
    assert list(state_of(Checkpoint.read(made))) == ["a", "b", "c", "d", "view"]
