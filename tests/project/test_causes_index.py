import re
from pathlib import Path

import pytest

from harness.config import matrix
from harness.config.expectation import Finds, Rule
from tests.causes import index
from tests.places import ROOT

WHOLE = '''"""A cause in a sentence. No report was found."""

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
'''


RULE = Rule(
    id="renamed",
    routes=("tower", "backbone"),
    where={"gamma_keys": True, "classifier": False, "family": ["regnet", "*next"]},
    transformers="<4.49",
    timm=">=1.0.9",
    lanes=("cpu-float32",),
    finds=(Finds(kind="keys", how="*"),),
    because="keys are renamed",
    script="tests/causes/rename_gamma.py",
    remedy="move",
    advice="Move on.",
)


def rules() -> tuple[Rule, ...]:
    return matrix.load(ROOT / "matrix.yaml").expectations


def test_the_committed_page_is_current() -> None:
    assert index.PAGE.read_text() == index.render(rules(), index.rows())


def test_a_rule_has_a_section_with_all_that_it_says() -> None:
    assert index.render([RULE], []) == (
        f"{index.HEAD}\n### keys are renamed\n\n"
        "- `keys` on `tower`, `backbone`\n"
        "- Models: with `gamma_keys`, without `classifier`, `family` `regnet`, `*next`\n"
        "- Releases: transformers `<4.49`, timm `>=1.0.9`\n"
        "- Lanes: `cpu-float32`\n"
        "- Move on.\n"
        "- Script: `tests/causes/rename_gamma.py`\n"
        f"{index.SCRIPTS}"
    )


def test_a_rule_that_names_models_or_takes_all_says_so() -> None:
    named = RULE.model_copy(update={"where": None, "models": ("bert", "vit_*")})
    assert "\n- Models: `bert`, `vit_*`\n" in index.render([named], [])
    every = RULE.model_copy(update={"where": {"model": "*"}, "script": None, "url": "https://example.org/a"})
    assert "\n- Models: all\n" in index.render([every], [])
    assert "\n- Tracked: <https://example.org/a>\n" in index.render([every], [])


@pytest.mark.parametrize("script", index.scripts(), ids=lambda path: path.stem)
def test_every_script_says_what_it_shows_and_on_which_pairs(script: Path) -> None:
    index.parse(script.name, script.read_text())


def test_there_are_scripts() -> None:
    assert index.rows()


def test_every_script_that_the_matrix_names_is_in_the_index() -> None:
    named = {rule.script for rule in rules() if rule.script}
    assert named
    assert named <= {f"tests/causes/{row.script}" for row in index.rows()}


@pytest.mark.parametrize("script", index.scripts(), ids=lambda path: path.stem)
def test_a_script_needs_the_two_libraries_and_what_they_stand_on_alone(script: Path) -> None:
    imported = set(re.findall(r"^(?:from|import) (\w+)", script.read_text(), re.MULTILINE))
    assert imported <= {"json", "pathlib", "safetensors", "sys", "tempfile", "timm", "torch", "transformers"}


def test_a_row_has_all_that_a_script_says() -> None:
    row = index.parse("a.py", WHOLE)
    assert row.pairs == {"transformers==5.23.0 timm==1.0.31": True, "transformers==4.57.6 timm==1.0.22": False}
    assert index.render([], [row]).endswith(
        "| A cause in a sentence. No report was found. | `tests/causes/a.py` | 5.23.0 × 1.0.31 | 4.57.6 × 1.0.22 |"  # noqa: RUF001
        " none found |\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("URL = None", "", "a.py: has no URL", id="a constant is missing"),
        pytest.param('"transformers==5.23.0 timm==1.0.31"', "PAIR", "a.py: has no BROKEN", id="a name is no constant"),
        pytest.param(
            "timm==1.0.22",
            "timm 1.0.22",
            'a.py: HEALTHY must read "transformers==X timm==Y"',
            id="a pair in other words",
        ),
        pytest.param(
            '"transformers==5.23.0 timm==1.0.31"', "None", "a.py: BROKEN must name a pair", id="broken nowhere"
        ),
        pytest.param(
            "No report was found.",
            "A report was found.",
            'a.py: without a URL the docstring must say "No report was found"',
            id="no report and no word about it",
        ),
        pytest.param(
            '"transformers==4.57.6 timm==1.0.22"',
            "None",
            'a.py: without HEALTHY the docstring must say "no release without it"',
            id="no healthy pair and no reason",
        ),
        pytest.param("URL = None", 'URL = "#48892"', "a.py: URL must be a https address or None", id="half an address"),
        pytest.param(
            " No report was found.",
            " No report was found",
            "a.py: its docstring's first line is not a sentence",
            id="half a sentence",
        ),
    ],
)
def test_a_script_that_lacks_something_is_told_so(old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        index.parse("a.py", WHOLE.replace(old, new))
