"""What an upgrade says of checkpoints that the old pair saved: each thing that goes wrong, for none hides another."""

import itertools
from typing import Any

from harness.config.matrix import Tolerance
from harness.contract.case import Case
from harness.report import upgrade
from harness.results.judging import Judged, Verdict
from harness.results.pair_diff import compare
from harness.results.upgrade_result import UpgradeResult
from tests.summaries import pair

OLD, NEW = pair("transformers4.57.6-timm1.0.22"), pair("transformers5.23.0-timm1.0.31")
LANE = "cpu-float32"


def scenario(name: str, kind: str = "passed", what: str = "", how: str = "") -> dict[str, Any]:
    finding = {"kind": kind, "where": "load", "what": what, "how": how}
    return {"name": name, "outcome": kind, "findings": [] if kind == "passed" else [finding]}


def judged(outcome: str, *scenarios: dict[str, Any]) -> Judged:
    record = {"outcome": outcome, "reason": "what is worst", "model": "resnet18", "scenarios": list(scenarios)}
    return Judged(NEW.id, LANE, Case("detector", "resnet18"), Verdict.AS_EXPECTED, record)


def told(end: Judged, carried: Judged) -> list[str]:
    answer = UpgradeResult(OLD, NEW, {"float32": Tolerance(rtol=1e-5, atol=1e-5)}, [end], [end], [], {}, {}, [carried])
    lines = list(upgrade.lines(answer))
    first = next(number for number, line in enumerate(lines) if line.startswith("✘"))
    return [lines[first], *itertools.takewhile(lambda line: line.startswith("  "), lines[first + 1 :])]


THAWED = scenario("D-FINE", "flags", "up", "requires a gradient, and must not")
REFUSED = ("error", "ValueError", "dilation is None")
LOST = ("keys", "bn1.bias", "prefixed with _backbone")


def test_each_thing_that_carrying_breaks_has_a_line_with_its_scenarios() -> None:
    end = judged("flags", *(scenario(name) for name in ("DETR", "Table Transformer", "Deformable DETR")), THAWED)
    carried = judged(
        "keys",
        scenario("DETR", *REFUSED),
        scenario("Table Transformer", *REFUSED),
        scenario("Deformable DETR", *LOST),
        THAWED,
    )
    assert told(end, carried) == [
        "✘ lost by carrying · detector · 1 case, such as detector/resnet18: what is worst",
        "  DETR, Table Transformer: error in load: ValueError: dilation is None",
        "  Deformable DETR: keys in load: bn1.bias: prefixed with _backbone",
    ]


def test_what_is_broken_anyway_hides_no_single_thing() -> None:
    lines = told(judged("flags", scenario("DETR"), THAWED), judged("flags", scenario("DETR", *REFUSED), THAWED))
    assert lines[1:] == ["  DETR: error in load: ValueError: dilation is None"]


def test_a_case_with_a_single_scenario_is_told_by_its_reason() -> None:
    assert told(judged("passed", scenario("")), judged("keys", scenario("", *LOST)))[1:] == []


def test_what_is_newly_broken_is_told_where_the_old_side_is_broken_too() -> None:
    old, new = judged("flags", scenario("DETR"), THAWED), judged("flags", scenario("DETR", *REFUSED), THAWED)
    tolerances = {"float32": Tolerance(rtol=1e-5, atol=1e-5)}
    answer = UpgradeResult(OLD, NEW, tolerances, [old], [new], compare([old], [new]), {}, {})
    assert answer.exit_code == 1
    assert "  DETR: error in load: ValueError: dilation is None" in list(upgrade.lines(answer))


def test_an_option_that_is_dropped_comes_last_and_changes_no_exit_code() -> None:
    def low_cpu_mem(outcome: str) -> Judged:
        record = {"outcome": outcome, "reason": "transformers 5 always loads like this", "model": "resnet18"}
        return Judged(NEW.id, LANE, Case("tower", "resnet18", "low-cpu-mem"), Verdict.AS_EXPECTED, record)

    old, new = [low_cpu_mem("passed"), judged("passed")], [low_cpu_mem("unsupported"), judged("passed")]
    tolerances = {"float32": Tolerance(rtol=1e-5, atol=1e-5)}
    answer = UpgradeResult(OLD, NEW, tolerances, old, new, compare(old, new), {}, {})
    *lines, dropped, last = upgrade.lines(answer)
    assert "1 option dropped" in lines
    assert dropped == "· option dropped · tower · 1 model, 1 case · transformers 5 always loads like this"
    assert last == "Exit code 0."
    assert answer.fit
