"""A release candidate of timm that somebody broke, held against the release that it was made of."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.pairs.command import nox
from tests.pairs.stories import story
from tests.places import TIMM

VERSION = "1.0.99.dev0"
LABEL = re.compile(r"(?<=dev0)\+\w{8}")  # of the wheel's content
SECONDS = 1_200


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """A wheel of the current timm, whose LayerScale has another name and another version."""
    folder, wheel = tmp_path / "timm", tmp_path / f"timm-{VERSION}-py3-none-any.whl"
    words = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--link-mode=copy", "--target", str(folder)]
    subprocess.run([*words, f"timm=={TIMM}"], check=True)  # noqa: S603  our own words
    (folder / f"timm-{TIMM}.dist-info").rename(described := folder / f"timm-{VERSION}.dist-info")
    for file, old, new in (
        (described / "METADATA", f"Version: {TIMM}", f"Version: {VERSION}"),
        (folder / "timm" / "version.py", TIMM, VERSION),
        (folder / "timm" / "layers" / "layer_scale.py", "self.gamma", "self.scale"),
    ):
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
    for cached in folder.rglob("__pycache__"):
        shutil.rmtree(cached)
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name != "RECORD")
    listed = [*(f"{path.as_posix()},," for path in files), f"{described.name}/RECORD,,"]
    (described / "RECORD").write_text("\n".join(listed) + "\n")
    with zipfile.ZipFile(wheel, "w") as packed:
        for path in [*files, Path(described.name) / "RECORD"]:
            packed.write(folder / path, path)
    return wheel


@pytest.mark.all_faults
def test_does_my_wheel_break_anything(candidate: Path, tmp_path: Path) -> None:
    [typed] = story("Does my wheel break anything?")
    assert typed.words[:4] == ("nox", "-s", "compare", "--")
    words = [str(candidate) if word.endswith(".whl") else word for word in typed.words[4:]]
    ended = nox("compare", *words, results=tmp_path / "results", seconds=SECONDS)
    assert ended.code == 1, ended.said
    assert typed.lacking(LABEL.sub("", ended.out)) == [], ended.out
