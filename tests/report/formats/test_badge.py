import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.report.formats import badge
from tests.summaries import NEW, OLD, RENAMED, cases, summary

GREEN, AWAY = {"tower/a": ("passed", None)}, {"tower/a": ("not-run", "no CUDA device")}


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        ([*cases(NEW, GREEN), *cases(OLD, GREEN)], "2 pairs as expected"),
        (cases(OLD, {"tower/a": ("keys", None)}, rules=[RENAMED]), "1 pair as expected"),
        (cases(NEW, {"tower/a": ("keys", None), "tower/b": None}), "1 regressed, 1 incomplete"),
        (cases(NEW, GREEN, rules=[RENAMED]), "1 fixed"),
        ([*cases(NEW, GREEN), *cases(OLD, AWAY)], "1 pair as expected"),
        (cases(OLD, AWAY), "nothing was run"),
        ([], "nothing was run"),
    ],
    ids=["green", "known broken", "red", "fixed", "one pair not run", "not run", "nothing"],
)
def test_a_badge_gives_the_result_and_is_green_only_as_expected(judged: list[Any], message: str) -> None:
    assert (badge.GOOD in badge.svg(summary(judged))) == message.endswith("as expected")
    image = ET.fromstring(badge.svg(summary(judged)))  # noqa: S314 - ours
    assert image.get("aria-label") == f"{badge.LABEL}: {message}"
    assert [text.text for text in image.iter("{http://www.w3.org/2000/svg}text")] == [badge.LABEL, message]
    told = json.loads(badge.endpoint(summary(judged)))
    assert told == {"schemaVersion": 1, "label": badge.LABEL, "message": message, "color": told["color"]}
    assert f'fill="{told["color"]}"' in badge.svg(summary(judged))
