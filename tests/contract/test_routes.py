"""A route's row, its file, its line in matrix.yaml and its place in the docs say the same."""

import ast

import pytest

from harness.config import matrix
from harness.contract import package
from harness.contract.routes import LIKE_FOLDER, LIKE_OWN, OWN, ROUTES, Takes, rules_of, taking
from tests.places import ROOT

FILES = package.FOLDER / "cell" / "routes"
SHARED = {
    "__init__",
    "after_training",
    "arguments",
    "as_before",
    "as_transformers",
    "detector_fields",
    "detectors",
    "levels",
    "pictures",
    "reports",
    "training",
    "wrapped",
}


def names_in(module: str) -> set[str]:
    """The routes that a file's classes are named for."""
    tree = ast.parse((FILES / f"{module}.py").read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    [route] = [
        node.value.func.id
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "ROUTE"
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
    ]
    return {
        node.value.value
        for node in classes[route].body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "name"
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def test_every_row_has_a_file_and_every_file_a_row() -> None:
    assert {path.stem for path in FILES.glob("*.py")} - SHARED == {route.module for route in ROUTES.values()}


@pytest.mark.parametrize("name", ROUTES)
def test_the_file_of_a_row_has_its_route(name: str) -> None:
    assert names_in(ROUTES[name].module) == {name}


def test_the_shipped_matrix_runs_every_route_with_variants_of_its_row() -> None:
    shipped = matrix.load(ROOT / "matrix.yaml")
    assert list(shipped.routes) == list(ROUTES)
    assert [name for name, route in shipped.routes.items() if not {*route.variants} <= {*ROUTES[name].variants}] == []


def test_a_route_is_recommended_in_place_of_another_one_that_there_is() -> None:
    assert {route.instead for route in ROUTES.values()} - {None} <= set(ROUTES)


def test_a_repository_of_the_hub_stands_for_a_folder_and_never_without_it() -> None:
    assert set(taking(Takes.HUB)) < set(taking(Takes.FOLDER))


def test_the_rules_of_a_user_model_are_its_own_and_those_of_a_tower() -> None:
    assert list(rules_of(OWN)) == [OWN, LIKE_OWN]
    assert list(rules_of("vlm")) == ["vlm"]


def test_the_rules_of_a_route_that_is_like_another_are_those_of_both() -> None:
    assert list(rules_of("train")) == ["train", "classifier"]
    assert {route.like for route in ROUTES.values()} - {None} <= set(ROUTES)


def test_the_rules_of_a_folder_are_those_of_what_timm_writes_where_it_is_read_as_it_is() -> None:
    assert list(rules_of("wrapper", folder=True)) == ["wrapper", LIKE_FOLDER]
    assert list(rules_of("tower", folder=True)) == ["tower"]
    assert list(rules_of(OWN, folder=True)) == [OWN, LIKE_OWN]
