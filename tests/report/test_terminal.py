import io
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from harness.report import terminal
from harness.report.formats import badge, junit
from harness.results.judging import Judged
from tests.findings import case_line, finding, scenario, tried
from tests.known import known
from tests.summaries import NEW, OLD, RENAMED, cases, each, from_lines, summary

DASH = "\N{EN DASH}"
NO_GPU = "no CUDA device"


def shown(judged: Sequence[Judged], width: int = 80) -> list[str]:
    """The lines printed where the console is no terminal."""
    file = io.StringIO()
    terminal.show(Console(file=file, width=width), summary(judged))
    return [line.rstrip() for line in file.getvalue().splitlines()]


HEALTHY = {**each("wrapper", "passed", *[None] * 3), **each("tower", "passed", *[None] * 2)}
RESULT = [
    *cases(OLD, {**each("wrapper", "unsupported", "came with 4.48"), **each("tower", "passed", None)}),
    *cases(OLD, each("tower", "keys", None, "24 keys renamed", "36 keys renamed"), rules=[RENAMED])[1:],
    *cases(NEW, {**HEALTHY, "tower/m2": ("drifted", None)}),
    *cases(NEW, {"tower/m8": ("tensors", "`a.rope` differs"), "tower/m9": ("tensors", "`b.rope` differs")}),
    *cases(NEW, {"wrapper/m7": None}),
    *cases(NEW, {"tower/m3": ("passed", None)}, rules=[RENAMED]),
    *cases(OLD, each("tower", "not-run", NO_GPU), lane="cuda-float32"),
    *cases(NEW, each("tower", "not-run", NO_GPU, NO_GPU), lane="cuda-float32"),
]


LEGEND = (
    "✘ regressed   ↑ fixed   … incomplete   ◐ known broken   ≈ drifted   ✔ passed   ○ not run   \N{EN DASH} unsupported"
)
TOTALS = (
    *("6 passed", "1 drifted", "2 known broken", "2 regressed", "1 fixed", "1 incomplete"),
    *("3 not run (no CUDA device)", "1 unsupported"),
)


def test_the_summary_at_140_columns_is_exactly_this() -> None:
    assert shown(RESULT, 140) == [
        "Half finished: 1 of 17 planned cases have no record.",
        "",
        "cpu-float32, share passed of what was run",
        "transformers  4.48.3  5.23.0",
        "timm          1.0.14  1.0.31",
        f"wrapper       {DASH}       … 100%",
        "tower         ◐ 33%   ✘ 66%",
        "",
        "cuda-float32: 3 not run (no CUDA device)",
        "",
        LEGEND,
        "",
        "✘ regressed · tower · tensors · 2 models, 2 cases, 1 pair",
        "  `a.rope` differs",
        f"  nox -s matrix -- --pair {NEW} --lane cpu-float32 --route tower --model m8 --variant safetensors --rerun",
        "",
        "↑ fixed · tower · 1 model, 1 case, 1 pair",
        "  no longer keys: every key with gamma or beta is renamed at load",
        f"  nox -s matrix -- --pair {NEW} --lane cpu-float32 --route tower --model m3 --variant safetensors --rerun",
        "",
        "… incomplete · wrapper · 1 model, 1 case, 1 pair",
        "  no record: the run did not come this far",
        f"  nox -s matrix -- --pair {NEW} --lane cpu-float32 --route wrapper --model m7 --variant safetensors --rerun",
        "",
        "◐ known broken · tower · keys · 2 models, 2 cases, 1 pair",
        "  24 keys renamed",
        "  because every key with gamma or beta is renamed at load",
        "  take transformers 4.49 or later",
        "  https://example.org/issues/1",
        f"  nox -s matrix -- --pair {OLD} --lane cpu-float32 --route tower --model m1 --variant safetensors --rerun",
        "",
        "2 of 4 broken cases silent: neither library warned.",
        " · ".join(TOTALS),
        "Exit code 1: something regressed or is fixed.",
    ]


def test_at_80_columns_lists_wrap_between_items_and_commands_stay_whole() -> None:
    lines = shown(RESULT)
    assert "✘ regressed   ↑ fixed   … incomplete   ◐ known broken   ≈ drifted   ✔ passed" in lines
    assert lines[-3:] == [
        "6 passed · 1 drifted · 2 known broken · 2 regressed · 1 fixed · 1 incomplete ·",
        "3 not run (no CUDA device) · 1 unsupported",
        "Exit code 1: something regressed or is fixed.",
    ]
    assert (
        f"  nox -s matrix -- --pair {NEW} --lane cpu-float32 --route tower --model m8 --variant safetensors --rerun"
        in lines
    )


def test_a_reason_wraps_between_words_and_never_within_an_id() -> None:
    lines = shown(cases(NEW, {"wrapper/m": ("error", "OSError: no such route here: backbone-pretrained")}), width=48)
    assert lines[lines.index("  OSError: no such route here:") + 1] == "  backbone-pretrained"


