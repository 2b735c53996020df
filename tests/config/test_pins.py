"""Which releases a project pins, from the files that people have."""

from pathlib import Path

import pytest

from harness.config import pins
from harness.config.errors import BadInput

UV = """
version = 1
[[package]]
name = "numpy"
version = "2.0"
[[package]]
name = "timm"
version = "1.0.22"
source = { registry = "https://pypi.org/simple" }
[[package]]
name = "transformers"
version = "4.57.6"
"""
TWICE = f"""{UV}
[[package]]
name = "timm"
version = "1.0.31"
"""
PYLOCK = """
lock-version = "1.0"
[[packages]]
name = "timm"
version = "1.0.22"
[[packages]]
name = "Transformers"
version = "4.57.6"
"""
PROJECT = """
[project]
name = "mine"
dependencies = ["transformers[torch]==4.57.6 ; python_version > '3.9'", "numpy"]
[dependency-groups]
vision = ["timm==1.0.22", {include-group = "other"}]
other = []
"""
POETRY_PROJECT = """
[tool.poetry.dependencies]
python = "^3.11"
transformers = {version = "4.57.6", extras = ["torch"]}
[tool.poetry.group.vision.dependencies]
timm = "==1.0.22"
"""
REQUIREMENTS = """
# by pip-compile
--index-url https://pypi.org/simple
-r other.txt
transformers[torch]==4.57.6 \\
    --hash=sha256:00 \\
    --hash=sha256:01
    # via mine
timm==1.0.22 --hash=sha256:02  # the last one
git+https://github.com/somebody/something
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", UV),
        ("poetry.lock", UV),
        ("pdm.lock", UV),
        ("pylock.toml", PYLOCK),
        ("pyproject.toml", PROJECT),
        ("pyproject.toml", POETRY_PROJECT),
        ("requirements.txt", REQUIREMENTS),
        ("requirements-dev.txt", REQUIREMENTS),
    ],
)
def test_a_file_s_pins_are_read(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert pins.of_file(file) == {"transformers": "4.57.6", "timm": "1.0.22"}
    assert pins.in_words([str(file)]) == ("4.57.6", "1.0.22")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("uv.lock", "", "neither transformers nor timm is in it; uv.lock, poetry.lock"),
        ("package-lock.json", '{"name": "x"}', "neither transformers nor timm is in it"),
        ("uv.lock", "[[package]", "can be read"),
        ("uv.lock", "package = 3", "can be read"),
        ("uv.lock", '[[package]]\nname = "timm"', "can be read"),
        ("uv.lock", "package = ['timm']", "can be read"),
        ("pyproject.toml", "project = 3", "can be read"),
        ("pyproject.toml", "[project]\ndependencies = 3", "can be read"),
        ("pyproject.toml", "[tool]\npoetry = 3", "can be read"),
        ("uv.lock", TWICE, "more than one release of timm 1.0.22 and 1.0.31"),
        ("requirements.txt", "timm>=1.0\ntransformers==4.57.6", "timm>=1.0 pins no release; give a lock file"),
        ("requirements.txt", "timm==1.0.*", "timm==1.0.* pins no release"),
        ("requirements.txt", "\x00\xff", "neither transformers nor timm"),
    ],
)  # fmt: skip
def test_another_file_is_one_error(tmp_path: Path, name: str, text: str, why: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(BadInput) as error:
        pins.of_file(file)
    assert why in str(error.value)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text_are_one_error(tmp_path: Path) -> None:
    file = tmp_path / "uv.lock"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="it is no text"):
        pins.of_file(file)


def test_a_file_with_one_of_the_two_leaves_the_other_to_be_named(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("timm==1.0.22")
    assert pins.in_words([str(file), "transformers==4.57.6"]) == ("4.57.6", "1.0.22")
    with pytest.raises(BadInput, match="no release of transformers is named"):
        pins.in_words([str(file)])


@pytest.mark.parametrize(
    "words",
    [
        ["transformers==4.57.6", "timm==1.0.22"],
        ["transformers==4.57.6,timm==1.0.22"],
        ["timm==1.0.22 transformers==4.57.6"],
        ["transformers4.57.6-timm1.0.22"],
        ["4.57.6,1.0.22"],
        ["4.57.6, 1.0.22"],
    ],
)
def test_words_name_both(words: list[str]) -> None:
    assert pins.in_words(words) == ("4.57.6", "1.0.22")


OF_REQUIREMENTS = """\
-transformers==4.57.6
+transformers==5.23.0
 timm==1.0.22
