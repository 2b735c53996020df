"""Whatever stands in matrix.yaml is read, or refused in a sentence that names a place; never a traceback.

MUTATIONS says how many files; more of them are worth a run now and then.
"""

import os
import re
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.config import matrix
from harness.config.errors import BadInput
from tests.small_matrix import MATRIX

MUTATIONS = int(os.environ.get("MUTATIONS", "200"))
TOKENS = re.findall(r"\s+|[\w.\"<>=-]+|.", MATRIX)
VALUES = ["", "null", "~", "-1", "0", "1e999", ".nan", "[]", "{}", "{a: b}", "[1, [2]]", "true", "2026-13-45"]
SYNTAX = ["&x", "*x", "<<: *x", "!!python/object:os.system", "? ", ": ", "- ", "\t", "%YAML 9", "---\n", "\0"]
WORDS = ['">=x"', '"../../etc"', '"5.23.0; rm"', "wrapper", "every", '"3.11"', "cpu-float32", "slim", '"*"']
ODD = st.one_of(*(st.sampled_from(odd) for odd in (VALUES, SYNTAX, WORDS)), st.text(max_size=8))
Change = st.tuples(st.sampled_from(["replace", "insert", "delete", "double"]), st.integers(0, len(TOKENS) - 1), ODD)


def mutated(changes: list[tuple[str, int, str]]) -> str:
    tokens = list(TOKENS)
    for what, at, odd in changes:
        place = at % max(1, len(tokens))
        match what:
            case "replace":
                tokens[place : place + 1] = [odd]
            case "insert":
                tokens.insert(place, odd)
            case "delete":
                del tokens[place : place + 1]
            case "double":
                tokens[place:place] = tokens[place : place + 6]
    return "".join(tokens)


def problems_of(path: Path) -> tuple[list[str], bool]:
    """What is wrong with the file, and whether it is accepted."""
    try:
        read = matrix.load(path)
    except BadInput as error:
        return str(error).splitlines(), False
    unsafe = [pair.id for pair in read.pairs if not re.fullmatch(r"[\w.+-]+", pair.id)]  # it names a folder
    return unsafe, not unsafe


@settings(max_examples=MUTATIONS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(Change, min_size=1, max_size=4))
def test_a_mutated_matrix_is_accepted_or_refused_with_a_place(changes: list[tuple[str, int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "matrix.yaml"
        path.write_bytes(mutated(changes).encode("utf-8", "surrogatepass"))
        said, accepted = problems_of(path)
    assert said or accepted
    assert all(re.match(rf"{re.escape(str(path))}: \S", line) for line in said), said
