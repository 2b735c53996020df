"""JUnit XML, as CI systems read it: a suite a pair and lane; what is not as expected fails there, and nothing else."""

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from ...config.text import printable
from ...results.verdict import Judged
from .. import causes, marks
from ..summary import Summary

TAGS: Final = {
    marks.REGRESSED: "failure",
    marks.FIXED: "failure",
    marks.INCOMPLETE: "error",
    marks.KNOWN_BROKEN: "skipped",
    marks.NOT_RUN: "skipped",
    marks.UNSUPPORTED: "skipped",
}
"""The element that a case has inside; one that passed has none."""


def xml(summary: Summary) -> str:
    """The document."""
    root = ET.Element("testsuites", name="layerscale-matrix")
    lanes: dict[tuple[str, str], list[Judged]] = {}
    for one in summary.judged:
        lanes.setdefault((one.pair, one.lane), []).append(one)
    root.extend(_suite(f"{pair} {lane}", cases, summary) for (pair, lane), cases in lanes.items())
    _count(root, summary.judged)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(name: str, cases: Sequence[Judged], summary: Summary) -> ET.Element:
    suite = ET.Element("testsuite", name=name)
    suite.extend(_case(one, summary) for one in cases)
    _count(suite, cases)
    started = [str(one.header["started"]) for one in cases if one.header and one.header.get("started")]
    if started:
        suite.set("timestamp", printable(min(started)))
    return suite


def _count(element: ET.Element, cases: Iterable[Judged]) -> None:
    found = list(cases)
    tags = [TAGS.get(marks.mark_of(one)) for one in found]
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(tags.count(tag)))
    element.set("tests", str(len(found)))
    element.set("time", f"{sum(map(_seconds, found)):.3f}")


def _case(one: Judged, summary: Summary) -> ET.Element:
    case = ET.Element("testcase", classname=f"{one.pair}.{one.lane}", name=printable(one.case.id))
    case.set("time", f"{_seconds(one):.3f}")
    mark = marks.mark_of(one)
    if mark in TAGS:
        inside = ET.SubElement(case, TAGS[mark], message=printable(f"{mark.word}: {one.reason}"), type=mark.key)
        if mark in marks.ATTENTION or mark is marks.KNOWN_BROKEN:
            alone = causes.find([one])[0]
            inside.text = printable_lines([*causes.explain(alone), summary.command(one)])
    return case


def printable_lines(lines: Iterable[str]) -> str:
    """A line each, and nothing in them that XML does not know."""
    return "\n".join(map(printable, lines))


def _seconds(one: Judged) -> float:
    return float(one.seconds or 0.0)
