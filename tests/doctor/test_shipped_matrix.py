"""The matrix.yaml that came with the harness, edited by hand: one error with its place and a remedy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from harness.cell.user_models.target import Unusable
from harness.doctor import shipped_matrix

READERS = (shipped_matrix.tolerance, shipped_matrix.costs, shipped_matrix.rules)
WHOLE = "tolerances: {float32: {atol: 0.1, rtol: 0.1}}\n"


@pytest.fixture
def matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "matrix.yaml"
    monkeypatch.setattr(shipped_matrix, "MATRIX", path)
    shipped_matrix._matrix.cache_clear()
    yield path
    shipped_matrix._matrix.cache_clear()


@pytest.mark.parametrize("content", [b"pairs: [", b"\xff", b"\0", b"- 1", b"", b"tolerances: 1"])
def test_what_is_no_matrix_is_an_error_with_its_place_and_a_remedy(matrix: Path, content: bytes) -> None:
    matrix.write_bytes(content)
    with pytest.raises(Unusable, match=r"matrix\.yaml: .*nox -s matrix -- --list says"):
        shipped_matrix.tolerance()


@pytest.mark.parametrize("rules", ["1", "[1]", "[{routes: [tower]}]", "[{finds: [{nowhere: 1}]}]", "[{finds: 1}]"])
def test_what_is_no_rule_is_too(matrix: Path, rules: str) -> None:
    matrix.write_text(f"{WHOLE}expectations: {rules}\n")
    with pytest.raises(Unusable, match="nox -s matrix"):
        shipped_matrix.rules()


@pytest.mark.usefixtures("matrix")
def test_one_that_is_gone_is_too() -> None:
    for read in READERS:
        with pytest.raises(Unusable, match="nox -s matrix"):
            read()


def test_one_of_a_precision_that_it_lacks_is_too(matrix: Path) -> None:
    matrix.write_text(WHOLE)
    assert shipped_matrix.tolerance().atol == 0.1
    with pytest.raises(Unusable, match="bfloat16"):
        shipped_matrix.tolerance(torch.bfloat16)