def test_pairs_that_do_not_fit_beside_the_routes_go_into_a_table_below_and_name_their_torch() -> None:
    development = "transformers5.24.0.dev0+g1a2b3c4-timm1.0.32-torch2.15.0"
    lines = shown([*cases(OLD, HEALTHY), *cases(development, HEALTHY)], width=30)
    assert lines[:10] == [
        "cpu-float32, share passed of what was run",
        "transformers  4.48.3",
        "timm          1.0.14",
        "torch         2.14.1",
        "wrapper       ✔ 100%",
        "tower         ✔ 100%",
        "",
        "transformers  5.24.0.dev0+g1a2b3c4",
        "timm          1.0.32",
        "torch         2.15.0",
    ]


def test_a_word_wider_than_the_console_stays_whole() -> None:
    lines = shown(cases(NEW, {"wrapper/m": ("error", "OSError: " + "x" * 50)}), width=30)
    assert "  " + "x" * 50 in lines


@pytest.mark.parametrize(("passed", "failed", "share"), [(399, 1, "99%"), (1, 399, "1%"), (0, 3, "0%"), (3, 0, "100%")])
def test_a_share_is_never_rounded_to_all_or_to_nothing(passed: int, failed: int, share: str) -> None:
    green = {f"tower/g{number}": ("passed", None) for number in range(passed)}
    assert f"{share}" in shown(cases(NEW, {**green, **each("tower", "keys", *[None] * failed)}))[3].split()


def test_routes_come_in_the_order_of_the_matrix_whatever_ran_first() -> None:
    lines = shown(cases(NEW, {"vlm/a": ("passed", None), "tower/a": ("passed", None), "wrapper/a": ("passed", None)}))
    assert [line.split()[0] for line in lines[3:6]] == ["wrapper", "tower", "vlm"]


def test_more_routes_than_one_can_read_are_counted() -> None:
    routes = ("wrapper", "classifier", "backbone", "tower", "hub", "roundtrip", "scratch")
    lines = shown(cases(NEW, {f"{route}/m": ("error", "no such thing") for route in routes}))
    assert "✘ regressed · 7 routes · error · 1 model, 7 cases, 1 pair" in lines


@pytest.mark.parametrize("width", [80, 140])
def test_plain_text_has_no_escape_codes(width: int) -> None:
    assert "\x1b" not in "".join(shown(RESULT, width))


def test_a_terminal_is_shown_colours() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard", no_color=False)
    terminal.show(console, summary(RESULT))
    assert "\x1b[1;31m✘ regressed" in file.getvalue()


def test_all_green_says_so_and_counts() -> None:
    assert shown(cases(NEW, HEALTHY)) == [
        "cpu-float32, share passed of what was run",
        "transformers  5.23.0",
        "timm          1.0.31",
        "wrapper       ✔ 100%",
        "tower         ✔ 100%",
        "",
        "✔ passed",
        "",
        "5 passed",
        "Exit code 0: as expected.",
    ]


def test_a_case_not_run_in_a_lane_that_ran_counts_in_no_share() -> None:
    results = {"tower/m0": ("passed", None), "tower/m1": ("not-run", "needs 27 GB of memory, 8 GB are free")}
    lines = shown(cases(NEW, results))
    assert lines[3] == "tower         ✔ 100%"
    assert lines[-2] == "1 passed · 1 not run (needs 27 GB of memory, 8 GB are free)"


def test_reasons_that_differ_only_in_numbers_are_given_once() -> None:
    reasons = ("needs 27 GB of memory", "needs 54 GB of memory", NO_GPU)
    lines = shown(cases(NEW, each("tower", "not-run", *reasons)))
    assert lines[0] == "cpu-float32: 3 not run (needs 27 GB of memory; no CUDA device)"


def test_an_environment_that_could_not_be_made_is_incomplete_and_says_why() -> None:
    reason = "no such release: transformers 9.9.9"
    lines = shown(cases(NEW, {"tower/m0": None, "wrapper/m0": None}, failure=reason), 140)
    at = lines.index("… incomplete · tower, wrapper · 1 model, 2 cases, 1 pair")
    assert lines[at + 1] == f"  {reason}"
    assert lines[-2:] == [
        "2 incomplete",
        "Exit code 4: incomplete: planned cases have no record, or none with their remedy.",
    ]


def test_a_failure_that_no_rule_explains_is_shown_with_its_reason_and_its_command() -> None:
    lines = shown(cases(NEW, {"tower/m0": ("error", "IndexError: 9 in run")}, rules=[RENAMED]), 140)
    at = lines.index("✘ regressed · tower · error · 1 model, 1 case, 1 pair")
    assert lines[at + 1 : at + 3] == [
        "  IndexError: 9 in run",
        f"  nox -s matrix -- --pair {NEW} --lane cpu-float32 --route tower --model m0 --variant safetensors --rerun",
    ]


MENDED = known("keys", "gamma is renamed", remedy="load_by_exact_names")
GAMMA, CAST = finding(how="gamma renamed"), finding("error", what="RuntimeError", how="expected Half")


def of_line(line: dict[str, Any]) -> list[str]:
    """The lines printed of one case with this case line."""
    return shown(from_lines(NEW, {"tower/m0": line}, [MENDED]), 140)


