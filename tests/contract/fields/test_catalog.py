import json
from typing import Any

import pytest

from harness.contract import catalog
from harness.contract.fields.catalog import ENTRY, HEAD, wrong
from tests.small_matrix import catalog_of_timm

LINES = [json.loads(line) for line in catalog.dumps(catalog_of_timm()).splitlines()]


def test_what_is_written_passes_every_check() -> None:
    head, *entries = LINES
    assert [wrong(head, HEAD), *(wrong(entry, ENTRY) for entry in entries)] == [[]] * len(LINES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", 1),
        ("model", "\x1b[2J"),
        ("params", True),
        ("params", -1),
        ("params", 2**70),
        ("input_size", [3, 224]),
        ("input_size", [3, 224, 1.5]),
        ("batch_norm", "yes"),
        ("slim", {}),
        ("slim", {**LINES[1]["slim"], "args": {"scale": float("nan")}}),
        ("slim", {**LINES[1]["slim"], "args": {"scale": json.loads("[" * 900 + "]" * 900)}}),
        ("slim", {**LINES[1]["slim"], "more": 1}),
        ("narrow", 1),
        ("narrow", {"args": {}}),
    ],
)
def test_a_value_of_another_shape_is_named(name: str, value: Any) -> None:
    assert wrong({**LINES[1], name: value}, ENTRY) == [name]


def test_a_field_that_is_missing_is_named_unless_it_may_be_null() -> None:
    assert set(wrong({}, ENTRY)) == ENTRY.keys() - {"narrow"}
