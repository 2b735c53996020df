"""The code of a remedy, read without importing it, which would need torch."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from ..remedies import table
from ..remedies.table import Mends

CALLS: Final = {Mends.FOLDERS: "folder", Mends.MODELS: "model, {}, ", Mends.CALLS: "model"}
"""What the functions of a file take; a function of models takes the folder too, if it reads it."""


def usage(name: str) -> str:
    """How a remedy is called, with the package installed, in the order in which it mends; empty for a name of none."""
    remedy = table.REMEDIES.get(name)
    return "\n".join(line for part in remedy.mends for line in _usage(part, name)) if remedy else ""


def _usage(part: Mends, name: str) -> Iterator[str]:
    function = _functions(part)[1][name]
    reads = any(isinstance(node, ast.Name) and node.id == "folder" for node in ast.walk(function))
    folder = ("folder" if reads else "None") if part is Mends.MODELS else ""
    yield f"from layerscale_matrix.remedies import {part}"
    yield f"{part}.{name}({CALLS[part]}{folder})"


def of_remedy(name: str) -> str:
    """What a remedy imports, then its functions, each after the functions of its file that it calls; or nothing."""
    remedy = table.REMEDIES.get(name)
    return "\n\n\n".join(_function(part, name) for part in remedy.mends) if remedy else ""


def _function(part: Mends, name: str) -> str:
    source, functions = _functions(part)
    wanted: list[str] = []

    def add(function: str) -> None:
        for other in functions:
            if other in _names(functions[function]) and other not in {*wanted, function}:
                add(other)
        wanted.append(function)

    add(name)
    texts = [ast.get_source_segment(source, functions[function]) or "" for function in wanted]
    return "\n\n\n".join(["\n".join(_head(source, set().union(*map(_names, map(functions.get, wanted))))), *texts])


def _names(node: ast.AST | None) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if node else set()


def _head(source: str, used: set[str]) -> list[str]:
    """The lines at the head of a file that give the names which are used: imports, and constants."""
    lines: list[str] = []
    for node in reversed(ast.parse(source).body):
        match node:
            case ast.Import() | ast.ImportFrom():
                given = {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                given = {name}
            case _:
                given = set()
        if given & used:
            used |= _names(node)  # a constant may be made of others
            lines.append(
                (ast.get_source_segment(source, node) or "").replace("from .", "from layerscale_matrix.remedies.")
            )
    return lines[::-1]


@cache
def _functions(part: Mends) -> tuple[str, dict[str, ast.FunctionDef]]:
    source = Path(table.__file__).with_name(f"{part}.py").read_text(encoding="utf-8")
    return source, {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
