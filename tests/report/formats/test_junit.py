from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped

from harness.report.formats import junit
from harness.results.verdict import Judged
from tests.summaries import NEW, OLD, RENAMED, cases, summary


def read(judged: list[Judged], folder: Path) -> JUnitXml:
    """As a reader that is not ours reads it."""
    path = folder / "junit.xml"
    path.write_text(junit.xml(summary(judged)), encoding="utf-8")
    return JUnitXml.fromfile(str(path))


ALL = [
    *cases(NEW, {"tower/a": ("passed", None), "tower/b": ("drifted", None), "tower/c": ("tensors", "a differs")}),
    *cases(NEW, {"tower/d": None, "tower/e": ("not-run", "no GPU"), "tower/f": ("unsupported", "no road")}),
    *cases(OLD, {"tower/a": ("keys", "renamed"), "tower/b": ("passed", None)}, rules=[RENAMED]),
]


def test_what_is_not_as_expected_fails_what_is_missing_is_an_error_and_what_is_known_is_skipped(tmp_path: Path) -> None:
    suites = list(read(ALL, tmp_path))
    found = {f"{suite.name} {case.name}": [type(one) for one in case.result] for suite in suites for case in suite}
    new, old = f"{NEW} cpu-float32", f"{OLD} cpu-float32"
    assert found == {
        f"{new} tower/a": [],
        f"{new} tower/b": [],
        f"{new} tower/c": [Failure],
        f"{new} tower/d": [Error],
        f"{new} tower/e": [Skipped],
        f"{new} tower/f": [Skipped],
        f"{old} tower/a": [Skipped],
        f"{old} tower/b": [Failure],
    }
    assert [(one.tests, one.failures, one.errors, one.skipped) for one in suites] == [(6, 1, 1, 2), (2, 1, 0, 1)]


def test_a_failure_says_what_happened_and_how_to_run_it_again(tmp_path: Path) -> None:
    [suite, _] = read(ALL, tmp_path)
    [failure] = next(case for case in suite if case.name == "tower/c").result
    assert failure.message == "regressed: a differs"
    alone = "--lane cpu-float32 --route tower --model c --variant safetensors --rerun"
    assert failure.text == f"a differs\nnox -s matrix -- --pair {NEW} {alone}"


def test_what_no_xml_may_hold_is_shown_as_an_escape(tmp_path: Path) -> None:
    [suite] = read(cases(NEW, {"tower/c": ("error", "\x00 \x1b[2J \ud800 ]]> <x>&")}), tmp_path)
    [failure] = next(iter(suite)).result
    assert failure.message == r"regressed: \x00 \x1b[2J \ud800 ]]> <x>&"
