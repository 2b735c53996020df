"""`layerscale-matrix upgrade --own`. No release is installed; each pair has the outcomes that it is given."""

import io
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.__main__ import main
from harness.command_line import parser
from harness.commands.own import upgrade as own_upgrade
from harness.commands.own.progress import Progress
from harness.commands.upgrade import UpgradeCommand
from harness.config.errors import BadInput
from harness.contract.catalog import Catalog
from harness.environments import catalog_history
from harness.results.upgrade_result import UpgradeResult
from tests.commands.test_upgrade import Pairs

OWN = "towers:Mine"
CASE = f"own/{OWN}"
ENDS = (("4.57.6", "1.0.22"), ("5.23.0", "1.0.22"))
WORDS = ["upgrade", "transformers==5.23.0", "--from", "4.57.6,1.0.22", "--own", OWN]
START, END = "transformers 4.57.6 and timm 1.0.22", "transformers 5.23.0 and timm 1.0.22"

pytestmark = pytest.mark.usefixtures("small_matrix", "packaged", "gpus")


@pytest.fixture(autouse=True)
def _older_catalog(packaged: Path, small_catalog: Catalog) -> None:
    assert (packaged / catalog_history.NAME).is_file()
    older = Catalog("1.0.22", 1300, small_catalog.controls, small_catalog.entries)
    catalog_history.add(older)


def move(folder: Path, *beside: str) -> UpgradeCommand:
    typed = own_upgrade._typed(parser().parse_args([*WORDS, "--lane", "cpu-float32"]), ENDS, folder / "results")
    typed[typed.index("--matrix") + 1] = "matrix.yaml"  # the small one
    typed += ["--variant", "safetensors"]
    return UpgradeCommand.of(typed, folder, beside)


def answer(environment: Pairs, folder: Path, *beside: str) -> UpgradeResult:
    return move(folder, *beside).answer(environment, lambda _: None)


def told(environment: Pairs, folder: Path, *forms: str) -> tuple[int, str]:
    out = io.StringIO()
    code = own_upgrade.tell(parser().parse_args([*WORDS, *forms]), answer(environment, folder), out)
    return code, out.getvalue()


def test_a_model_that_comes_back_is_one_sentence(tmp_path: Path) -> None:
    sentence = f"Yes: {OWN} comes back with {END} as with {START}, also from a checkpoint saved before."
    assert told(Pairs(), tmp_path) == (0, f"{sentence}\n")


def test_one_that_does_not_is_told_with_what_brought_it(tmp_path: Path) -> None:
    broken = {CASE: "tensors"}
    code, said = told(Pairs(transformers=broken, carried=broken), tmp_path)
    assert said.splitlines() == [
        f"No: {OWN} comes back with {START}, not with {END}.",
        "",
        "✘ tensors here",
        "  by transformers",
    ]
    assert code == 1


def test_one_that_is_broken_at_both_ends_is_no_yes(tmp_path: Path) -> None:
    broken = {CASE: "tensors"}
    code, said = told(Pairs(none=broken, transformers=broken), tmp_path)
    assert (code, said.splitlines()[0]) == (1, f"No: {OWN} is broken with {END}, as with {START}.")


def test_one_that_the_move_mends_is_a_yes(tmp_path: Path) -> None:
    code, said = told(Pairs(none={CASE: "tensors"}), tmp_path)
    assert (code, said) == (0, f"Yes: {OWN} comes back with {END}, and not with {START}.\n")


def test_a_checkpoint_that_is_lost_by_carrying_alone_is_a_no(tmp_path: Path) -> None:
    code, said = told(Pairs(carried={CASE: "keys"}), tmp_path)
    assert said.splitlines() == [
        f"No: {OWN} comes back with {END}, but not from a checkpoint that {START} saved.",
        "",
        "✘ from a checkpoint saved before: keys here",
    ]
    assert code == 1


@pytest.mark.parametrize("outcome", ["not-run", None])
def test_one_without_a_result_is_not_known(outcome: Any, tmp_path: Path) -> None:
    code, said = told(Pairs(transformers={CASE: outcome}), tmp_path)
    assert said.startswith(f"Not known: {OWN} has no result with {END}: ")
    assert code == 4


def test_a_pair_that_cannot_be_made_is_not_known(tmp_path: Path) -> None:
    code, said = told(Pairs(transformers=None), tmp_path)
    assert said == f"Not known: {OWN} has no result with {END}: no wheel.\n"
    assert code == 4


def test_the_forms_are_json_and_markdown(tmp_path: Path) -> None:
    environment = Pairs(transformers={CASE: "tensors"}, carried={CASE: "tensors"})
    code, said = told(environment, tmp_path, "--json")
    content = json.loads(said)
    assert (code, content["exit_code"], content["own"], content["end"]) == (1, 1, OWN, ["5.23.0", "1.0.22"])
    [case] = content["cases"]
    assert (case["before"], case["after"], case["carried"], case["by"]) == (
        "passed",
        "tensors",
        "tensors",
        "transformers",
    )
    assert told(Pairs(), tmp_path / "again", "--markdown")[1].startswith(f"**Yes: {OWN} comes back")


