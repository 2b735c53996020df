"""The report on the installed pair: failures with the rules that explain them."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from harness.contract.case import Case, Outcome
from harness.contract.catalog import Catalog
from harness.contract.finding import Finding, ScenarioLine
from harness.contract.library_env import LIBRARIES
from harness.contract.plan import Pattern
from harness.contract.record import CaseLine
from harness.doctor import console_report, environment, user_model
from harness.doctor.case_result import CaseResult
from harness.doctor.console_report import explain
from harness.doctor.explaining import explained
from harness.doctor.messages import Console
from harness.doctor.shipped_matrix import RESTRICTIONS, planned, rules
from harness.remedies.table import remedy_of
from harness.survival import assert_survives_transformers
from tests.cell.faults.conftest import RELEASE
from tests.findings import finding, scenario, tried
from tests.own import towers
from tests.places import ROOT, TIMM, TRANSFORMERS


def result(entries: Catalog, outcome: str, route: str = "tower", *scenarios: ScenarioLine) -> CaseResult:
    model = "convnext_atto"
    line = CaseLine(Outcome(outcome), f"{outcome} here", {}, scenarios=scenarios)
    return CaseResult(Case(route, model), entries[model], line)


def rule(because: str, kind: str = "keys", **more: Any) -> Any:
    fields = {"id": because, "routes": ["tower"], "finds": [Pattern(kind, how="*")], "remedy": "move"}
    fields |= {"because": because, "advice": f"mend {because}", "url": "there"}
    return SimpleNamespace(**{**RESTRICTIONS, "models": ["*"], **fields, **more})


def report(rules: list[Any], *cases: CaseResult) -> str:
    return "\n".join(explain(cases, rules, RELEASE))


def test_a_failure_is_reported_with_the_rule_that_explains_it(entries: Catalog) -> None:
    words = report([rule("renamed"), rule("unset", "tensors")], result(entries, "keys"))
    assert "✘ tower: keys here\n  because renamed\n  mend renamed\n  there" in words
    assert words.startswith("\n0 passed, 1 broken, 0 unsupported")


def test_a_rule_of_this_pair_comes_before_a_similar_rule_of_others(entries: Catalog) -> None:
    other, current = rule("old", transformers="<5"), rule("new", transformers=">=5")
    assert "because new" in report([other, current], result(entries, "keys"))
    # It failed here, whatever releases the rule names.
    assert "as in other releases, where old" in report([other], result(entries, "keys"))


def test_a_failure_that_no_rule_explains_is_reported_as_such(entries: Catalog) -> None:
    words = report([rule("renamed")], result(entries, "tensors"))
    assert "✘ tower/convnext_atto is tensors, and no rule explains it: tensors here" in words


def test_a_known_finding_does_not_explain_another_beside_it(entries: Catalog) -> None:
    both = result(entries, "keys", "tower", scenario("", finding()), scenario("hidden states", finding("error")))
    assert "✘ tower/convnext_atto is keys, and no rule explains it: keys here" in report([rule("renamed")], both)
    assert "no rule explains it" not in report([rule("renamed"), rule("cast", "error")], both)


@pytest.mark.parametrize(("left", "held"), [((), "it works"), ((finding("error"),), "does not suffice")])
def test_a_remedy_that_was_tried_here_says_whether_it_held(
    entries: Catalog, left: tuple[Finding, ...], held: str
) -> None:
    renamed = rule("renamed", remedy="load_by_exact_names")
    mended = scenario("", finding(), remedied=tried([renamed], *left))
    words = report([renamed], result(entries, "keys", "tower", mended))
    assert f"  mend renamed\n  the remedy load_by_exact_names was tried here, and {held}\n  there" in words
    assert "was tried here" not in report([renamed], result(entries, "keys"))


def test_the_rules_of_the_matrix_can_be_run_with_their_remedies() -> None:
    named = planned(rules(), RELEASE)
    assert {rule.id for rule in named} <= {rule.id for rule in rules()}
    assert any(remedy_of(rule) for rule in named)


def test_a_rule_whose_cases_pass_is_omitted_and_an_untested_rule_is_listed(entries: Catalog) -> None:
    untried = rule("elsewhere", models=["vit_*"])
    words = report([rule("renamed"), untried, rule("old", transformers="<5")], result(entries, "passed"))
    assert "renamed" not in words
    assert "\nAlso known of this pair, but not seen here:\n· tower, of vit_*: elsewhere\n  mend elsewhere" in words
    assert "Also known" not in report([rule("renamed")], result(entries, "passed"))
    assert "old" not in words


@pytest.mark.slow
@pytest.mark.parametrize(
    "routes",
    [
        pytest.param(("--route", "wrapper", "--route", "tower"), id="two routes"),
        pytest.param((), id="all routes", marks=pytest.mark.all_faults),
    ],
)
def test_this_pair_is_tested_in_about_a_minute_without_warnings(routes: Sequence[str]) -> None:
    started = time.monotonic()
    ended = subprocess.run(  # noqa: S603 - the test's own words
        [sys.executable, "-m", "harness", "doctor", *routes],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name not in LIBRARIES},  # as a user has it
    )
    assert time.monotonic() - started < 240  # a minute where nothing else runs
    assert ended.returncode == 0, ended.stderr
    known, found, *_ = ended.stdout.splitlines()
    assert known.startswith("By the atlas, measured on ")
    assert found.startswith(f"transformers {TRANSFORMERS}, timm {TIMM}, torch ")
    assert "✔ wrapper/convnext_atto: passed" in ended.stdout
    assert "✘ tower/vit_relpos_small_patch16_224: tensors" in ended.stdout
    assert "no rule explains it" not in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("Exit code 0: all of it is known of this pair; for ")
    assert ended.stderr == ""


def test_a_broken_pair_is_exit_code_1_and_a_sound_one_0(entries: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    for outcome, code in (("flags", 1), ("passed", 0), ("drifted", 0), ("unsupported", 1)):
        monkeypatch.setattr(environment, "_results", lambda *_, outcome=outcome: iter([result(entries, outcome)]))
        assert environment.examine(Console(io.StringIO())) == code


def examined(monkeypatch: pytest.MonkeyPatch, known: list[Any], *results: CaseResult) -> tuple[int, str]:
    """Exit code of the doctor, and what it prints, by rules of ours."""
    monkeypatch.setattr(environment, "_results", lambda *_: iter(results))
    monkeypatch.setattr(console_report, "rules", lambda: known)
    out = io.StringIO()
    return environment.examine(Console(out)), out.getvalue()


def test_what_a_rule_of_this_pair_explains_is_exit_code_0(entries: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    told, mended = rule("told"), rule("mended", "error", remedy="load_by_exact_names")
    broken = result(entries, "keys")
    remedied = result(entries, "error", "tower", scenario("", finding("error"), remedied=tried([mended])))
    code, out = examined(monkeypatch, [told, mended], broken, remedied)
    assert code == 0
    assert out.splitlines()[-1] == "Exit code 0: all of it is known of this pair; for 1 of 2 a remedy works."


@pytest.mark.parametrize(
    ("known", "left"),
    [
        ([], []),
        ([rule("old", transformers="<5")], []),
        ([rule("mended", remedy="load_by_exact_names")], [finding()]),
        ([rule("mended", remedy="load_by_exact_names")], [finding("outputs")]),
    ],
    ids=["no rule", "a rule of other releases", "a remedy that does not help", "a remedy that leaves something else"],
)
def test_what_none_explains_or_its_remedy_does_not_mend_is_exit_code_1(
    known: list[Any], left: list[Finding], entries: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    remedied = tried(known, *left) if left else {}
    broken = result(entries, "keys", "tower", scenario("", finding(), remedied=remedied))
    code, out = examined(monkeypatch, known, broken, result(entries, "passed"))
    assert code == 1
    assert "Exit code 0" not in out


def test_what_a_remedy_leaves_and_another_rule_knows_is_known(
    entries: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended, told = rule("mended", remedy="load_by_exact_names"), rule("told", "outputs")
    left = scenario("", finding(), remedied=tried([mended], finding("outputs")))
    code, out = examined(monkeypatch, [mended, told], result(entries, "keys", "tower", left))
    assert code == 0
    assert "for 0 of 1 a remedy works." in out


def test_of_routes_that_are_named_no_others_are_known_besides(entries: Catalog) -> None:
    known = [rule("of hub", routes=["hub"], models=["vit_*"]), rule("of tower", models=["vit_*"])]
    cases = [result(entries, "passed", "hub")]
    assert [found.id for found in explained(cases, known, RELEASE, ["hub"]).not_seen] == ["of hub"]
    assert [found.id for found in explained(cases, known, RELEASE).not_seen] == ["of hub", "of tower"]


def test_a_case_that_this_machine_could_not_run_is_said_and_is_not_green(
    entries: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = [result(entries, "passed"), result(entries, "not-run", "wrapper")]
    monkeypatch.setattr(environment, "_results", lambda *_: iter(results))
    out = io.StringIO()
    assert environment.examine(Console(out)) == 1
    assert "· wrapper/convnext_atto: not run: not-run here\n" in out.getvalue()
    assert "\n1 passed, 0 broken, 0 unsupported by this pair, 1 not run by this machine\n" in out.getvalue()


def test_the_assertion_fails_where_this_machine_could_not_run_the_model(
    entries: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_model, "results", lambda _: [result(entries, "passed"), result(entries, "not-run", "own")])
    with pytest.raises(AssertionError, match=r"^convnext_atto is not-run: not-run here \(as safetensors\)$"):
        assert_survives_transformers(towers.clean)
