"""Releases in words, by a pair's id, or in a file."""

from pathlib import Path

import pytest

from harness.config import pins
from harness.config.errors import BadInput


def test_a_file_with_one_of_the_two_leaves_the_other_to_be_named(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("timm==1.0.22")
    assert pins.in_words([str(file), "transformers==4.57.6"]) == ("4.57.6", "1.0.22")
    with pytest.raises(BadInput, match="no release of transformers is named"):
        pins.in_words([str(file)])


@pytest.mark.parametrize("line", ["transformers>=4", "transformers @ git+https://host.example/x", "numpy==1"])
def test_what_a_file_leaves_open_can_be_named_beside_it(tmp_path: Path, line: str) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(f"{line}\ntimm==1.0.22\n")
    for words in (["transformers==4.57.6", str(file)], [str(file), "transformers==4.57.6"]):
        assert pins.in_words(words) == ("4.57.6", "1.0.22")
    with pytest.raises(BadInput):
        pins.in_words([str(file)])
    with pytest.raises(BadInput, match=r"two releases of timm, 1\.0\.31 and 1\.0\.22"):
        pins.in_words([str(file), "4.57.6,1.0.31"])


def test_a_file_that_leaves_one_open_is_not_filled_in(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("git+https://host.example/something\ntimm==1.0.22\n")
    with pytest.raises(BadInput, match="no release of transformers is named"):
        pins.in_words([str(file)], {"transformers": "4.57.6", "timm": "1.0.22"})


@pytest.mark.parametrize(
    "words",
    [
        ["transformers==4.57.6", "timm==1.0.22"],
        ["transformers==4.57.6,timm==1.0.22"],
        ["timm==1.0.22 transformers==4.57.6"],
        ["transformers4.57.6-timm1.0.22"],
        ["4.57.6,1.0.22"],
        ["4.57.6, 1.0.22"],
        ["Transformers==4.57.6 TIMM==1.0.22"],
        ["transformers[torch] == 4.57.6", "timm === 1.0.22"],
        ["transformers == 4.57.6, timm == 1.0.22,"],
    ],
)
def test_words_name_both(words: list[str]) -> None:
    assert pins.in_words(words) == ("4.57.6", "1.0.22")


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("transformers==4.57.6 timm==1.0.22 torch==2.4.0", "torch is neither of the two packages; leave it out, as in"),
        (
            "transformers4.57.6-timm1.0.22-torch2.4.0",
            "each pair was measured with one torch and one Python",
        ),
        (
            "transformers4.57.6-timm1.0.22-companions",
            "each pair was measured with one torch and one Python",
        ),
        ("no/such.txt", "there is no such file"),
        ("requirements-gpu.in", "there is no such file"),
        ("transformers==4.57.6 timm", "it is no pin as in"),
        ("timm==", "it is no pin as in"),
    ],
)
def test_what_is_wrong_with_words_is_said(word: str, why: str) -> None:
    with pytest.raises(BadInput) as error:
        pins.in_words([word])
    assert str(error.value).startswith(f"{word}: {why}")


def test_many_pins_take_no_time() -> None:
    with pytest.raises(BadInput, match="it is no pin"):
        pins.in_words(["timm==1.0.31 " * 5_000 + "!"])


def test_a_word_that_is_longer_than_a_name_can_be_is_one_error() -> None:
    with pytest.raises(BadInput, match="it is no pin"):
        pins.in_words(["a" * 400])