@pytest.mark.parametrize(("flags", "remedy"), [([], own_upgrade.ADD), (["--with-lock"], own_upgrade.NOR)])
def test_a_target_that_needs_what_its_environment_lacks_is_one_line(
    flags: list[str], remedy: str, tmp_path: Path
) -> None:
    why = "towers cannot be imported: ModuleNotFoundError: No module named 'einops'"
    environment = Pairs(none={CASE: "error"}, transformers={CASE: "error"})
    environment.detail = {"error": {"type": "Unusable", "message": why, "frame": "", "phase": "native"}}
    command, check = move(tmp_path), partial(own_upgrade.refuse_unusable, parser().parse_args([*WORDS, *flags]))
    with pytest.raises(BadInput) as raised:
        command.answer(environment, lambda _: None, check)
    assert str(raised.value) == f"--own {OWN}: {why}; {remedy}"
    tried = [path.parent.name for path in (tmp_path / "results").glob("*/*.jsonl")]
    assert tried == [command.old.id]  # the end does not run


class Counting(Pairs):
    """Prints what the recorder prints of a run."""

    def __init__(self, progress: Progress, **outcomes: Any) -> None:
        super().__init__(**outcomes)
        self.progress = progress

    def python(self, interpreter: Path, /, *arguments: str, **options: Any) -> bool:
        broken = 3 * ("error" in self.outcomes.values())
        for line in ("", f"1/3, {broken and 1} broken", "", f"3 of 3 cases in 0:10, {broken} broken", ""):
            self.progress.of_run(line)
        return super().python(interpreter, *arguments, **options)


def test_no_case_is_counted_of_a_target_that_gives_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = Counting(Progress(), none={CASE: "error"})
    environment.detail = {"error": {"type": "Unusable", "message": "no attribute", "frame": "", "phase": "native"}}
    command, arguments = move(tmp_path), parser().parse_args(WORDS)
    with pytest.raises(BadInput, match="no attribute"):
        own_upgrade.answered(arguments, command, environment, environment.progress)
    told = capsys.readouterr().err.splitlines()
    assert told
    assert [line for line in told if "broken" in line or not line] == []


def test_what_a_run_says_is_printed_without_empty_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = Counting(Progress(), transformers={CASE: "error"})
    own_upgrade.answered(parser().parse_args(WORDS), move(tmp_path), environment, environment.progress)
    told = capsys.readouterr().err.splitlines()
    assert "3 of 3 cases in 0:10, 0 broken" in told
    assert "3 of 3 cases in 0:10, 3 broken" in told
    assert "" not in told


class Resolving(Pairs):
    """Notes what is to be resolved."""

    def resolve(self, requirements: Sequence[str], resolved: Path, **options: Any) -> Path:
        self.asked = requirements
        super().resolve(requirements, resolved, **options)
        resolved.write_text("filelock==3.20.0\n")
        return resolved


def test_what_a_lock_has_besides_is_resolved_with_what_the_pair_has(tmp_path: Path) -> None:
    environment = Resolving()
    answer(environment, tmp_path, "einops==0.8.1")
    pair, other = environment.asked
    assert (pair.partition(" ")[0], other) == ("-r", "einops==0.8.1")
    assert environment.until[-1] is None  # what is pinned may be of any day
    assert len(environment.made) == 2


def _code(words: list[str]) -> int:
    """The exit code, also of what the parser refuses."""
    try:
        return main(words)
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([*WORDS[:4], "--with-lock"], "--with-lock: it is for a model of your own; name it with --own"),
        ([*WORDS, "--with-lock"], "--with-lock: no lock is named; give it with --lockfile"),
        ([*WORDS, "--model", "vit_*"], "--own is one model as it is; leave out --model"),
        ([*WORDS[:1], "transformers==4.57.6", *WORDS[2:]], "is where it starts; name another release"),
        ([*WORDS, "--envs", "/dev/null/envs"], "--envs /dev/null/envs: Not a directory; name a folder that can be"),
        ([*WORDS, "--envs", "/dev/null/a\nb"], "--envs /dev/null/a\\nb: Not a directory"),
        ([*WORDS[:-1], "nowhere/folder"], "--own: "),
        ([*WORDS[:-1], "no\nwhere"], "no\\nwhere: there is no such folder"),
        ([*WORDS[:-1], "nosuch.py:make"], "argument --own: there is no file nosuch.py here; see "),
        ([*WORDS[:-1], ""], "what follows --own is empty: perhaps a variable that is not set; see "),
    ],
    ids=[
        "no model",
        "no lock",
        "a model of timm",
        "no move",
        "no folder",
        "no line",
        "no checkpoint",
        "no line either",
        "no file",
        "empty",
    ],
)
def test_bad_input_is_one_error(
    words: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert _code(words) == 2
    assert not (tmp_path / "cache").exists()
    printed = capsys.readouterr()
    assert why in printed.err
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_the_lock_is_that_of_the_end_or_else_of_the_start(tmp_path: Path) -> None:
    newest, locked = tmp_path / "newest.txt", tmp_path / "requirements.txt"
    newest.write_text("transformers==5.23.0\ntimm==1.0.31\n")
    locked.write_text("transformers==4.57.6\ntimm==1.0.22\neinops==0.8.1\n")
    words = ["upgrade", str(newest), "--own", OWN, "--from"]
    assert own_upgrade._others(parser().parse_args([*words, str(locked)]), "uv") == ("einops==0.8.1",)
    with pytest.raises(BadInput, match="has nothing but the two libraries; leave --with-lock out"):
        own_upgrade._others(parser().parse_args([*words, "4.57.6,1.0.22"]), "uv")


def test_the_environments_lie_in_the_user_s_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert own_upgrade._cache() == tmp_path / "layerscale-matrix"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert own_upgrade._cache() == tmp_path / ".cache" / "layerscale-matrix"
