import pytest

from harness.commands.cause import CauseCommand
from harness.config.errors import BadInput

PAIR = ("transformers==5.23.0", "timm==1.0.31")
SCRIPT = "tests/causes/hub_classes_twice.py"


def test_releases_and_scripts_are_told_apart_in_any_order() -> None:
    command = CauseCommand.of([SCRIPT, *PAIR])
    assert command.pair_run.pair.id == "transformers5.23.0-timm1.0.31"
    assert command.arguments == ("-m", "tests.causes.run", SCRIPT)


def test_the_runner_is_told_to_apply_remedies() -> None:
    assert CauseCommand.of([*PAIR, "--remedy", SCRIPT]).arguments == ("-m", "tests.causes.run", "--remedy", SCRIPT)


def test_a_remedy_needs_a_script() -> None:
    with pytest.raises(BadInput, match=r"^--remedy: no script is named; name one of tests/causes$"):
        CauseCommand.of([*PAIR, "--remedy"])


def test_releases_are_needed() -> None:
    with pytest.raises(
        BadInput, match=r"^the following arguments are required: PACKAGE==VERSION; --help lists the options$"
    ):
        CauseCommand.of([SCRIPT])


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(BadInput, match=r"^unknown option '--remdy', did you mean '--remedy'\?"):
        CauseCommand.of([*PAIR, "--remdy", SCRIPT])


def test_help_names_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        CauseCommand.of(["--help"])
    assert end.value.code == 0
    assert "--remedy" in capsys.readouterr().out
