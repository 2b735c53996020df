"""The code of a remedy on its page is what is run."""

import ast

import pytest

from harness.remedies.table import REMEDIES
from harness.site.remedy_code import of_remedy


@pytest.mark.parametrize("name", REMEDIES)
def test_every_remedy_has_code_that_python_reads(name: str) -> None:
    names = [node.name for node in ast.parse(of_remedy(name)).body if isinstance(node, ast.FunctionDef)]
    assert names.count(name) == len(REMEDIES[name].mends)


def test_what_a_remedy_calls_comes_before_it() -> None:
    code = of_remedy("load_by_exact_names")
    assert 0 <= code.index("def _state(") < code.index("def load_by_exact_names(")


def test_a_rule_without_a_function_has_no_code() -> None:
    assert not of_remedy("move")
