"""What a project's lock has beside a pair."""

from pathlib import Path

import pytest

from harness.config.errors import BadInput
from harness.environments import beside, lock, uv

LINES = """\
# made by hand
transformers==4.57.6 --hash=sha256:0
timm==1.0.22
torch==2.8.0
nvidia-cublas-cu12==12.8.4.1
einops==0.8.1 \\
    --hash=sha256:1
Sentence_Piece==0.2.0 ; sys_platform != "win32"  # via here
-e .
own @ file:///somewhere
"""
UV_LOCK = """\
version = 1
requires-python = ">=3.11"

[[package]]
name = "mine"
version = "0.1"
source = { virtual = "." }
dependencies = [{ name = "einops" }, { name = "timm" }]

[[package]]
name = "einops"
version = "0.8.1"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://example.org/einops-0.8.1.tar.gz", hash = "sha256:HASH" }

[[package]]
name = "timm"
version = "1.0.22"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://example.org/timm-1.0.22.tar.gz", hash = "sha256:HASH" }
"""
PROJECT = """\
[project]
name = "mine"
version = "0.1"
requires-python = ">=3.11"
dependencies = ["einops", "timm"]
"""


def test_a_requirements_file_gives_all_but_the_pair_and_what_torch_brings(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text(LINES)
    assert beside.requirements(path, "uv") == ("einops==0.8.1", 'Sentence_Piece==0.2.0; sys_platform != "win32"')


def test_files_that_a_requirements_file_includes_are_installed_too(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("\ufeffeinops==0.8.1\n")
    (tmp_path / "requirements.txt").write_text("\ufeff-r base.txt\ntimm==1.0.22\n")
    assert beside.requirements(tmp_path / "requirements.txt", "uv") == ("einops==0.8.1",)


def test_uv_itself_exports_its_lock(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "uv.lock").write_text(UV_LOCK.replace("HASH", "0" * 64))
    assert beside.requirements(tmp_path / "uv.lock", uv.found()) == ("einops==0.8.1",)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("uv.lock", "version = 'x'\n", "uv cannot read"),
        ("poetry.lock", "", "poetry.lock cannot be installed; give uv.lock or requirements.txt"),
    ],
    ids=["broken", "another"],
)
def test_what_cannot_be_read_is_one_line(name: str, text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=why) as raised:
        beside.requirements(tmp_path / name, uv.found())
    assert "\n" not in str(raised.value)


def test_what_the_pair_brings_is_left_out() -> None:
    resolved = "numpy==2.3.1 \\\n    --hash=sha256:0\nhuggingface-hub==1.0.0\n"
    assert lock.not_in(resolved, ("huggingface_hub==0.34.0", "einops==0.8.1")) == ["einops==0.8.1"]
