"""Which files `--out` writes, and how each comes into its folder."""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from ...config.errors import BadInput
from ...results import store
from ..summary import Summary
from . import badge, junit, markdown, page
from .answer import answer

FILES: Final[Mapping[str, Callable[[Summary], str]]] = {
    "index.html": page.html,
    "summary.md": markdown.text,
    "needs.md": markdown.needs,
    "full-size.md": markdown.full_size,
    "junit.xml": junit.xml,
    "badge.svg": badge.svg,
    "badge.json": badge.endpoint,
    "answer.json": lambda summary: json.dumps(answer(summary), indent=1) + "\n",
}


def refuse_unwritable(folder: Path) -> None:
    """Make `folder`. Raises BadInput if that fails, or if the files cannot be written there."""
    store.refuse_unwritable(folder, "--out")
    problems = [
        f"--out {folder}: {name} is a folder there; name another folder" for name in FILES if (folder / name).is_dir()
    ]
    if problems:
        raise BadInput.from_problems(problems)


def write(folder: Path, summary: Summary) -> None:
    """Write all files into `folder`."""
    put(folder, ((name, text(summary)) for name, text in FILES.items()))


def put(folder: Path, texts: Iterable[tuple[str, str]]) -> int:
    """Write each text to its path below `folder`, atomically; a link is replaced, not followed. Returns how many."""
    count = 0
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as drafts:
        draft = Path(drafts) / "draft"
        for name, text in texts:
            draft.write_text(text, encoding="utf-8")
            (folder / name).parent.mkdir(exist_ok=True)
            draft.replace(folder / name)
            count += 1
    return count
