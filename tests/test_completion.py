"""`completion`: the scripts, read by the shells themselves."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import completion
from harness.command_line import SHELLS
from harness.commands.answers import explain
from tests.places import ROOT

NAME = "layerscale-matrix"


def script(shell: str) -> str:
    command = [sys.executable, "-m", "harness", "completion", shell]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - own words
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bash") / NAME
    path.write_text(script("bash"))
    return path


def completed(bash: Path, *words: str, cwd: Path | None = None) -> set[str]:
    """What bash proposes for the last of these words, by the function that the script names for the command."""
    typed = " ".join(f"'{word}'" for word in (NAME, *words))
    ask = f"""
    source {bash}
    named=$(complete -p {NAME}); named=${{named##*-F }}
    COMP_WORDS=({typed}); COMP_CWORD={len(words)}
    ${{named%% *}} {NAME} '{words[-1]}' '{[NAME, *words][-2]}'
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ended = subprocess.run(  # noqa: S603 - the test's own words
        ["bash", "--norc", "-c", ask],  # noqa: S607 - the user's own
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd or bash.parent,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return {word.strip() for word in ended.stdout.split()}


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        (("re",), {"repair"}),
        (("upgrade", "--lo"), {"--lockfile"}),
        (("doctor", "--route", "hu"), {"hub"}),
        (("ask", "--lane", "cpu-float"), {"cpu-float32"}),
        (("names", "--js"), {"--json"}),
        (("explain", "gamma-re"), {"gamma-renamed"}),
        (("explain", "known-b"), {"known-broken"}),
        (("completion", ""), {*SHELLS}),
    ],
    ids=["a command", "an option", "a route", "a lane", "another option", "a rule", "a mark", "a shell"],
)
def test_bash_completes_what_is_typed(bash: Path, words: tuple[str, ...], proposed: set[str]) -> None:
    assert completed(bash, *words) == proposed


def test_a_word_that_a_shell_would_read_is_not_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    special = [f"odd{sign}word" for sign in "`$\"'\\;&|<>(){}[]*?!#~ "]
    monkeypatch.setattr(explain, "words", lambda: [*special, "plain-word"])
    proposing = completion.script("bash")
    assert "plain-word" in proposing
    assert [word for word in special if word in proposing] == []
    assert "odd" not in proposing


def test_bash_proposes_files_for_pins_and_folders_for_a_copy(bash: Path, tmp_path: Path) -> None:
    (tmp_path / "uv.lock").touch()
    (tmp_path / "uv").mkdir()
    assert completed(bash, "upgrade", "--lockfile", "uv.", cwd=tmp_path) == {"uv.lock"}
    proposed = completed(bash, "repair", "mine", "--into", "u", cwd=tmp_path)
    assert {name.rstrip("/") for name in proposed} == {"uv"}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_names_the_commands_and_can_be_read(shell: str, tmp_path: Path) -> None:
    text = script(shell)
    assert NAME in text
    assert all(word in text for word in ("repair", "lockfile", "wrapper-features", "gamma-renamed"))
    path = tmp_path / "script"
    path.write_text(text)
    if found := shutil.which(shell):
        read = subprocess.run([found, "-n", str(path)], capture_output=True, text=True, check=False)  # noqa: S603
        assert (read.returncode, read.stderr) == (0, "")


def test_another_shell_is_refused_in_a_line() -> None:
    command = [sys.executable, "-m", "harness", "completion", "tcl"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - own words
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("argument shell: invalid choice: 'tcl'")
    assert ended.stderr.count("\n") == 1
