"""The built script."""

import shutil
from pathlib import Path

from harness.site import script


def test_it_was_built_from_the_sources_that_are_there() -> None:
    assert script.BUILT.read_text(encoding="utf-8").startswith(script.head()), "its sources changed; nox -s web"


def test_a_changed_source_has_another_digest(tmp_path: Path) -> None:
    web = shutil.copytree(script.WEB, tmp_path / "web")
    before = script.digest(web)
    assert before == script.digest()
    (web / "src" / "words.js").write_text("other")
    assert script.digest(web) != before


def test_licenses_of_its_libraries_are_beside_it() -> None:
    text = script.LICENSES.read_text(encoding="utf-8")
    assert "BSD 3-Clause" in text
    assert "MIT License" in text