def test_a_remedied_case_says_with_which_remedy_it_is_green() -> None:
    lines = of_line(case_line(scenario("", GAMMA, remedied=tried([MENDED]))))
    assert lines[lines.index("tower         ◑ 0% → 100%") :] == [
        "tower         ◑ 0% → 100%",
        "",
        "◑ remedied",
        "",
        "◑ remedied · tower · keys · 1 model, 1 case, 1 pair",
        "  keys here",
        "  because gamma is renamed",
        "  take transformers 4.49 or later",
        "  remedy load_by_exact_names: 1 of 1 case green with it",
        "  https://example.org/issues/1",
        f"  nox -s matrix -- --pair {NEW} --lane cpu-float32 --route tower --model m0 --variant safetensors --rerun",
        "",
        "0 of 1 broken case silent: neither library warned.",
        "1 remedied",
        "Exit code 0: as expected.",
    ]


def test_a_case_whose_remedy_was_not_run_is_incomplete_and_named_at_the_top() -> None:
    lines = of_line(case_line(scenario("", GAMMA)))
    assert lines[0] == "Known, and not yet run with the remedy: 1 case."
    at = lines.index("… incomplete · tower · keys · 1 model, 1 case, 1 pair")
    assert lines[at + 1 : at + 3] == [
        "  known, and its remedy has not been run yet: load_by_exact_names",
        "  because gamma is renamed",
    ]
    assert lines[-2:] == [
        "1 incomplete",
        "Exit code 4: incomplete: planned cases have no record, or none with their remedy.",
    ]


def test_what_no_rule_explains_is_shown_with_what_is_known_beside_it() -> None:
    lines = of_line(case_line(scenario("", GAMMA, CAST)))
    at = lines.index("✘ regressed · tower · keys · 1 model, 1 case, 1 pair")
    assert lines[at + 1] == f"  {CAST.words}; known beside it: gamma is renamed"
    assert lines[at + 2].startswith("  nox -s matrix")


def test_no_case_at_all_is_not_green() -> None:
    assert shown([])[-1] == "Exit code 3: nothing was selected."


def test_a_route_that_passes_for_the_same_models_is_offered_as_an_alternative() -> None:
    broken = each("tower", "tensors", "unset", "unset")
    green = {"tower-wrapper/m0": ("passed", None)}
    sentence = "  All of these models that were tried on tower-wrapper pass there."
    assert sentence in shown(cases(NEW, {**broken, **green}))
    assert sentence not in shown(cases(NEW, {**broken, "tower-wrapper/m0": ("tensors", "unset")}))
    assert sentence not in shown([*cases(NEW, broken), *cases(OLD, green)])  # another pair is no alternative


def test_the_sentences_on_the_pairs_come_first() -> None:
    file = io.StringIO()
    answers = ["One pair: works.", "Another pair: broken."]
    terminal.show(Console(file=file, width=80), summary(cases(NEW, {"tower/m0": None}), answers=answers))
    assert file.getvalue().splitlines()[:3] == [*answers, ""]


def test_remarks_come_before_the_totals() -> None:
    file = io.StringIO()
    judged = cases(NEW, HEALTHY)
    terminal.show(Console(file=file, width=80), summary(judged, remarks=["renamed is idle."]))
    lines = file.getvalue().splitlines()
    assert lines.index("renamed is idle.") < lines.index("5 passed")


def test_sentences_are_wrapped_and_commands_and_empty_lines_are_not() -> None:
    file = io.StringIO()
    terminal.tell(
        Console(file=file, width=20), ["a sentence of some words", "", "  nox -s pair -- transformers==5.23.0"]
    )
    assert file.getvalue().splitlines() == ["a sentence of some", "words", "", "  nox -s pair -- transformers==5.23.0"]


def test_a_users_model_that_is_broken_is_never_as_expected_though_a_rule_explains_it() -> None:
    own = {"target": "a:B", "config": None, "maker": None}
    judged = cases(NEW, {"own/a:B": ("keys", None), "own/a:B@bin": ("passed", None)}, rules=[RENAMED], own=own)
    explained = [case for case in judged if case.broken] + cases(NEW, {"own/a:B@bin": ("passed", None)}, own=own)
    assert shown(explained)[-1] == "Exit code 1: your model is broken in 1 of 2 cases."
    drawn = summary(explained)
    told = "Your model is broken in 1 of 2 cases. Not everything is as expected (exit code 1)."
    assert (drawn.exit_code, drawn.verdict) == (1, told)
    assert 'failures="1"' in junit.xml(drawn)
    assert badge.GOOD not in badge.svg(drawn)


@pytest.mark.parametrize("on_terminal", [True, False])
def test_only_where_the_output_is_no_terminal_its_width_is_fixed(
    monkeypatch: pytest.MonkeyPatch, *, on_terminal: bool
) -> None:
    monkeypatch.setenv("COLUMNS", "173")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: on_terminal)
    assert terminal.console().width == (173 if on_terminal else terminal.WIDTH)
