"""JUnit XML for CI systems: a suite for each pair and lane, in which cases that are not as expected fail."""

from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from ...contract.finding import printable, printable_lines
from ...results.judging import Judged
from .. import causes, marks, remarks
from ..summary import Summary

TAGS: Final = {
    marks.REGRESSED: "failure",
    marks.FIXED: "failure",
    marks.INCOMPLETE: "error",
    marks.KNOWN_BROKEN: "skipped",
    marks.REMEDIED: "skipped",
    marks.NOT_RUN: "skipped",
    marks.UNSUPPORTED: "skipped",
}
"""The element inside a test case; a case that passed has none."""


def xml(summary: Summary) -> str:
    """The document."""
    root = ET.Element("testsuites", name="layerscale-matrix")
    lanes: dict[tuple[str, str], list[Judged]] = {}
    for case in summary.judged:
        lanes.setdefault((case.pair, case.lane), []).append(case)
    root.extend(_suite(f"{pair} {lane}", cases, summary) for (pair, lane), cases in lanes.items())
    _count(root, summary.judged)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(name: str, cases: Sequence[Judged], summary: Summary) -> ET.Element:
    suite = ET.Element("testsuite", name=name)
    suite.extend(_case(case, summary) for case in cases)
    _count(suite, cases)
    started = [str(case.header["started"]) for case in cases if case.header and case.header.get("started")]
    if started:
        suite.set("timestamp", printable(min(started)))
    return suite


def _count(element: ET.Element, cases: Sequence[Judged]) -> None:
    tags = [_tag(case) for case in cases]
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(tags.count(tag)))
    element.set("tests", str(len(cases)))
    element.set("time", f"{sum(map(_seconds, cases)):.3f}")


def _case(case: Judged, summary: Summary) -> ET.Element:
    element = ET.Element("testcase", classname=f"{case.pair}.{case.lane}", name=printable(case.case.id))
    element.set("time", f"{_seconds(case):.3f}")
    mark = marks.mark_of(case)
    if tag := _tag(case):
        inside = ET.SubElement(element, tag, message=printable(f"{mark.word}: {case.reason}"), type=mark.key)
        if mark in marks.ATTENTION or mark in marks.KNOWN:
            [cause] = causes.find([case])
            inside.text = printable_lines("\n".join([*causes.explain(cause), summary.command(case)]))
    if said := [*remarks.on_second_tries([case]), *remarks.on_older_results([case])]:
        ET.SubElement(element, "system-out").text = printable_lines("\n".join(said))
    return element


def _tag(case: Judged) -> str | None:
    """The element inside a test case. A user's model that is broken fails, even if a rule explains it."""
    return "failure" if case.is_broken_user_model else TAGS.get(marks.mark_of(case))


def _seconds(case: Judged) -> float:
    return float(case.seconds or 0.0)
