from pathlib import Path

import pytest

from harness.commands.clean import CleanCommand
from harness.config.errors import BadInput
from harness.environments.pair_folder import PairFolder


def test_environments_nobody_holds_are_removed_and_counted(tmp_path: Path) -> None:
    folder = PairFolder.of(tmp_path, "transformers5.23.0-timm1.0.31", "3.11", "")
    folder.path.mkdir()
    folder.complete("transformers5.23.0-timm1.0.31", {})
    assert list(CleanCommand.of([]).remove(tmp_path)) == [
        f"{folder.path.name}: removed",
        "1 environment removed, 0 in use",
    ]
    assert list(CleanCommand.of([]).remove(tmp_path)) == ["0 environments removed, 0 in use"]


def test_young_ones_stay_if_days_are_named(tmp_path: Path) -> None:
    folder = PairFolder.of(tmp_path, "transformers5.23.0-timm1.0.31", "3.11", "")
    folder.path.mkdir()
    assert list(CleanCommand.of(["--older-than", "1"]).remove(tmp_path)) == ["0 environments removed, 0 in use"]
    assert folder.path.is_dir()


def test_days_that_are_no_number_are_refused() -> None:
    with pytest.raises(BadInput, match="'x' is no number of days; give 0 to 36,500"):
        CleanCommand.of(["--older-than", "x"])
