from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped

from harness.report.formats import junit
from harness.results.judging import Judged
from tests.findings import case_line, finding, scenario, tried
from tests.known import known
from tests.summaries import NEW, OLD, RENAMED, cases, from_lines, summary


def read(judged: list[Judged], folder: Path) -> JUnitXml:
    """The suites as junitparser reads them."""
    path = folder / "junit.xml"
    path.write_text(junit.xml(summary(judged)), encoding="utf-8")
    return JUnitXml.fromfile(str(path))


ALL = [
    *cases(NEW, {"tower/a": ("passed", None), "tower/b": ("drifted", None), "tower/c": ("tensors", "a differs")}),
    *cases(NEW, {"tower/d": None, "tower/e": ("not-run", "no GPU"), "tower/f": ("unsupported", "no such route")}),
    *cases(OLD, {"tower/a": ("keys", "renamed"), "tower/b": ("passed", None)}, rules=[RENAMED]),
]


def test_unexpected_cases_fail_missing_ones_are_errors_and_known_ones_are_skipped(tmp_path: Path) -> None:
    suites = list(read(ALL, tmp_path))
    results = {
        f"{suite.name} {case.name}": [type(result) for result in case.result] for suite in suites for case in suite
    }
    new, old = f"{NEW} cpu-float32", f"{OLD} cpu-float32"
    assert results == {
        f"{new} tower/a": [],
        f"{new} tower/b": [],
        f"{new} tower/c": [Failure],
        f"{new} tower/d": [Error],
        f"{new} tower/e": [Skipped],
        f"{new} tower/f": [Skipped],
        f"{old} tower/a": [Skipped],
        f"{old} tower/b": [Failure],
    }
    assert [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in suites] == [
        (6, 1, 1, 2),
        (2, 1, 0, 1),
    ]


def test_a_failure_says_what_happened_and_how_to_run_it_again(tmp_path: Path) -> None:
    [suite, _] = read(ALL, tmp_path)
    [failure] = next(case for case in suite if case.name == "tower/c").result
    assert failure.message == "regressed: a differs"
    alone = "--lane cpu-float32 --route tower --model c --variant safetensors --rerun"
    assert failure.text == f"a differs\nnox -s matrix -- --pair {NEW} {alone}"


def test_a_remedied_case_is_skipped_and_says_how_it_is_mended(tmp_path: Path) -> None:
    rule = known("keys", "gamma is renamed", remedy="load_by_exact_names")
    lines = {"tower/c": case_line(scenario("", finding(), remedied=tried([rule])))}
    [suite] = read(from_lines(NEW, lines, [rule]), tmp_path)
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (1, 0, 0, 1)
    [skipped] = next(iter(suite)).result
    assert (type(skipped), skipped.message, skipped.type) == (Skipped, "remedied: keys here", "remedied")
    assert "because gamma is renamed" in skipped.text
    assert "remedy load_by_exact_names: 1 of 1 case green with it" in skipped.text


def test_a_case_whose_remedy_was_not_run_is_an_error(tmp_path: Path) -> None:
    rule = known("keys", "gamma is renamed", remedy="load_by_exact_names")
    [suite] = read(from_lines(NEW, {"tower/c": case_line(scenario("", finding()))}, [rule]), tmp_path)
    [error] = next(iter(suite)).result
    assert (type(error), error.message) == (
        Error,
        "incomplete: known, and its remedy has not been run yet: load_by_exact_names",
    )


def test_characters_that_xml_forbids_are_escaped(tmp_path: Path) -> None:
    [suite] = read(cases(NEW, {"tower/c": ("error", "\x00 \x1b[2J \ud800 ]]> <x>&")}), tmp_path)
    [failure] = next(iter(suite)).result
    assert failure.message == r"regressed: \x00 \x1b[2J \ud800 ]]> <x>&"
