"""The page of routes and variants, from the table of routes and from the docstrings of the code that runs them.

python -m harness.report.routes_page > harness/docs/routes-and-variants.md

The sources are parsed, not imported: they import torch.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from typing import Final

from ..contract import package
from ..contract.case import DEFAULT_VARIANT
from ..contract.package import FOLDER
from ..contract.routes import ROUTES, Route

ROUTES_FOLDER: Final = FOLDER / "cell" / "routes"
VARIANTS: Final = FOLDER / "cell" / "models" / "variants.py"
PAGE: Final = FOLDER / "docs" / "routes-and-variants.md"
COMPARED: Final = "Compared with native timm: "
HEAD: Final = """\
<!-- Made by python -m {module} > harness/docs/routes-and-variants.md; do not edit. -->

# Routes and variants

## Routes

A route is one public road by which transformers loads timm weights.

| route | what it does | compared with native timm | since transformers |
| --- | --- | --- | --- |
"""
SCENARIOS: Final = """
A route may have several scenarios, such as another number of channels; reasons name them in brackets. Each scenario is
tried whatever the others came to, and the first outcome that applies is the case's. Which models a route runs on is in
`matrix.yaml`; see [Routes, models and tolerances](matrix-yaml.md#routes-models-and-tolerances).

## Variants

A variant is how the checkpoint is stored, placed or described. Variants other than the default run on the quick models
of the routes to which `matrix.yaml` gives them.

| variant | the checkpoint | routes that can have it |
| --- | --- | --- |
"""
FOOT: Final = """
`bin` is `pytorch_model.bin`. `low-cpu-mem` runs from transformers 4.51 to the end of 4; transformers 5 always loads
like this. `device-map` needs accelerate, and so does the route `trainer`; `adapter` needs peft. They run in the lanes
with [companions](matrix-yaml.md#companions). `model-args` runs from transformers 4.53 on.
"""


def render() -> str:
    """The page in Markdown. Raises ValueError for a route whose file does not say what it does and compares."""
    routes = "".join(_row(_route(row)) for row in ROUTES.values())
    variants = "".join(
        _row((f"`{name}`", about, _routes_with(name))) for name, about in variants_of(VARIANTS.read_text()).items()
    )
    return f"{HEAD.format(module=package.module('report.routes_page'))}{routes}{SCENARIOS}{variants}{FOOT}"


def of_route(name: str) -> tuple[str, str]:
    """What a route does and what it compares. Raises ValueError where its file does not say."""
    return described(name, (ROUTES_FOLDER / f"{ROUTES[name].module}.py").read_text(encoding="utf-8"))


def _route(row: Route) -> tuple[str, ...]:
    does, compared = of_route(row.name)
    return f"`{row.name}`", does, compared, row.since or "every release tried"


def described(route: str, source: str) -> tuple[str, str]:
    """What a route does and what it compares, from the docstring of its file.

    Its first line reads "`route`: what it does.", and its last paragraph begins with "Compared with native timm:".
    Raises ValueError where either is missing.
    """
    *paragraphs, last = [" ".join(part.split()) for part in (ast.get_docstring(ast.parse(source)) or "").split("\n\n")]
    begin, about = f"`{route}`: ", " ".join(paragraphs)
    if not last.startswith(COMPARED):
        raise ValueError(f"{route}: the last paragraph of its file's docstring must begin with {COMPARED!r}")
    if not about.startswith(begin):
        raise ValueError(f"{route}: its file's docstring must begin with {begin!r}")
    return about.removeprefix(begin).removesuffix("."), last.removeprefix(COMPARED).removesuffix(".")


def variants_of(source: str) -> Mapping[str, str]:
    """By variant the first line of its class's docstring, from a module whose classes have a `name`."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    return {
        name: (ast.get_docstring(node) or "").partition("\n")[0].removesuffix(".")
        for node in classes
        for name in _names(node)
    }


def _names(node: ast.ClassDef) -> Iterator[str]:
    """The value of the class attribute `name`; that of the default variant is a constant of the contract."""
    for line in node.body:
        match line:
            case ast.Assign(targets=[ast.Name("name")], value=ast.Constant(str(name))):
                yield name
            case ast.AnnAssign(target=ast.Name("name"), value=ast.Name("DEFAULT_VARIANT")):
                yield DEFAULT_VARIANT
            case _:
                pass


def _routes_with(variant: str) -> str:
    routes = [f"`{row.name}`" for row in ROUTES.values() if variant in row.variants]
    return "all" if variant == DEFAULT_VARIANT else ", ".join(routes)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(render())
