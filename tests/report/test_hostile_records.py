"""A foreign results folder, truncated, shuffled or malicious, is read, or refused with file and line.

MUTATIONS sets how many files are tried.
"""

import io
import json
import os
import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from harness.config.errors import BadInput
from harness.contract.case import Case
from harness.report import terminal
from harness.report.formats.files import FILES
from harness.results import store
from harness.results.judging import Judged, Verdict, judge
from harness.results.store import Current, Recorded
from tests.findings import finding, scenario, tried
from tests.known import known
from tests.summaries import summary

MUTATIONS = int(os.environ.get("MUTATIONS", "200"))
PAIR, LANE = "transformers5.23.0-timm1.0.31", "cpu-float32"
CELL = {"tower": "c1", "wrapper": "c1"}
CURRENT = Current({}, CELL)
CASE: dict[str, Any] = {
    "kind": "case",
    "case": "tower/a",
    "route": "tower",
    "model": "a",
    "variant": "safetensors",
    "size": "slim",
    "outcome": "keys",
    "reason": "renamed",
    "detail": {"silent": True, "cause": "x"},
    "seconds": 1.5,
    "same_as": "tower/b",
    "scenarios": [asdict(scenario("", finding(), remedied=tried([known("keys", remedy="load_by_exact_names")])))],
    "fingerprint": {"x": {"shape": [1], "mean": 0.1, "std": 0.0, "absmax": 0.1, "samples": [0.1] * 8}},
}
SHORT = frozenset({"badge.svg", "badge.json", "needs.md", "full-size.md"})  # these do not name each route
LINES: list[dict[str, Any]] = [
    {"kind": "run", "schema": 2, "pair": {"id": PAIR}, "lane": LANE, "cases": ["tower/a", "wrapper/a"], "cell": CELL},
    CASE,
    {**CASE, "case": "wrapper/a", "route": "wrapper", "outcome": "passed", "reason": "", "scenarios": []},
    {"kind": "end", "cases": 2, "counts": {}, "failed": None},
]
HARM = [
    "\x1b[2J\x1b]0;owned\x07",
    "[link=file:///etc/passwd]x[/link]",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "$(touch /tmp/owned)",
    "\u202ereversed",
]
Odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(HARM),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["a", "silent", "cause"]), st.integers(), max_size=2),
)
Names = st.sampled_from(sorted({name for line in LINES for name in line}))
Change = st.tuples(st.integers(0, len(LINES) - 1), Names, Odd)
Cut = st.tuples(st.integers(0, 2000), st.integers(0, 40))


def judged(lane: Recorded) -> list[Judged]:
    """The two cases, with no rule."""
    return judge([Case.parse(case) for case in ("tower/a", "wrapper/a")], lane, lambda _: [])


def drawn(judged: list[Judged], lane: Recorded) -> dict[str, str]:
    """Every report; the summary without rich's own colours."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    drawn_from = summary(judged, past=[lane])
    terminal.show(console, drawn_from)
    file: Any = console.file
    shown = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())
    return {"terminal": shown, **{name: write(drawn_from) for name, write in FILES.items()}}


@settings(max_examples=MUTATIONS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(Change, max_size=3), st.lists(Cut, max_size=2), st.permutations(range(len(LINES))), st.booleans())
def test_records_from_elsewhere_are_read_or_refused_with_a_line(
    changes: list[tuple[int, str, Any]],
    cuts: list[tuple[int, int]],
    order: list[int],
    mixed: bool,  # noqa: FBT001
) -> None:
    lines = [dict(line) for line in LINES]
    for at, name, odd in changes:
        lines[at][name] = odd
    text = "\n".join(json.dumps(lines[at]) for at in (order if mixed else range(len(LINES)))) + "\n"
    for start, length in cuts:
        text = text[:start] + text[start + length :]
    with tempfile.TemporaryDirectory() as folder:
        path = store.path_in(Path(folder), PAIR, LANE)
        path.parent.mkdir()
        path.write_text(text)
        try:
            lane = store.load(Path(folder), PAIR, LANE, CURRENT)
            broken, healthy = judged(lane)
        except BadInput as error:
            assert re.match(rf"{re.escape(str(path))}:\d+: \S", str(error))  # noqa: PT017 - either is right
            return
    # No damage makes the broken case green, or the green one broken.
    assert broken.verdict in {Verdict.REGRESSED, Verdict.INCOMPLETE}
    assert healthy.verdict in {Verdict.AS_EXPECTED, Verdict.INCOMPLETE}
    assert all("tower" in text for name, text in drawn([broken, healthy], lane).items() if name not in SHORT)


@pytest.mark.parametrize("harm", HARM, ids=["escape", "markup", "script", "path", "command", "direction"])
def test_text_in_a_record_is_shown_and_does_nothing(tmp_path: Path, harm: str) -> None:
    path = store.path_in(tmp_path, PAIR, LANE)
    path.parent.mkdir()
    path.write_text("\n".join(json.dumps({**line, "reason": f"before {harm} after"}) for line in LINES[:2]) + "\n")
    lane = store.load(tmp_path, PAIR, LANE, CURRENT)
    files = drawn(judged(lane), lane)
    for name in ("terminal", "summary.md", "junit.xml", "answer.json"):
        assert all(character.isprintable() or character == "\n" for character in files[name])
    assert re.search("before .* after", files["terminal"])
    assert "<script>alert" not in "".join(files[name] for name in FILES)
    assert "](" not in files["summary.md"]  # no link, no picture
    failures = list(ET.fromstring(files["junit.xml"]).iter("failure"))  # noqa: S314 - ours
    assert ["before " in failure.get("message", "") for failure in failures] == [True]
    embedded = re.search(r'id="data">(.*?)</script>', files["index.html"])
    assert embedded
    assert f"before {harm} after" in json.loads(embedded[1])["reasons"]
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == [PAIR, f"{PAIR}/{LANE}.jsonl"]
