"""Both ends of a move, from the diffs that people have."""

import io
import sys
import time
from pathlib import Path

import pytest

from harness.config.errors import BadInput
from harness.config.pin_files.diff import of_diff

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


OF_POETRY = """\
--- a/pyproject.toml
+++ b/pyproject.toml
-transformers = "4.57.6"
+transformers = {version = "5.23.0", extras = ["torch"]}
 timm = "==1.0.22"
"""
OF_CONSTRAINTS = f"--- constraints.txt\n+++ constraints.txt\n{OF_REQUIREMENTS}"
OF_PATCH = f"""\
Subject: [PATCH] Bump
- transformers==4.40.0 is what we had
---
 requirements.txt | 2 +-
--- a/requirements.txt
+++ b/requirements.txt
{OF_REQUIREMENTS}"""


@pytest.mark.parametrize("text", [OF_REQUIREMENTS, OF_LOCK, OF_PROJECT, OF_POETRY, OF_CONSTRAINTS, OF_PATCH])
def test_a_diff_names_both_ends(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(text)
    before, after = of_diff(file)
    assert before == {"transformers": "4.57.6", "timm": "1.0.22"}
    assert after == {"transformers": "5.23.0", "timm": "1.0.22"}


OPEN_END = "-transformers==4.57.6\n+transformers>=5.0\n timm==1.0.22\n"
BOTH_OPEN = "-transformers==4.57.6\n+timm==1.0.22\n"
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
        (OPEN_END, "transformers is pinned at one end alone; name both ends: upgrade transformers==5.23.0"),
        (BOTH_OPEN, "transformers and timm are pinned at one end alone; name both ends: "),
        (FROM_GIT, "transformers is pinned at one end alone"),
        (TWO_FILES, "two releases of transformers, 4.57.6 and 5.23.0"),
        (LOCKED_FROM_GIT, "timm 1.0.31 comes from elsewhere than PyPI"),
    ],
)
def test_a_diff_that_cannot_be_read_in_one_way_is_one_error(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(text)
    with pytest.raises(BadInput) as error:
        of_diff(file)
    assert why in str(error.value)


OF_DEPENDABOT = """\
diff --git a/uv.lock b/uv.lock
--- a/uv.lock
+++ b/uv.lock
@@ -2950,7 +2950,7 @@ name = "timm"
 [[package]]
 name = "transformers"
-version = "4.57.6"
+version = "5.23.0"
 source = { registry = "https://pypi.org/simple" }
"""
TWO_HUNKS = f'{OF_DEPENDABOT}@@ -1,2 +1,2 @@\n [[package]]\n name = "timm"\n@@ -9,2 +9,2 @@\n version = "0.15"\n'
OF_RENOVATE = """\
--- a/pyproject.toml
+++ b/pyproject.toml
@@ -5,7 +5,7 @@
 dependencies = [
-    "transformers[torch]>=4.57.6",
+    "transformers[torch]>=5.23.0",
     "timm==1.0.22",
"""
OF_UV_METADATA = """\
-    { name = "transformers", specifier = ">=4.57.6" },
+    { name = "transformers", specifier = ">=5.23.0" },
"""
OF_POETRY_RANGE = """\
-transformers = { version = ">=4.57.6", extras = ["torch"] }
+transformers = ">=5.23.0"
"""
PIN_BESIDE_A_RANGE = "-transformers>=4.57.6\n+transformers>=5.23.0\n-timm==1.0.22\n+timm==1.0.31\n"
RANGE = (
    "a range of transformers moves in it, from >=4.57.6 to >=5.23.0, which is no pin; give the diff of a lock file, or "
    "name both ends: upgrade transformers==5.23.0 timm==1.0.31 --from 4.57.6,1.0.22"
)


@pytest.mark.parametrize("standing", [None, {"transformers": "4.57.6", "timm": "1.0.22"}], ids=["alone", "with a lock"])
@pytest.mark.parametrize("text", [OF_RENOVATE, OF_UV_METADATA, OF_POETRY_RANGE, PIN_BESIDE_A_RANGE])
def test_a_range_that_moves_is_no_pin(tmp_path: Path, text: str, standing: dict[str, str] | None) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(text)
    with pytest.raises(BadInput) as error:
        of_diff(file, standing)
    assert str(error.value) == f"{file}: {RANGE}"


def test_a_wildcard_is_no_pin(tmp_path: Path) -> None:
    file = tmp_path / "pull.diff"
    file.write_text("-transformers==4.*\n+transformers==5.*\n timm==1.0.22\n")
    with pytest.raises(BadInput, match=r"a range of transformers moves in it, from ==4\.\* to ==5\.\*, "):
        of_diff(file)


def test_a_range_beside_a_pin_that_moves_is_let_be(tmp_path: Path) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(OF_RENOVATE + OF_DEPENDABOT)
    assert of_diff(file)[1] == {"transformers": "5.23.0", "timm": "1.0.22"}


def test_a_range_of_what_a_lock_leaves_alone_is_let_be(tmp_path: Path) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(OF_DEPENDABOT + "--- a/pyproject.toml\n+++ b/pyproject.toml\n-timm>=1.0.15\n+timm>=1.0.20\n")
    assert of_diff(file, {"timm": "1.0.22"})[1] == {"transformers": "5.23.0", "timm": "1.0.22"}


@pytest.mark.parametrize("text", [OF_DEPENDABOT, TWO_HUNKS])
def test_what_does_not_move_may_be_in_another_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(text)
    before, after = of_diff(file, {"timm": "1.0.22"})
    assert before == {"transformers": "4.57.6", "timm": "1.0.22"}
    assert after == {"transformers": "5.23.0", "timm": "1.0.22"}
    remedy = "; name the file that pins what does not move, as --lockfile uv.lock"
    with pytest.raises(BadInput) as error:
        of_diff(file)
    assert str(error.value) == f"{file}: no release of timm is in it{remedy}"
    with pytest.raises(BadInput) as error:
        of_diff(file, {"transformers": "5.23.0"})
    assert str(error.value) == f"{file}: no release of timm is in it and in what --lockfile names{remedy}"


@pytest.mark.parametrize("part", ["transformers={version=", "transformers[", "transformers "])
@pytest.mark.parametrize("end", ["", "\n+"], ids=["in a line", "in lines"])
def test_a_diff_made_to_take_long_takes_no_longer(tmp_path: Path, part: str, end: str) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(f"+{part}{end}" * 20_000)
    began = time.process_time()
    with pytest.raises(BadInput):
        of_diff(file)
    assert time.process_time() - began < 5


def test_a_diff_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(OF_REQUIREMENTS.encode())))
    assert of_diff(Path("-"))[1] == {"transformers": "5.23.0", "timm": "1.0.22"}
    with pytest.raises(BadInput, match=r"^standard input: no pin of transformers or timm moves in it; give a diff of "):
        of_diff(Path("-"))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(BadInput, match=r"^standard input: it is closed; name a file$"):
        of_diff(Path("-"))


