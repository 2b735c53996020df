"""The reports as files, for people, CI systems and other programs."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from harness.errors import BadInput
from harness.report import badge, junit, markdown, page
from harness.report.answer import answer
from harness.report.summary import Summary

FILES: Final[Mapping[str, Callable[[Summary], str]]] = {
    "index.html": page.html,
    "summary.md": markdown.text,
    "junit.xml": junit.xml,
    "badge.svg": badge.svg,
    "answer.json": lambda summary: json.dumps(answer(summary), indent=1) + "\n",
}


def refuse_unwritable(folder: Path) -> None:
    """Make the folder. Raises BadInput where that, or writing into it, is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _draft(folder / "index.html").touch()
        _draft(folder / "index.html").unlink()
    except OSError as error:
        raise BadInput(f"--out {folder}: {error.strerror}; name a folder that can be written") from error


def write(folder: Path, summary: Summary) -> None:
    """Write all of them. Each is there as a whole or as it was; a link is replaced, not followed."""
    for name, text in FILES.items():
        draft = _draft(folder / name)
        draft.write_text(text(summary), encoding="utf-8")
        draft.replace(folder / name)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")
