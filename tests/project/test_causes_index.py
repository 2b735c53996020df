import ast
import re
from pathlib import Path

import pytest

from harness.config import matrix
from harness.config.expectation import Finds, Rule
from harness.contract.case import Outcome
from harness.remedies.table import REMEDIES
from tests.causes import index, scripts
from tests.places import ROOT

WHOLE = '''"""A cause in a sentence. No report was found."""

BROKEN = "transformers==5.23.0 timm==1.0.31"
HEALTHY = "transformers==4.57.6 timm==1.0.22"
URL = None
REMEDY = "cast_buffers"

if "--remedy" in sys.argv:
    models.cast_buffers(loaded, {}, None)
'''
WITHOUT_A_SCRIPT = {"folder-without-a-reader", "new-head-left-on-meta", "disk-loses-buffers", "disk-outside-forward"}
"""The rules whose cause no script shows: it needs another torch, or accelerate, which a script does not name."""


RULE = Rule(
    id="gamma-renamed",
    routes=("tower", "backbone"),
    where={"gamma_keys": True, "classifier": False, "family": ["regnet", "*next"]},
    transformers="<4.49",
    timm=">=1.0.9",
    lanes=("cpu-float32",),
    scenarios=("features_only",),
    finds=(
        Finds(kind=Outcome.KEYS, where="the loading report", how="*gamma*"),
        Finds(kind=Outcome.ERROR, what="*", how="*"),
    ),
    because="keys are renamed",
    script="tests/causes/rename_gamma.py",
    remedy="load_by_exact_names",
    advice="Move on.",
)


def rules() -> tuple[Rule, ...]:
    return matrix.load(ROOT / "matrix.yaml").expectations


def test_the_committed_page_is_current() -> None:
    assert index.PAGE.read_text() == index.render(rules(), scripts.rows(), REMEDIES.values())


def test_a_rule_has_a_section_with_all_that_it_says() -> None:
    assert index.render([RULE], []) == (
        f"{index.HEAD}\n### keys are renamed\n\n"
        "- Rule: `gamma-renamed`\n"
        "- Findings: `keys` in `the loading report`: `*gamma*`; `error`: any\n"
        "- Routes: `tower`, `backbone`\n"
        "- Scenarios: `features_only`\n"
        "- Models: with `gamma_keys`, without `classifier`, `family` `regnet`, `*next`\n"
        "- Releases: transformers `<4.49`, timm `>=1.0.9`\n"
        "- Lanes: `cpu-float32`\n"
        "- Remedy: `load_by_exact_names` of `harness/remedies/models.py`\n"
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


@pytest.mark.parametrize("script", scripts.paths(), ids=lambda path: path.stem)
def test_every_script_says_what_it_shows_and_on_which_pairs(script: Path) -> None:
    scripts.parse(script.name, script.read_text())


def test_there_are_scripts() -> None:
    assert scripts.rows()


def test_every_script_that_the_matrix_names_is_in_the_index() -> None:
    named = {rule.script for rule in rules() if rule.script}
    assert named
    assert named <= {row.path for row in scripts.rows()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_a_script_has_the_remedy_of_the_rules_whose_cause_it_shows(rule: Rule) -> None:
    showing = [row for row in scripts.rows() if row.path == rule.script or (rule.url and row.url == rule.url)]
    assert bool(showing) == (rule.id not in WITHOUT_A_SCRIPT)
    assert {row.remedy for row in showing} <= {rule.remedy}


def test_a_remedy_that_is_no_function_is_said_in_words() -> None:
    assert "\n- Remedy: another release\n" in index.render([RULE.model_copy(update={"remedy": "move"})], [])
    assert "\n- Remedy: none\n" in index.render([RULE.model_copy(update={"remedy": "none"})], [])


def test_a_remedy_of_two_parts_names_both_files() -> None:
    both = RULE.model_copy(update={"remedy": "freeze_batch_norms_after_loading"})
    files = "`harness/remedies/folders.py` and `harness/remedies/models.py`"
    assert f"\n- Remedy: `freeze_batch_norms_after_loading` of {files}\n" in index.render([both], [])


@pytest.mark.parametrize("script", scripts.paths(), ids=lambda path: path.stem)
def test_a_script_calls_the_remedy_that_it_names_wherever_it_needs_it(script: Path) -> None:
    row = scripts.parse(script.name, script.read_text())
    called = set(re.findall(r"^ +(\w+)\.(\w+)\(", branches(script.read_text()), re.MULTILINE))
    remedy = REMEDIES.get(row.remedy)
    assert called == ({(str(part), remedy.name) for part in remedy.mends} if remedy else set())


def branches(source: str) -> str:
    """The bodies of the conditions on --remedy."""
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.If) and is_on_remedy(node.test))
    return "\n".join(str(ast.get_source_segment(source, node, padded=True)) for node in found)


def is_on_remedy(test: ast.expr) -> bool:
    return ast.unparse(test) == f"'{scripts.OPTION}' in sys.argv"


@pytest.mark.parametrize("script", scripts.paths(), ids=lambda path: path.stem)
def test_a_script_needs_the_two_libraries_and_what_they_stand_on_alone(script: Path) -> None:
    imported = set(re.findall(r"^(?:from|import) (\w+)", script.read_text(), re.MULTILINE))
    assert imported <= {"json", "pathlib", "safetensors", "sys", "tempfile", "timm", "torch", "transformers"}


@pytest.mark.parametrize("script", scripts.paths(), ids=lambda path: path.stem)
def test_a_script_needs_the_harness_for_its_remedy_alone(script: Path) -> None:
    source = script.read_text()
    assert source.count("harness") == branches(source).count("harness")


def test_a_remedy_that_is_to_move_needs_a_pair_to_move_to() -> None:
    stuck = (
        WHOLE.replace("No report was found.", "No report was found, and no release without it.")
        .replace('"transformers==4.57.6 timm==1.0.22"', "None")
        .replace('"cast_buffers"', '"move"')
    )
    with pytest.raises(ValueError, match=r'^a\.py: REMEDY "move" needs HEALTHY, the pair to move to$'):
        scripts.parse("a.py", stuck)


def test_a_row_has_all_that_a_script_says() -> None:
    row = scripts.parse("a.py", WHOLE)
    assert row.pairs == {"transformers==5.23.0 timm==1.0.31": True, "transformers==4.57.6 timm==1.0.22": False}
    assert index.render([], [row]).endswith(
        "| A cause in a sentence. No report was found. | `tests/causes/a.py` | `cast_buffers` |"
        " 5.23.0 × 1.0.31 | 4.57.6 × 1.0.22 | none found |\n"  # noqa: RUF001
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
        pytest.param('REMEDY = "cast_buffers"\n', "", "a.py: has no REMEDY", id="no remedy"),
        pytest.param(
            '"cast_buffers"',
            '"cast_bufers"',
            'a.py: REMEDY must name a function of harness.remedies, or be "move" or "none"',
            id="an unknown remedy",
        ),
        pytest.param(
            '"cast_buffers"',
            '"none"',
            "a.py: its REMEDY is none, and it takes --remedy",
            id="an option without a function",
        ),
        pytest.param(
            'if "--remedy" in sys.argv:',
            "if False:",
            "a.py: its REMEDY is cast_buffers, and it does not take --remedy",
            id="a function without the option",
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
        scripts.parse("a.py", WHOLE.replace(old, new))
