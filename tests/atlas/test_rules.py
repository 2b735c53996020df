"""The causes that the atlas names."""

from pathlib import Path

import pytest

from harness.atlas import rules
from harness.config import matrix
from harness.config.errors import BadInput
from tests.places import ROOT


def test_the_packaged_causes_are_those_of_matrix_yaml() -> None:
    written = rules.FILE.read_text(encoding="utf-8")
    assert written == rules.dumps(matrix.load(ROOT / "matrix.yaml").expectations), (
        "python -m harness.atlas.rules > harness/atlas/rules.ndjson"
    )
    causes = rules.known()
    assert causes["buffers-in-own-model"].releases == "transformers >=5.0"


@pytest.mark.parametrize("spoiled", ["{", "1", '{"id": "a"}', "[]"])
def test_a_file_that_was_cut_is_one_error_with_what_to_do(spoiled: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.ndjson"
    path.write_text(spoiled)
    with pytest.raises(BadInput, match="is no file of the atlas"):
        rules.known(path)
