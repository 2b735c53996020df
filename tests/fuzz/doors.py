"""The doors through which something from elsewhere comes in. No pair is installed."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from unittest import mock

from hypothesis import strategies as st

from harness.commands.distributed import nightly
from harness.config import matrix
from harness.config.errors import BadInput
from harness.contract import checkpoint
from harness.results.store import LOCK_FILE
from tests.fuzz import changes, strategies
from tests.fuzz.attempt import Door
from tests.fuzz.sessions import COMMANDS, SESSIONS, report, unlock
from tests.fuzz.surroundings import CATALOG, NEW, RECORDS, catalog_text, lay_out, recorded
from tests.small_matrix import MATRIX

PIECES: Final = tuple(changes.pieces(MATRIX))


def enter_matrix(steps: Sequence[changes.Step]) -> None:
    text = "".join(changes.words(PIECES, steps))
    Path("matrix.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read = matrix.load(Path("matrix.yaml"))
    except BadInput as error:
        unplaced = [line for line in str(error).splitlines() if not re.match(r"matrix\.yaml: \S|and \d", line)]
        assert not unplaced, f"no place: {unplaced}"
        raise
    strange = [pair.id for pair in read.pairs if not re.fullmatch(r"[\w.+-]+", pair.id)]  # it names a folder
    assert not strange, f"a folder's name: {strange}"


def enter_command(given: tuple[str, int, Sequence[changes.Step]]) -> int | None:
    session, which, steps = given
    lay_out()
    words = changes.words(shlex.split(COMMANDS[session][which % len(COMMANDS[session])]), steps)
    try:
        with mock.patch.object(sys, "argv", ["nox", *words]):
            code: int | None = SESSIONS[session](words)
    finally:
        unlock()
    return code


def enter_results(given: tuple[Any, Any, Any]) -> int | None:
    """A results folder whose records, catalog, and files are not as they were written."""
    records, catalogs, folder = given
    lay_out()
    (Path("results") / RECORDS).write_bytes(changes.lines(recorded(), records))
    (Path("results") / CATALOG).write_bytes(changes.lines(catalog_text(), catalogs))
    (Path("results") / LOCK_FILE).write_text("process 1\n")
    names = ["", NEW, "catalogs", RECORDS, CATALOG, LOCK_FILE, ".folder"]
    changes.change_folder(Path("results"), names, folder)
    return report(["--out", "out"])


def enter_collected(given: tuple[Any, Any, Any, Any]) -> int | None:
    """A results folder from another machine, and the one that it is put into."""
    records, catalogs, folder, into = given
    lay_out()
    shutil.copytree("results", "all")
    (Path("results") / RECORDS).write_bytes(changes.lines(recorded(), records))
    (Path("results") / CATALOG).write_bytes(changes.lines(catalog_text(), catalogs))
    names = ["", NEW, "catalogs", RECORDS, CATALOG, LOCK_FILE, ".folder"]
    changes.change_folder(Path("results"), names, folder)
    changes.change_folder(Path("all"), names, into)
    try:
        return nightly.collect([Path("results")], Path("all"), sys.stdout)
    finally:
        unlock()
        outside = {path.name: path.read_bytes() for path in Path("..", changes.OUTSIDE).iterdir()}
        assert outside == {"file": b"outside"}, "it wrote outside"


def enter_checkpoint(given: tuple[Any, Any]) -> None:
    """A checkpoint folder as far as it is read without torch."""
    texts, folder = given
    path = Path("sent")
    path.mkdir()
    for name, text in CHECKPOINT.items():
        (path / name).write_bytes(changes.lines(text, texts.get(name, [])).replace(b"\n", b""))
    changes.change_folder(path, [*CHECKPOINT, ""], folder)
    try:
        found = checkpoint.Checkpoint.read(path)
    except ValueError as error:
        raise BadInput(str(error)) from error
    sys.stdout.write(f"{len(found.files)} files of {found.architecture}\n".encode("ascii", "replace").decode())


CHECKPOINT: Final = {
    "config.json": json.dumps(
        {
            "model_type": "detr",
            "architectures": ["DetrForObjectDetection"],
            "backbone": "resnet18",
            "use_timm_backbone": True,
            "backbone_kwargs": {"out_indices": [1]},
            "auto_map": {"AutoModel": "sent.Model"},
        }
    ),
    "model.safetensors.index.json": json.dumps({"metadata": {}, "weight_map": {"a": "x.safetensors"}}),
    "x.safetensors": json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}),
}


LINES: Final[st.SearchStrategy[Any]] = st.one_of(st.just([]), strategies.OF_LINES)
DOORS: Final = (
    Door("matrix.yaml", strategies.steps(changes.ODD_YAML), enter_matrix),
    Door(
        "command lines",
        st.tuples(st.sampled_from(sorted(COMMANDS)), st.integers(0, 5), strategies.steps(changes.ODD_WORDS)),
        enter_command,
    ),
    Door("records and catalogs", st.tuples(LINES, LINES, strategies.OF_FOLDERS), enter_results),
    Door(
        "collected folders",
        st.tuples(LINES, LINES, strategies.OF_FOLDERS, strategies.OF_FOLDERS),
        enter_collected,
    ),
    Door(
        "checkpoint folders, before torch",
        st.tuples(st.dictionaries(st.sampled_from(sorted(CHECKPOINT)), strategies.OF_LINES), strategies.OF_FOLDERS),
        enter_checkpoint,
    ),
)
