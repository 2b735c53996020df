"""The table of what full-size models take."""

from typing import Any

from harness.report.formats import markdown
from harness.report.formats.sizes import tables
from tests.summaries import NEW, cases, summary

GIB = 2**30


def took(held: float, disk: float) -> dict[str, Any]:
    return {"held_mb": held * 1024, "disk_mb": disk * 1024}


def judged() -> list[Any]:
    results = {
        "wrapper/large+full": ("passed", None),
        "wrapper/huge+full": ("passed", None),
        "tower/huge+full": ("not-run", "needs 50 GiB of disk, and 40 GiB are free"),
        "tower/large+full": ("tensors", "buffers"),
        "tower/large@bin+full": ("passed", None),
        "tower/large": ("passed", None),
    }
    details = {
        "wrapper/large+full": took(0.5, 1),
        "tower/large+full": took(0.52, 2.04),
        "wrapper/huge+full": {"held_mb": "none"},
    }
    return cases(NEW, results, details=details, seconds={"wrapper/large+full": 12.4, "tower/large+full": 12.4})


def test_a_row_says_how_large_a_model_is_and_what_each_route_took() -> None:
    [table] = tables(summary(judged(), parameters={"large": GIB // 4, "huge": 10 * GIB}))
    assert (table.pair, table.lane, list(table.routes)) == (NEW, "cpu-float32", ["wrapper", "tower"])
    assert table.rows == [
        ["huge", "10,737.4", "40.00", "✔", "○"],
        ["large", "268.4", "1.00", "✔ 12 s, 0.5 + 1.0 GiB", "✘ 12 s, 0.5 + 2.0 GiB"],
    ]
    assert table.untried == ["tower/huge: needs 50 GiB of disk, and 40 GiB are free"]


def test_the_file_is_a_valid_markdown_table() -> None:
    text = markdown.full_size(summary(judged(), parameters={}))
    lines = text.splitlines()
    head = lines.index("| model | million parameters | GiB in float32 | wrapper | tower |")
    assert lines[head + 1] == "|---|---:|---:|---|---|"
    assert lines[head + 2].startswith("| huge | 0.0 |")
    assert "- Not run: tower/huge: needs 50 GiB of disk, and 40 GiB are free" in lines


def test_without_a_full_size_case_the_file_says_so() -> None:
    text = markdown.full_size(summary(cases(NEW, {"tower/large": ("passed", None)})))
    assert text.rstrip().endswith("No full-size case was selected.")
