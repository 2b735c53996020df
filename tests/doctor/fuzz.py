"""Checks folders in which something is not as it should be, for some minutes, in a pair's environment.

Part of `nox -s tests -- --fuzz MINUTES`. Each folder has to end in 0, 1 or 2, in time, and without a traceback.
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import timm
import torch
from safetensors.torch import save_file
from timm.models._hub import save_for_hf  # the oldest release has it only there

from harness.contract.library_env import LIBRARIES
from tests.doctor.forked_checks import HANGS_AFTER
from tests.doctor.hostile import VIT
from tests.fuzz import changes
from tests.fuzz.changes import CONTROLS
from tests.places import ROOT

MOST_MIB: Final = 1_024
SHOWN: Final = 5
CHANCES: Final = (1, 1, 1, 2, 3)
"""How many changes a folder has, as often as it stands here."""


def _as_timm_saves(folder: Path) -> None:
    save_for_hf(timm.create_model("test_vit", num_classes=7), folder)


def _as_transformers_saves(folder: Path) -> None:
    from transformers import ViTConfig, ViTModel  # noqa: PLC0415 - takes seconds, and only here

    ViTModel(ViTConfig(**VIT)).save_pretrained(folder)


def _in_shards(folder: Path) -> None:
    _as_transformers_saves(folder)
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    names = dict.fromkeys(("embeddings.cls_token", "layernorm.weight"), "a.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))


def _by_torch(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"architecture": "test_vit", "num_classes": 7}))
    torch.save(timm.create_model("test_vit", num_classes=7).state_dict(), folder / "pytorch_model.bin")


def _that_does_not_fit(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps(VIT))
    save_file({"layernorm.weight": torch.zeros(3), "a.gamma": torch.zeros(0)}, folder / "model.safetensors")


SAVED: Final[Sequence[Callable[[Path], None]]] = (
    _as_timm_saves,
    _as_transformers_saves,
    _in_shards,
    _by_torch,
    _that_does_not_fit,
)


def change(folder: Path, chance: random.Random) -> list[str]:
    """Change files of a folder, and say how."""
    said = []
    for _ in range(chance.choice(CHANCES)):
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
        if not files:
            break
        path = chance.choice(files)
        what = chance.choice(["value"] * 6 + ["bytes"] * 2 + ["header"] * 2 + ["strange"])
        with contextlib.suppress(ValueError, UnicodeDecodeError):
            CHANGES[what](path, chance)
        said.append(f"{what} in {path.name}")
    return said


def _value(path: Path, chance: random.Random) -> None:
    steps = [(chance.choice(changes.WHAT), chance.randrange(10_000), chance.choice(changes.ODD_VALUES))]
    path.write_text(json.dumps(changes.value(json.loads(path.read_text()), steps)))


def _bytes(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(chance.randint(1, 8)):
        content[chance.randrange(min(len(content), 2_000))] = chance.randrange(256)
    path.write_bytes(content[: chance.choice([len(content), len(content) // 2, 9])])


def _header(path: Path, chance: random.Random) -> None:
    """The header of a safetensors file, which stays one."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    steps = [(chance.choice(changes.WHAT), chance.randrange(10_000), chance.choice(changes.ODD_VALUES))]
    header = json.dumps(changes.value(json.loads(content[8 : 8 + length]), steps)).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])


def _strange(path: Path, chance: random.Random) -> None:
    path.unlink()
    changes.STRANGE[chance.choice(sorted(changes.STRANGE))](path)


CHANGES: Final[dict[str, Callable[[Path, random.Random], None]]] = {
    "value": _value,
    "bytes": _bytes,
    "header": _header,
    "strange": _strange,
}


def failure_of(checked: dict[str, Any]) -> str | None:
    """What must not be of a folder that was checked; None if all is well."""
    if checked["code"] is None:
        return f"no end after {HANGS_AFTER:.0f} s"
    if checked["code"] not in {0, 1, 2}:
        return f"exit code {checked['code']}"
    if "Traceback" in checked["said"]:
        return "traceback"
    if found := CONTROLS.search(checked["said"]):
        return f"escape {found[0]!r}"
    if checked["code"] == 2 and len(checked["said"].strip().splitlines()) != 1:
        return "not one error"
    return f"{checked['peak']:,} MiB" if checked["peak"] > MOST_MIB else None


def main(argv: Sequence[str]) -> int:
    """The exit code: 1 if a folder failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fuzz", type=int, required=True)  # checked by tests.fuzz, which runs before
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    os.environ.update(LIBRARIES)
    counts, seconds, peaks = Counter[str](), [0.0], [0.0]
    with tempfile.TemporaryDirectory() as base:
        for number, make in enumerate(SAVED):
            (Path(base) / f"saved{number}").mkdir()
            make(Path(base) / f"saved{number}")
        for said, checked in checked_for(options.fuzz, options.seed, Path(base)):
            failure = failure_of(checked)
            counts["failed" if failure else "refused" if checked["code"] == 2 else "checked"] += 1
            seconds.append(checked["seconds"])
            peaks.append(checked["peak"])
            if failure and counts["failed"] <= SHOWN:
                sys.stdout.write(f"{failure}: {said}\n{checked['said']}\n")
    sys.stdout.write(
        f"checkpoint folders: {counts.total():,}, of them {counts['refused']:,} refused, {counts['failed']:,} failed, "
        f"slowest {max(seconds):.1f} s, {max(peaks):,.0f} MiB\n"
    )
    return int(counts["failed"] > 0 or not counts)


def checked_for(minutes: float, seed: int, base: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """For so many minutes how a folder was changed, and what became of it."""
    until = time.monotonic() + 60 * minutes
    words = (sys.executable, "-m", "tests.doctor.forked_checks")
    with subprocess.Popen(  # noqa: S603 - our own words
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as checks:
        assert checks.stdin
        assert checks.stdout
        for number in itertools.count():
            if time.monotonic() > until:
                return
            which, folder = number % len(SAVED), base / str(number)
            shutil.copytree(base / f"saved{which}", folder)
            said = change(folder, random.Random(f"{seed}-{number}"))  # noqa: S311 - no secret
            checks.stdin.write(f"{folder}\n")
            checks.stdin.flush()
            yield f"{SAVED[which].__name__} of {number}: {', '.join(said)}", json.loads(checks.stdout.readline())
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
