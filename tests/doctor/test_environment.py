"""A look at the pair that is installed: what was seen to fail is told, with the rule that knows it."""

import io
import os
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from harness.contract.case import Case, Outcome
from harness.contract.catalog import Catalog
from harness.contract.library_env import LIBRARIES
from harness.contract.record import CaseLine
from harness.doctor import environment
from harness.doctor.console_report import RESTRICTIONS, CaseResult
from harness.doctor.console_report import told as told_of
from tests.cell.faults.conftest import RELEASE
from tests.places import ROOT


def seen(entries: Catalog, outcome: str, route: str = "tower") -> CaseResult:
    model = "convnext_atto"
    return CaseResult(Case(route, model), entries[model], CaseLine(Outcome(outcome), f"{outcome} here", {}))


def rule(because: str, **more: Any) -> Any:
    told = {"routes": ["tower"], "outcome": "keys", "because": because, "advice": f"mend {because}", "url": "there"}
    return SimpleNamespace(**{**RESTRICTIONS, "models": ["*"], **told, **more})


def told(rules: list[Any], *cases: CaseResult) -> str:
    return "\n".join(told_of(cases, rules, RELEASE))


def test_what_fails_is_told_with_the_rule_that_knows_it(entries: Catalog) -> None:
    words = told([rule("renamed"), rule("unset", outcome="tensors")], seen(entries, "keys"))
    assert "✘ tower: keys here\n  because renamed\n  mend renamed\n  there" in words
    assert words.startswith("\n0 passed, 1 broken, 0 unsupported")


def test_a_rule_of_this_pair_comes_before_one_of_others_that_looks_alike(entries: Catalog) -> None:
    other, own = rule("old", transformers="<5"), rule("new", transformers=">=5")
    assert "because new" in told([other, own], seen(entries, "keys"))
    assert "as where old" in told([other], seen(entries, "keys"))  # by behaviour: it is seen, whatever the range says


def test_what_fails_and_no_rule_knows_is_told_as_that(entries: Catalog) -> None:
    words = told([rule("renamed")], seen(entries, "tensors"))
    assert "✘ tower/convnext_atto is tensors, and no rule knows it: tensors here" in words


def test_a_rule_whose_cases_pass_here_is_not_told_and_one_that_nobody_tried_is(entries: Catalog) -> None:
    untried = rule("elsewhere", models=["vit_*"])
    words = told([rule("renamed"), untried, rule("old", transformers="<5")], seen(entries, "passed"))
    assert "renamed" not in words
    assert "\nAlso known of this pair, and not seen here:\n· tower, of vit_*: elsewhere\n  mend elsewhere" in words
    assert "Also known" not in told([rule("renamed")], seen(entries, "passed"))
    assert "old" not in words


@pytest.mark.slow
def test_this_pair_is_examined_in_about_a_minute_and_in_words_alone() -> None:
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "harness", "doctor"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name not in LIBRARIES},  # as a user has it
    )
    assert time.monotonic() - started < 240  # a minute where nothing else runs
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.startswith("transformers 5.23.0, timm 1.0.31, torch ")
    assert "✔ wrapper/convnext_atto: passed" in ended.stdout
    assert "✘ tower/vit_relpos_small_patch16_224: tensors" in ended.stdout
    assert "no rule knows it" not in ended.stdout
    assert ended.stderr == ""


def test_a_broken_pair_is_exit_code_1_and_a_sound_one_0(entries: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    for outcome, code in (("keys", 1), ("passed", 0), ("drifted", 0), ("unsupported", 1)):
        monkeypatch.setattr(environment, "_tried", lambda *_, outcome=outcome: iter([seen(entries, outcome)]))
        assert environment.examine(io.StringIO()) == code
