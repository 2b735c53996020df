"""Which releases a project pins, from the files that people have."""

import codecs
from pathlib import Path

import pytest

from harness.config.errors import BadInput
from harness.config.pin_files.project_file import of_file

OTHERWISE = (
    "it is not laid out as a lock or a project file is; mend it or make it again, or name the releases: "
    "transformers==5.23.0 timm==1.0.31"
)
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
    assert of_file(file) == {"transformers": "4.57.6", "timm": "1.0.22"}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("uv.lock", "", "no requirement of transformers or timm is in it; uv.lock, poetry.lock"),
        ("package-lock.json", '{"name": "x"}', "no requirement of transformers or timm is in it"),
        ("uv.lock", "[[package]", "it is no TOML, Expected"),
        ("Pipfile.lock", '{"default": {}}', "it is JSON, which is not read; uv.lock, poetry.lock"),
        ("requirements.txt", "timm==1.0.31\ntransformers==5.23.O", "==5.23.O: this is no requirement; mend it"),
        ("requirements.txt", "timm @ https://me:secret@host.example/timm.whl ; python<3",
         "timm @ https://host.example/timm.whl ; python<3: this is no requirement; mend"),
        ("requirements.txt", "https://me:secret@host.example/timm-1.0.31-py3-none-any.whl#sha256=ab ; marker",
         "elsewhere than PyPI, from https://host.example/timm-1.0.31-py3-none-any.whl#sha256=ab ;"),
        ("requirements.txt", "wheels/timm-1.0.31%2Bcu1-py3-none-any.whl[extra]", "timm 1.0.31+cu1 comes from"),
        ("requirements.txt", "Timm [x] >> 1", "Timm [x] >> 1: this is no requirement; mend"),
        ("requirements.txt", "./wheels/timm-1.0.31-py3-none-any.whl",
         "timm 1.0.31 comes from elsewhere than PyPI, from ./wheels/timm-1.0.31-py3-none-any.whl; name the release"),
        ("uv.lock", "package = 3", OTHERWISE),
        ("uv.lock", '[[package]]\nname = "timm"', OTHERWISE),
        ("uv.lock", '[[package]]\nname = "timm"\nversion = 1.1', OTHERWISE),
        ("uv.lock", f"a = {'[' * 9000}", "it is nested too deeply; mend it or make it again, or name the releases: "),
        ("uv.lock", "package = ['timm']", OTHERWISE),
        ("pyproject.toml", "project = 3", OTHERWISE),
        ("pyproject.toml", "[project]\ndependencies = 3", OTHERWISE),
        ("pyproject.toml", "[tool]\npoetry = 3", OTHERWISE),
        ("uv.lock", TWICE, "more than one release, of timm 1.0.22 and 1.0.31"),
        ("requirements.txt", "timm>=1.0\ntransformers==4.57.6", "timm>=1.0 pins no release; give a lock file"),
        ("requirements.txt", "timm==1.0.*", "timm==1.0.* pins no release"),
        ("requirements.txt", "timm>=1\ntransformers", "timm>=1 and transformers pin no release; give a lock file"),
        ("requirements.txt", "\x00\xff", "no requirement of transformers or timm"),
    ],
)  # fmt: skip
def test_another_file_is_one_error(tmp_path: Path, name: str, text: str, why: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(BadInput) as error:
        of_file(file)
    assert why in str(error.value)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "line",
    [
        "# was ./wheels/timm-1.0.30-py3-none-any.whl",
        "--find-links ./timm-1.0.30-py3-none-any.whl",
        "not a ./timm-1.0.30-py3-none-any.whl",
        "timm==1.0.31 --config-settings=a=b",
        'timm==1.0.31 --global-option="x" --hash=sha256:ab',
        "timm-something>>1",
    ],
)
def test_what_says_nothing_of_a_release_is_passed_over(tmp_path: Path, line: str) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(f"{line}\ntimm==1.0.31\ntransformers==5.23.0\n")
    assert of_file(file) == {"timm": "1.0.31", "transformers": "5.23.0"}


def test_what_cannot_be_read_may_be_named_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("timm==${VERSION}\ntransformers==5.23.0\n")
    assert of_file(file, beside=["timm"]) == {"transformers": "5.23.0"}
    with pytest.raises(BadInput, match="this is no requirement; mend it, or name the release: "):
        of_file(file)