"""
OF_LOCK = """\
@@ -1,3 +1,3 @@
 name = "transformers"
-version = "4.57.6"
+version = "5.23.0"
 name = "timm"
 version = "1.0.22"
"""
OF_PROJECT = """\
--- a/pyproject.toml
+++ b/pyproject.toml
-  "transformers[torch]==4.57.6",
+  "transformers[torch]==5.23.0",
   "timm==1.0.22",
"""


@pytest.mark.parametrize("text", [OF_REQUIREMENTS, OF_LOCK, OF_PROJECT])
def test_a_diff_names_both_ends(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(text)
    before, after = pins.of_diff(file)
    assert before == {"transformers": "4.57.6", "timm": "1.0.22"}
    assert after == {"transformers": "5.23.0", "timm": "1.0.22"}


GIT = UV.replace('source = { registry = "https://pypi.org/simple" }', 'source = { git = "https://host.example/timm" }')
POETRY_GIT = UV.replace('source = { registry = "https://pypi.org/simple" }', 'source = { type = "git", url = "x" }')


@pytest.mark.parametrize(
    "text", [GIT, POETRY_GIT, PYLOCK.replace('version = "1.0.22"', 'version = "1.0.22"\nvcs = {}')]
)
def test_what_comes_from_elsewhere_than_pypi_is_no_release(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pylock.toml"
    file.write_text(text)
    with pytest.raises(BadInput, match=r"timm 1\.0\.22 comes from elsewhere than PyPI"):
        pins.of_file(file)


def test_a_file_that_leaves_one_open_is_not_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("git+https://github.com/huggingface/transformers\ntimm==1.0.22\n-r base.txt\n")
    with pytest.raises(BadInput, match="no release of transformers is named"):
        pins.in_words([str(file)], {"transformers": "4.57.6", "timm": "1.0.22"})


OPEN_END = "-transformers==4.57.6\n+transformers>=5.0\n timm==1.0.22\n"
FROM_GIT = "-transformers==4.57.6\n+transformers @ git+https://host.example/x\n timm==1.0.22\n"
TWO_FILES = """\
--- a/requirements.txt
+++ b/requirements.txt
-transformers==4.57.6
+transformers==5.23.0
 timm==1.0.22
--- a/docs/requirements.txt
+++ b/docs/requirements.txt
 transformers==5.23.0
-timm==1.0.30
+timm==1.0.31
"""
LOCKED_FROM_GIT = """\
 name = "timm"
-version = "1.0.22"
+version = "1.0.31"
+source = { git = "https://host.example/timm" }
 name = "transformers"
 version = "4.57.6"
"""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (OPEN_END, "transformers is pinned at one end alone"),
        (FROM_GIT, "transformers is pinned at one end alone"),
        (TWO_FILES, "two releases of transformers, 4.57.6 and 5.23.0"),
        (LOCKED_FROM_GIT, "timm 1.0.31 comes from elsewhere than PyPI"),
    ],
)
def test_a_diff_that_cannot_be_read_in_one_way_is_one_error(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(text)
    with pytest.raises(BadInput) as error:
        pins.of_diff(file)
    assert why in str(error.value)


def test_comments_and_other_files_of_a_diff_pin_nothing(tmp_path: Path) -> None:
    changes = "--- a/CHANGELOG.md\n+++ b/CHANGELOG.md\n+Move to transformers==5.23.0 from transformers==4.40.0\n"
    file = tmp_path / "pull.diff"
    file.write_text(changes + "--- a/requirements.txt\n+++ b/requirements.txt\n" + OF_REQUIREMENTS.replace(
        " timm==1.0.22", " # was timm==1.0.9\n timm==1.0.22  # not timm==1.0.15"
    ))  # fmt: skip
    before, after = pins.of_diff(file)
    assert (before["transformers"], after["transformers"], after["timm"]) == ("4.57.6", "5.23.0", "1.0.22")


def test_a_word_that_is_longer_than_a_name_can_be_is_one_error() -> None:
    with pytest.raises(BadInput, match="it is no pin"):
        pins.in_words(["a" * 400])


@pytest.mark.parametrize("text", ["", "-numpy==1\n+numpy==2\n", " timm==1.0.22\n"])
def test_a_diff_in_which_nothing_moves_is_one_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(text)
    with pytest.raises(BadInput, match="no pin of transformers or timm moves in it"):
        pins.of_diff(file)
