"""The runs of a lane's file as text, to copy them from one results folder to another."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..contract.fields.line import parsed
from ..contract.record import Log

COLLECTED: Final = "collected"
"""The field of a header that says when its run was first put into another folder."""


@dataclass(frozen=True)
class RunText:
    """The lines of a run, torn ones included: the line of its header, the header itself, and the lines below it."""

    head: str
    body: str
    header: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def identity(self) -> tuple[str, str]:
        """The same for each copy of the run: its header without when it was collected, and its other lines."""
        header = {name: value for name, value in self.header.items() if name != COLLECTED}
        return json.dumps(header, sort_keys=True) if header else self.head, self.body

    def is_part_of(self, other: "RunText") -> bool:
        """Whether the other is the same run, and has come at least as far."""
        (head, body), (other_head, other_body) = self.identity, other.identity
        return head == other_head and other_body.startswith(body.removesuffix("\n"))

    @property
    def text(self) -> str:
        """All lines of the run."""
        return self.head + self.body

    def with_fields(self, **fields: Any) -> "RunText":
        """The run with these fields in its header."""
        header = {**self.header, **fields}
        return RunText(json.dumps(header, separators=(",", ":")) + "\n", self.body, header)


def read(path: Path) -> list[RunText]:
    """Each run of a lane's file, oldest first; empty if there is no file."""
    runs: list[tuple[list[str], dict[str, Any]]] = []
    written = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    for line in written.removesuffix("\n").split("\n") if written else ():
        header = _header(line)
        if header or not runs:
            runs.append(([], header))
        runs[-1][0].append(f"{line}\n")
    return [RunText(lines[0], "".join(lines[1:]), header) for lines, header in runs]


def _header(line: str) -> dict[str, Any]:
    """The header on a line; empty for any other line."""
    found = parsed(line) or {}
    return found if found.get("kind") == "run" else {}


def adopt(path: Path, runs: Iterable[RunText]) -> None:
    """Append runs that another machine made for this folder: they take their places in its order."""
    for run in runs:
        if not run.header:  # torn
            continue
        with Log(path) as log:
            log.copy([run.with_fields(**log.place).text])
