import json
from pathlib import Path

import pytest

from harness import plan
from harness.catalog import Catalog
from harness.errors import NothingSelected
from harness.matrix import Limits, Matrix
from harness.selection import Options


def ids(matrix: Matrix, catalog: Catalog, options: Options) -> list[str]:
    return [case.id for case in plan.plan(matrix, catalog, options)]


def test_the_costliest_model_comes_first_and_its_cases_together(small_matrix: Matrix, small_catalog: Catalog) -> None:
    # tower runs on the quick models only, and eva02_large is a bigger eva02_tiny; regnetx_002 is no control here.
    assert ids(small_matrix, small_catalog, Options()) == [
        "wrapper/eva02_large",
        "wrapper/convnext_atto",
        "tower/convnext_atto",
        "wrapper/resnet18",
        "tower/resnet18",
        "wrapper/eva02_tiny",
        "tower/eva02_tiny",
    ]


def test_quick_limits_every_route(small_matrix: Matrix, small_catalog: Catalog) -> None:
    assert ids(small_matrix, small_catalog, Options(quick=True, routes=("wrapper",))) == [
        "wrapper/convnext_atto",
        "wrapper/resnet18",
        "wrapper/eva02_tiny",
    ]


def test_a_glob_narrows_and_sizes_add_up(small_matrix: Matrix, small_catalog: Catalog) -> None:
    options = Options(models=("*_tiny", "eva*"), routes=("tower",), sizes=("slim", "full", "slim"))
    assert ids(small_matrix, small_catalog, options) == ["tower/eva02_tiny", "tower/eva02_tiny+full"]


def test_controls_are_in_wherever_the_smallest_of_their_kind(small_matrix: Matrix, small_catalog: Catalog) -> None:
    both = small_matrix.models.model_copy(update={"controls": ("regnetx_002", "resnet18")})
    matrix = small_matrix.model_copy(update={"models": both})
    assert "tower/regnetx_002" in ids(matrix, small_catalog, Options(quick=True))


def test_pairs_and_lanes_keep_the_order_of_the_matrix(small_matrix: Matrix) -> None:
    older, newer = small_matrix.pairs
    assert plan.pairs(small_matrix, Options()) == [older, newer]
    assert plan.pairs(small_matrix, Options(pairs=(newer.id,))) == [newer]
    assert [lane.name for lane in plan.lanes(small_matrix, Options())] == ["cpu-float32", "cuda-float32"]
    assert [lane.name for lane in plan.lanes(small_matrix, Options(lanes=("cuda-float32",)))] == ["cuda-float32"]


def test_no_case_at_all_is_an_error() -> None:
    options = Options(models=("eva02_large",), routes=("tower",), quick=True)
    plan.refuse_empty(1, options)
    with pytest.raises(NothingSelected) as caught:
        plan.refuse_empty(0, options)
    assert str(caught.value) == "no case is left by --route tower --model eva02_large --quick; drop or widen an option"


def test_the_document_holds_all_that_a_pair_needs(small_matrix: Matrix, small_catalog: Catalog) -> None:
    options = Options(models=("eva02_tiny",))
    cases = plan.plan(small_matrix, small_catalog, options)
    lane = small_matrix.lanes[0]
    pair = small_matrix.pairs[1]
    document = plan.document(small_matrix, pair, lane, small_catalog, options=options, cases=cases)
    entries = document.pop("entries")
    assert [entry["model"] for entry in entries] == ["eva02_tiny"]
    assert entries[0]["slim"] == {"args": {}, "input_size": (3, 64, 64), "params": 20, "fallback": None}
    assert json.loads(json.dumps(document)) == {
        "schema": 1,
        "pair": {
            "id": "transformers5.23.0-timm1.0.31",
            "transformers": "5.23.0",
            "timm": "1.0.31",
            "torch": "2.14.1",
            "torchvision": "0.29.1",
            "python": "3.11",
        },
        "lane": "cpu-float32",
        "device": "cpu",
        "dtype": "float32",
        "cases": [
            {"case": f"{route}/eva02_tiny", "route": route, "model": "eva02_tiny"}
            | {"variant": "safetensors", "size": "slim"}
            for route in ("wrapper", "tower")
        ],
        "tolerance": {"rtol": 1.3e-6, "atol": 1e-5},
        "limits": {"seconds": 300},
        "seed": 0,
        "selection": {
            "requirements": [],
            "pairs": [],
            "lanes": [],
            "routes": [],
            "models": ["eva02_tiny"],
            "sizes": ["slim"],
            "variants": ["safetensors"],
            "quick": False,
        },
        "cell": plan.cell_digest(small_matrix),
        "catalog": small_catalog.digest,
        "lock": None,
        "fallbacks": 0,
    }


def test_the_cell_digest_changes_with_code_and_limits_and_with_nothing_else(
    small_matrix: Matrix, tmp_path: Path
) -> None:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "tower.py").write_text("first")
    before = plan.cell_digest(small_matrix, tmp_path)
    (tmp_path / "routes" / "notes.txt").write_text("no code")
    assert plan.cell_digest(small_matrix.model_copy(update={"expectations": ()}), tmp_path) == before
    longer = small_matrix.model_copy(update={"limits": Limits(seconds=301)})
    assert plan.cell_digest(longer, tmp_path) != before
    (tmp_path / "routes" / "tower.py").rename(tmp_path / "tower.py")
    assert plan.cell_digest(small_matrix, tmp_path) != before
