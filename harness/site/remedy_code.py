"""The code of a remedy, read without importing it, which would need torch."""

import ast
from functools import cache
from pathlib import Path

from ..remedies import table


def of_remedy(name: str) -> str:
    """The functions of a remedy, each after the functions of its file that it calls; empty for a name that is none."""
    remedy = table.REMEDIES.get(name)
    return "\n\n\n".join(_function(part, name) for part in remedy.mends) if remedy else ""


def _function(part: table.Mends, name: str) -> str:
    source, functions = _functions(part)
    wanted: list[str] = []

    def add(function: str) -> None:
        called = {node.id for node in ast.walk(functions[function]) if isinstance(node, ast.Name)}
        for other in functions:
            if other in called and other not in {*wanted, function}:
                add(other)
        wanted.append(function)

    add(name)
    return "\n\n\n".join(ast.get_source_segment(source, functions[function]) or "" for function in wanted)


@cache
def _functions(part: table.Mends) -> tuple[str, dict[str, ast.FunctionDef]]:
    source = Path(table.__file__).with_name(f"{part}.py").read_text(encoding="utf-8")
    return source, {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
