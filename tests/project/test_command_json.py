"""`--json` of the commands that test this Python: one object on standard output, whatever the tested code prints."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from harness.cell.guards.importing import IN_ORDER
from harness.command_line import parser
from harness.doctor import json_report
from harness.doctor.messages import Kind, Message
from harness.doctor.verdict import Verdict
from tests.places import ROOT

SCHEMA: Final = json.loads((ROOT / "harness" / "schemas" / "command.json").read_text())
COMMANDS: Final = ("doctor", "check", "names", "repair", "collect", "site")
PROGRAM: Final = """\
import atexit, os, subprocess, sys
from harness.doctor import supervisor

def command(console):
    console.report({{"target": "mine"}})
    console.reading("while it was read")
    {at_reading}
    console.testing("while it ran")
    print("the model's own words", flush=True)
    subprocess.run(["echo", "its child's"])
    {at_testing}
    console.out.write("the words\\n")
    return {code}

sys.exit(supervisor.supervise(command, grace=1.0, as_json="names"))
"""


def run(deed: str = "pass", *, reading: str = "pass", code: int = 0, into: str = "") -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    program = PROGRAM.format(at_reading=reading, at_testing=deed, code=code)
    command = ["bash", "-c", f'"$0" -c "$1" {into}', sys.executable, program]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - own words
    return ended.returncode, ended.stdout, ended.stderr


def read(text: str) -> Any:
    content = json.loads(text)
    jsonschema.validate(content, SCHEMA)
    return content


@pytest.mark.parametrize("code", [0, 1])
def test_standard_output_has_the_object_alone_and_the_words_go_to_standard_error(code: int) -> None:
    ended, out, err = run('console.report({"names": 2})', code=code)
    said = {"schema": 1, "command": "names", "exit_code": code, "problem": None, "target": "mine", "names": 2}
    assert (ended, read(out)) == (code, said)
    assert err == "the model's own words\nits child's\nthe words\n"


def test_code_that_ends_its_process_leaves_an_object_that_says_so() -> None:
    code, out, err = run("os._exit(0)")
    sentence = "No verdict: the tested code ended its process with exit code 0 while it ran."
    said = read(out)
    assert (code, said["exit_code"], said["problem"], said["target"]) == (1, 1, sentence, "mine")
    assert err.endswith(f"{sentence}\n")


def test_code_that_ends_its_process_after_the_report_does_too() -> None:
    code, out, _ = run("atexit.register(os._exit, 5)")
    said = read(out)
    assert (code, said["exit_code"]) == (1, 1)
    assert said["problem"].startswith("The report says exit code 0, but the tested code ended its process")


@pytest.mark.parametrize("words", [{"code": 2}, {"reading": "os._exit(0)"}], ids=["said", "died"])
def test_bad_input_prints_nothing_there(words: dict[str, Any]) -> None:
    code, out, _ = run(**words)
    assert (code, out) == (2, "")


def test_an_object_for_which_there_is_no_room_is_exit_code_2() -> None:
    code, _, err = run(into="> /dev/full")
    assert code == 2
    assert err.endswith("No verdict: the report could not be written: [Errno 28] No space left on device.\n")


def test_without_standard_error_there_is_still_an_object() -> None:
    code, out, _ = run(into="2>&-")
    assert (code, read(out)["exit_code"]) == (0, 0)


def test_lists_that_are_reported_one_by_one_are_put_together() -> None:
    sent = [Message(Kind.REPORT, json.dumps({"at_risk": [number], "names": number})) for number in (1, 2)]
    found = json_report.document("names", [*sent, Message(Kind.VERDICT, "0")], Verdict(0))
    assert (found["at_risk"], found["names"]) == ([1, 2], 2)


def test_a_package_that_cannot_be_imported_is_in_the_object(tmp_path: Path) -> None:
    for name in IN_ORDER:
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('for another torch')" if name == "timm" else "")
    command = [sys.executable, "-m", "harness", "doctor", "--json"]
    ended = subprocess.run(  # noqa: S603 - own words
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(tmp_path)}
    )
    said = read(ended.stdout)
    assert said["problem"] == "`import timm` raises RuntimeError: for another torch"
    assert (ended.returncode, said["exit_code"], said["packages"]["timm"]) == (1, 1, None)
    assert "✘ import: " in ended.stderr


@pytest.mark.parametrize("words", [["doctor", "--route", "nope"], ["check", "nothing:Here"], ["repair", "/nowhere"]])
def test_bad_input_of_each_command_prints_nothing_on_standard_output(words: list[str]) -> None:
    command = [sys.executable, "-m", "harness", *words, "--json"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - own words
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr


TYPED: Final = {
    "doctor": [], "check": ["m:M"], "names": ["m:M"], "repair": ["m:M"], "collect": ["results"], "plan": [],
    "ask": ["a"], "upgrade": ["a"], "explain": ["a"], "site": ["--out", "public"],
}  # fmt: skip


@pytest.mark.parametrize(("command", "words"), TYPED.items(), ids=TYPED)
def test_every_command_that_reports_takes_the_option(command: str, words: list[str]) -> None:
    assert parser().parse_args([command, *words, "--json"]).json is True


@pytest.mark.parametrize("command", COMMANDS)
def test_every_field_is_documented(command: str) -> None:
    page = (ROOT / "harness" / "docs" / "your-own-model.md").read_text()
    fields = SCHEMA["$defs"][command]["properties"]
    assert [name for name in fields if f"`{name}`" not in page] == []
