"""Files that a requirements file includes."""

from pathlib import Path

import pytest

from harness.config import pins
from harness.config.errors import BadInput
from harness.config.pin_files.project_file import of_file
from harness.config.pin_files.requirement_lines import requirement_lines


def files(folder: Path, **texts: str) -> Path:
    """Files by their stems; the first of them."""
    for stem, text in texts.items():
        path = folder / f"{stem.replace('__', '/')}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder / f"{next(iter(texts))}.txt"


@pytest.mark.parametrize(
    "line",
    [
        "-r base.txt",
        "-rbase.txt",
        "--requirement base.txt",
        "--requirement=base.txt",
        "-r 'base.txt'  # see",
        "-c base.txt",
    ],
)
def test_an_included_file_is_read_beside_the_one_that_names_it(tmp_path: Path, line: str) -> None:
    path = files(tmp_path, requirements=f"{line}\ntimm==1.0.22\ntransformers>=4", base="transformers==4.57.6")
    assert of_file(path) == {"transformers": "4.57.6", "timm": "1.0.22"}


def test_a_folder_is_that_of_the_file_and_a_file_counts_once(tmp_path: Path) -> None:
    path = files(
        tmp_path,
        requirements="-r more/a.txt\n-r more/b.txt",
        more__a="-r b.txt\ntimm==1.0.22",
        more__b="transformers==4.57.6",
    )
    assert list(requirement_lines(path)) == ["transformers==4.57.6", "timm==1.0.22"]


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ({"a": "timm==1\n-r b.txt"}, "a.txt: -r b.txt: there is no such file; put it there, or name the releases: tr"),
        ({"a": "-r ."}, "a.txt: -r .: there is no such file; put it there"),
        ({"a": "-r a.txt"}, "a.txt: -r a.txt: a file includes itself by that line; leave it out"),
        ({"a": "-r b.txt", "b": "-r a.txt"}, "b.txt: -r a.txt: a file includes itself by that line; leave it out"),
    ],
    ids=["missing", "a folder", "itself", "a circle"],
)
def test_what_cannot_be_included_is_one_error(tmp_path: Path, texts: dict[str, str], why: str) -> None:
    with pytest.raises(BadInput) as error:
        of_file(files(tmp_path, **texts))
    assert str(error.value).startswith(f"{tmp_path}/{why}")
    assert "\n" not in str(error.value)


def test_an_address_is_not_followed_and_said_where_a_release_is_missing(tmp_path: Path) -> None:
    path = files(tmp_path, requirements="timm==1.0.22\n-c https://host.example/c.txt")
    assert pins.in_words([str(path), "transformers==4.57.6"]) == ("4.57.6", "1.0.22")
    why = r"no release of transformers is named, and -c https://host\.example/c\.txt is not followed; as in "
    with pytest.raises(BadInput, match=why):
        pins.in_words([str(path)])
    path.write_text("-c https://host.example/c.txt")
    with pytest.raises(
        BadInput, match=r"no requirement of transformers or timm is in it, and -c https://\S+ is not followed; "
    ):
        of_file(path)


def test_constraints_are_nothing_to_install(tmp_path: Path) -> None:
    path = files(tmp_path, requirements="-r base.txt\n-c limits.txt", base="einops==0.8.1", limits="numpy==2.0")
    assert list(requirement_lines(path, constraints=False)) == ["einops==0.8.1"]