def test_comments_and_other_files_of_a_diff_pin_nothing(tmp_path: Path) -> None:
    changes = "--- a/CHANGELOG.md\n+++ b/CHANGELOG.md\n+Move to transformers==5.23.0 from transformers==4.40.0\n"
    file = tmp_path / "pull.diff"
    file.write_text(changes + "--- a/requirements.txt\n+++ b/requirements.txt\n" + OF_REQUIREMENTS.replace(
        " timm==1.0.22", " # was timm==1.0.9\n timm==1.0.22  # not timm==1.0.15"
    ))  # fmt: skip
    before, after = of_diff(file)
    assert (before["transformers"], after["transformers"], after["timm"]) == ("4.57.6", "5.23.0", "1.0.22")


@pytest.mark.parametrize("text", ["", "-numpy==1\n+numpy==2\n", " timm==1.0.22\n"])
def test_a_diff_in_which_nothing_moves_is_one_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pull.diff"
    file.write_text(text)
    with pytest.raises(BadInput, match="no pin of transformers or timm moves in it"):
        of_diff(file)


def test_what_is_named_beside_a_diff_is_no_third_release_of_what_moves(tmp_path: Path) -> None:
    file = tmp_path / "bump.diff"
    file.write_text(" transformers==4.57.6\n-timm==1.0.22\n+timm==1.0.31\n")
    standing = {"transformers": "4.57.6", "timm": "1.0.31.0"}
    assert of_diff(file, standing) == of_diff(file)
    for name, release, both in (("timm", "1.0.9", "1.0.22 and then 1.0.31"), ("transformers", "5.0.0", "4.57.6")):
        with pytest.raises(BadInput) as error:
            of_diff(file, {**standing, name: release})
        assert str(error.value).startswith(f"{file}: {name} is {both} in it, and {release} beside it; name both ends")