def test_bytes_that_are_no_text_are_one_error(tmp_path: Path) -> None:
    file = tmp_path / "uv.lock"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="it is no text"):
        of_file(file)


GIT = UV.replace('source = { registry = "https://pypi.org/simple" }', 'source = { git = "https://host.example/timm" }')
POETRY_GIT = UV.replace('source = { registry = "https://pypi.org/simple" }', 'source = { type = "git", url = "x" }')


@pytest.mark.parametrize(
    "text", [GIT, POETRY_GIT, PYLOCK.replace('version = "1.0.22"', 'version = "1.0.22"\nvcs = {}')]
)
def test_what_comes_from_elsewhere_than_pypi_is_no_release(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pylock.toml"
    file.write_text(text)
    with pytest.raises(BadInput, match=r"timm 1\.0\.22 comes from elsewhere than PyPI"):
        of_file(file)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        (
            "requirements.txt",
            "transformers @ git+https://TOKEN@host.example/x\ntimm==1.0.22",
            "transformers comes from elsewhere than PyPI, from git+https://host.example/x; name the release",
        ),
        (
            "pyproject.toml",
            f'{PROJECT}[tool.uv.sources]\ntimm = {{ git = "https://host.example/timm" }}',
            "timm comes from elsewhere than PyPI, from https://host.example/timm; name the release",
        ),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\ntimm = { path = "../timm" }',
            "timm comes from elsewhere than PyPI, from ../timm; name the release",
        ),
        (
            "pylock.toml",
            '[[packages]]\nname = "timm"\n[packages.vcs]\ntype = "git"\nurl = "x"',
            "from x; name the release",
        ),
    ],
    ids=["an address", "a source of uv", "a path of poetry", "vcs without a version"],
)
def test_where_a_package_comes_from_is_named_without_a_password(tmp_path: Path, name: str, text: str, why: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(BadInput) as error:
        of_file(file)
    assert str(error.value).startswith(f"{file}: {why}" if "comes" in why else f"{file}: timm")
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("git+https://host.example/huggingface/transformers", None),
        ("git+ssh://git@host.example/transformers.git@v5.23.0", "git+ssh://host.example/transformers.git@v5.23.0"),
        ("-e git+https://host.example/x.git#subdirectory=y&egg=transformers", "git+https://host.example/x.git"),
        (
            "--editable=git+https://host.example/transformers.git#subdirectory=x",
            "git+https://host.example/transformers.git",
        ),
    ],
)
def test_an_address_alone_is_no_release(tmp_path: Path, line: str, where: str | None) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(f"{line}\ntimm==1.0.22\n")
    with pytest.raises(BadInput) as error:
        of_file(file)
    why = f"transformers comes from elsewhere than PyPI, from {where or line}; name the release"
    assert str(error.value).startswith(f"{file}: {why}")
    assert of_file(file, {"transformers"}) == {"timm": "1.0.22"}


def test_a_mirror_of_pypi_is_no_other_place(tmp_path: Path) -> None:
    file = tmp_path / "poetry.lock"
    file.write_text(
        UV.replace('{ registry = "https://pypi.org/simple" }', '{ type = "legacy", url = "https://mirror" }')
    )
    assert of_file(file) == {"transformers": "4.57.6", "timm": "1.0.22"}


@pytest.mark.parametrize(
    ("name", "text"), [("uv.lock", UV), ("requirements.txt", "transformers==4.57.6\r\ntimm==1.0.22")]
)
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(b"", "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"), (b"", "utf-32")],
    ids=["utf-8", "as PowerShell writes it", "utf-16-be", "utf-32"],
)
def test_a_byte_order_mark_is_no_part_of_a_name(
    tmp_path: Path, name: str, text: str, mark: bytes, encoding: str
) -> None:
    file = tmp_path / name
    file.write_bytes(mark + text.encode(encoding))
    assert of_file(file) == {"transformers": "4.57.6", "timm": "1.0.22"}


def test_a_path_with_a_new_line_is_still_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a\nrequirements.txt"
    file.write_text("numpy==1")
    with pytest.raises(
        BadInput, match=r"a\\nrequirements\.txt: no requirement of transformers or timm is in it"
    ) as error:
        of_file(file)
    assert "\n" not in str(error.value)
