"""The code of a remedy on its page is what is run."""

import ast
import builtins

import pytest

from harness.remedies.table import REMEDIES
from harness.site.remedy_code import of_remedy, usage


@pytest.mark.parametrize("name", REMEDIES)
def test_every_remedy_has_code_that_python_reads(name: str) -> None:
    names = [node.name for node in ast.parse(of_remedy(name)).body if isinstance(node, ast.FunctionDef)]
    assert names.count(name) == len(REMEDIES[name].mends)


@pytest.mark.parametrize("name", REMEDIES)
def test_its_code_has_every_name_that_it_uses(name: str) -> None:
    for part in REMEDIES[name].mends:
        tree = ast.parse(f"{of_remedy(name)}\n{usage(name)}")
        given = {alias.asname or alias.name for node in ast.walk(tree) for alias in getattr(node, "names", ())}
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=one, ctx=ast.Store()) | ast.FunctionDef(name=one) | ast.arg(arg=one):
                    given.add(one)
                case ast.ExceptHandler(name=str(one)):
                    given.add(one)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert used - given - set(dir(builtins)) <= {"model", "folder"}
        assert f"{part}.{name}(" in usage(name)


def test_what_a_remedy_calls_comes_before_it() -> None:
    code = of_remedy("load_by_exact_names")
    assert 0 <= code.index("def _state(") < code.index("def load_by_exact_names(")


def test_a_rule_without_a_function_has_no_code() -> None:
    assert not of_remedy("move")
    assert not usage("move")
