"""What `nox -s bisect` asks, runs and answers. No release is installed, and PyPI's list is made up."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from harness.atlas.entries import pair_files
from harness.atlas.entries.entry import Cause, LaneEntry, PairEntry, RouteEntry
from harness.commands.bisect import BisectCommand
from harness.config.errors import BadInput, InstallationError, NothingSelected
from harness.environments import pypi
from harness.environments.pypi import Release
from harness.report import bisection
from harness.results.bisection import Answer, Symptom
from tests.fake_environment import FakeEnvironment
from tests.plans import plan_of

VERSIONS = ("5.0.0", "5.1.0", "5.2.0", "5.3.0", "5.4.0", "5.5.0", "5.6.0")
CASES = ("--route", "tower", "--model", "convnext_atto")
OTHER = "name a release where a case fails that passes at the other"
ENDS = ("--good", "transformers==5.0.0", "--bad", "transformers==5.6.0")

pytestmark = pytest.mark.usefixtures("small_matrix", "packaged", "gpus")


ALONE = "--lane cpu-float32 --route tower --model convnext_atto --variant safetensors --rerun"


class Releases(FakeEnvironment):
    """Each transformers has its own outcome; one that has none cannot be installed."""

    def __init__(self, *outcomes: str | None) -> None:
        super().__init__()
        self.by_version = dict(zip(VERSIONS, outcomes, strict=True))

    def enter(self, requirements: Sequence[str]) -> None:
        outcome = self.by_version[requirements[0].removeprefix("transformers==")]
        if outcome is None:
            raise InstallationError("no wheel")
        self.outcomes = {"tower/convnext_atto": outcome}

    @property
    def tried(self) -> list[str]:
        """The releases that were installed, in order."""
        return [asked[0].removeprefix("transformers==") for asked in self.installed]


@pytest.fixture(autouse=True)
def _listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def between(project: str, ends: tuple[str, str], python: str) -> list[Release]:
        assert (project, python) == ("transformers", "3.11")
        low, high = sorted([Version(one) for one in VERSIONS].index(Version(end)) for end in ends)
        return [Release(version, date(2026, 1, at + 1)) for at, version in enumerate(VERSIONS)][low : high + 1]

    monkeypatch.setattr(pypi, "between", between)


@pytest.fixture(autouse=True)
def atlas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An atlas of nothing."""
    folder = tmp_path / "atlas" / "pairs"
    monkeypatch.setattr(pair_files, "PACKAGED", folder)
    return folder


def measured(folder: Path, **outcomes: str) -> None:
    """Adds to the atlas what a model does with releases, as in `v5_1_0="keys"`."""
    models = ("convnext_atto",)
    for version, outcome in outcomes.items():
        causes = () if outcome == "passed" else (Cause(outcome, ("",), (), models, finding=f"{outcome} here"),)
        tower = RouteEntry("tower", "d", models, len(models) - len(causes), causes=causes)
        lane = LaneEntry("cpu-float32", "2026-11-29", "narrow", {"tower": tower})
        versions = {"transformers": version.removeprefix("v").replace("_", "."), "timm": "1.0.31", "torch": "2.14.1"}
        pair_files.write(PairEntry(versions, {lane.lane: lane}), folder)


def ask(environment: FakeEnvironment, *options: str) -> tuple[list[str], int, list[str]]:
    """The answer in words, its exit code, and what was said on the way."""
    said: list[str] = []
    answered = BisectCommand.of([*CASES, *(options or ENDS)]).answer(environment, said.append)
    return list(bisection.lines(answered)), answered.exit_code, said


def test_the_first_bad_release_is_named_with_both_sides() -> None:
    environment = Releases("passed", "passed", "drifted", "keys", "keys", "keys", "keys")
    words, code, _ = ask(environment)
    assert words == [
        "First bad: transformers 5.3.0 (2026-01-04). Last good: transformers 5.2.0 (2026-01-03).",
        "On the bad side tower/convnext_atto is keys: keys here",
        "Both sides:",
        f"  nox -s pair -- transformers==5.2.0 timm==1.0.31 {ALONE}",
        f"  nox -s pair -- transformers==5.3.0 timm==1.0.31 {ALONE}",
    ]
    assert code == 0
    assert environment.tried == ["5.0.0", "5.6.0", "5.3.0", "5.1.0", "5.2.0"]


def test_the_first_good_release_is_named_where_the_bad_one_is_older() -> None:
    environment = Releases("keys", "keys", "passed", "passed", "passed", "passed", "passed")
    words, code, _ = ask(environment, "--bad", "transformers==5.0.0", "--good", "transformers==5.6.0")
    assert words[0] == "First good: transformers 5.2.0 (2026-01-03). Last bad: transformers 5.1.0 (2026-01-02)."
    assert code == 0


@pytest.mark.parametrize("odd", ["error", "unsupported", None], ids=["another failure", "unsupported", "no wheel"])
def test_releases_that_tell_nothing_are_skipped_and_stay_suspects(odd: str | None) -> None:
    environment = Releases("passed", "passed", odd, odd, "keys", "keys", "keys")
    words, code, said = ask(environment, *ENDS, "--alike")
    assert words[:2] == [
        "First bad: transformers 5.4.0 (2026-01-05). Last good: transformers 5.1.0 (2026-01-02).",
        "Also possible, because they could not be tested: 5.2.0, 5.3.0.",
    ]
    assert code == 4
    assert any(line.startswith("transformers 5.3.0: untestable, ") or "untestable: no wheel" in line for line in said)


def test_a_release_that_is_broken_otherwise_does_not_work() -> None:
    words, code, _ = ask(Releases("passed", "passed", "error", "error", "keys", "keys", "keys"))
    assert words[:3] == [
        "First bad: transformers 5.2.0 (2026-01-03). Last good: transformers 5.1.0 (2026-01-02).",
        "On the bad side tower/convnext_atto is error: error here",
        "Farther on it is keys: keys here",
    ]
    assert code == 0


def test_a_release_that_cannot_be_imported_does_not_work() -> None:
    class Unimportable(Releases):
        def python(self, interpreter: Path, /, *arguments: str, **options: Any) -> bool:
            self.enter(self.made[interpreter.parent.parent])
            self.ends = self.outcomes != {"tower/convnext_atto": "error"}
            self.unimportable = "" if self.ends else "timm raises"
            return super().python(interpreter, *arguments, **options)

    words, code, _ = ask(Unimportable("passed", "passed", "passed", "error", "keys", "keys", "keys"))
    assert words[0].startswith("First bad: transformers 5.3.0 ")
    assert words[1].startswith("On the bad side tower/convnext_atto is error: ")
    assert "timm raises" in words[1]
    assert code == 0


def test_what_the_atlas_has_is_not_run_but_for_the_two_releases_next_to_the_change(atlas: Path) -> None:
    measured(atlas, v5_0_0="passed", v5_1_0="passed", v5_2_0="passed", v5_4_0="keys", v5_5_0="keys", v5_6_0="keys")
    outcomes = ("passed", "passed", "passed", "keys", "keys", "keys", "keys")
    environment = Releases(*outcomes)
    words, code, said = ask(environment)
    assert words[0] == "First bad: transformers 5.3.0 (2026-01-04). Last good: transformers 5.2.0 (2026-01-03)."
    assert environment.tried == ["5.2.0", "5.4.0", "5.3.0"]
    assert words[2].startswith(
        "From the atlas, which both sides were run to prove: transformers 5.0.0 good (2026-11-29)"
    )
    assert "transformers 5.4.0: bad by the atlas, measured on 2026-11-29" in said
    assert code == 0
    again = Releases(*outcomes)
    assert ask(again, *ENDS, "--measure", "--rerun")[0][0] == words[0]
    assert again.tried == ["5.0.0", "5.6.0", "5.3.0", "5.1.0", "5.2.0"]


def test_ends_that_the_atlas_has_not_are_run_and_what_lies_between_is_taken(atlas: Path) -> None:
    measured(atlas, v5_2_0="passed", v5_3_0="keys")
    environment = Releases("passed", "passed", "passed", "keys", "keys", "keys", "keys")
    words, code, _ = ask(environment)
    assert words[0].startswith("First bad: transformers 5.3.0 ")
    assert (environment.tried, code) == (["5.0.0", "5.6.0", "5.2.0", "5.3.0"], 0)


def test_an_atlas_that_says_otherwise_than_what_is_run_is_not_believed(atlas: Path) -> None:
    measured(atlas, v5_0_0="passed", v5_2_0="passed", v5_3_0="keys", v5_6_0="keys")
    environment = Releases("passed", "passed", "passed", "passed", "passed", "keys", "keys")
    words, code, said = ask(environment)
    assert words[0].startswith("First bad: transformers 5.5.0 ")
    assert "run here, these releases are otherwise than the atlas says, so it is not asked further" in said
    assert not any("atlas" in line for line in words)
    assert code == 0


@pytest.mark.parametrize(
    "options",
    [["--size", "slim"], ["--variant", "bin"], ["--rerun"], ["--resolve", "latest"], ["--with", "torch==2.13.0"]],
    ids=lambda options: options[0],
)
def test_the_atlas_is_not_asked_about_what_it_has_not(options: list[str], atlas: Path) -> None:
    measured(atlas, v5_0_0="passed", v5_2_0="passed", v5_3_0="keys", v5_6_0="keys")
    question = BisectCommand.of([*CASES, *ENDS, *options])
    asked = question._question
    releases = pypi.between("transformers", ("5.0.0", "5.6.0"), "3.11")
    symptom = Symptom({})
    assert asked.near(releases, Answer.GOOD, lambda _: symptom, print) == (releases, {}, symptom)


def test_a_second_time_everything_comes_from_records() -> None:
    outcomes = ("passed", "passed", "passed", "passed", "passed", "keys", "keys")
    first, *_ = ask(Releases(*outcomes))
    environment = Releases(*outcomes)
    again, _, said = ask(environment)
    assert (again, environment.tried) == (first, [])
    assert "transformers5.5.0-timm1.0.31: all cases are recorded; --rerun runs them again" in said


def test_progress_says_what_is_left() -> None:
    *_, said = ask(Releases("passed", "passed", "passed", "passed", "passed", "keys", "keys"))
    assert said[0] == "7 releases of transformers, 5.0.0 to 5.6.0, with timm 1.0.31, torch 2.14.1"
    assert "5 releases left, about 3 steps" in said
    assert "transformers 5.3.0: good, passed" in said
    assert "transformers 5.5.0: bad, tower/convnext_atto is keys (keys here)" in said


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("keys", "passed", "{good}: {broken}, and {bad}: passed; they are the wrong way round"),
        ("keys", "keys", "{good}: {broken}; name a release where these cases pass"),
        ("passed", "passed", "{bad}: passed; name a release where a case fails that passes at the other"),
        (
            "passed",
            "unsupported",
            f"{{bad}}: tower/convnext_atto is unsupported (unsupported here); {OTHER}",
        ),
        (
            "unsupported",
            "keys",
            "{good}: tower/convnext_atto is unsupported (unsupported here); name a release where these cases pass",
        ),
    ],
    ids=["the wrong way round", "both bad", "both good", "unsupported at the bad end", "unsupported at the good end"],
)
def test_ends_that_do_not_differ_as_they_should_are_refused(first: str, last: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        ask(Releases(first, *["passed"] * 5, last))
    named = {"good": "--good transformers==5.0.0", "bad": "--bad transformers==5.6.0"}
    assert str(caught.value) == message.format(**named, broken="tower/convnext_atto is keys (keys here)")


def test_what_is_broken_or_unsupported_at_both_ends_is_left_aside() -> None:
    class Three(Releases):
        def enter(self, requirements: Sequence[str]) -> None:
            super().enter(requirements)
            self.outcomes = {**self.outcomes, "wrapper/convnext_atto": "error", "tower/resnet18": "unsupported"}

    environment = Three("passed", "passed", "keys", "keys", "keys", "keys", "keys")
    options = ["--model", "convnext_atto", "--model", "resnet18", *ENDS]
    said: list[str] = []
    answered = BisectCommand.of(options).answer(environment, said.append)
    assert answered.change.first.version == "5.2.0"
    assert "1 case to ask about; left aside: 3, broken or green at both ends" in said


def test_an_end_that_cannot_be_installed_is_said() -> None:
    with pytest.raises(InstallationError, match="no wheel"):
        ask(Releases("passed", *["passed"] * 5, None))


def test_cases_that_no_release_has_are_refused() -> None:
    question = BisectCommand.of(["--route", "tower", "--model", "eva02_large", "--quick", *ENDS])
    with pytest.raises(NothingSelected):
        question.answer(Releases(*["passed"] * 7), print)


def test_a_model_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        BadInput, match=r"'convnext_atoo' matches none of 4 models of timm 1.0.31; the nearest: convnext_atto"
    ):
        BisectCommand.of(["--route", "tower", "--model", "convnext_atoo", *ENDS])


def test_a_lane_without_its_device_is_refused() -> None:
    with pytest.raises(BadInput, match="--lane cuda-float32: no CUDA device on this machine"):
        BisectCommand.of([*CASES, *ENDS, "--lane", "cuda-float32"])


def test_ends_may_be_spelt_short() -> None:
    environment = Releases("passed", "passed", "keys", "keys", "keys", "keys", "keys")
    words, code, _ = ask(environment, "--good", "transformers==5.0", "--bad", "transformers==5.6")
    assert words[0] == "First bad: transformers 5.2.0 (2026-01-03). Last good: transformers 5.1.0 (2026-01-02)."
    assert code == 0


def test_the_case_that_is_told_is_one_that_fails_as_at_the_bad_end() -> None:
    class Two(Releases):
        def enter(self, requirements: Sequence[str]) -> None:
            super().enter(requirements)
            later = requirements[0].removeprefix("transformers==") >= "5.3.0"
            self.outcomes = {**self.outcomes, "wrapper/convnext_atto": "error" if later else "passed"}
            if requirements[0].endswith("5.6.0"):
                self.outcomes = {**self.outcomes, "wrapper/convnext_atto": "passed"}

    environment = Two("passed", "passed", "passed", "keys", "keys", "keys", "keys")
    answered = BisectCommand.of(["--model", "convnext_atto", *ENDS]).answer(environment, lambda _: None)
    assert answered.broken.case.id == "tower/convnext_atto"


def test_an_end_without_a_record_is_not_the_wrong_way_round() -> None:
    class Dying(Releases):
        def python(self, interpreter: Path, /, *arguments: str, **options: Any) -> bool:
            if "--plan" in arguments and not self.plans:
                self.plans.append(plan_of([]))
                return False
            return super().python(interpreter, *arguments, **options)

    with pytest.raises(BadInput, match=r"is without a record .*; name a release where these cases pass"):
        ask(Dying(*["passed"] * 7))


@pytest.mark.parametrize(
    ("options", "problems"),
    [
        (
            ["--model", "a"],
            [
                "--good is not named; add a release, as in --good transformers==4.57.6",
                "--bad is not named; add a release, as in --bad transformers==4.57.6",
            ],
        ),
        (
            ["--model", "a", "--good", "timm==1.0.24", "--bad", "transformers==5.0.0"],
            ["--good names timm and --bad transformers; name two releases of one package"],
        ),
        (
            ["--model", "a", "--good", "timm==1.0.24", "--bad", "timm==1.0.24"],
            ["--good and --bad both name timm==1.0.24; name two releases"],
        ),
        (
            ["--model", "a", "--good", "torch==2.0", "--bad", "timm>=1"],
            [
                "--good torch==2.0: bisect goes along transformers or timm",
                "--bad timm>=1: name one release, as in timm==1.2.3",
            ],
        ),
        (
            [*ENDS, "--with", "transformers==5.1.0", "--with", "tim==1"],
            [
                "--with transformers==5.1.0: transformers is what moves; its releases are those of --good and --bad",
                "--with tim==1: unknown package 'tim', did you mean 'timm'?",
                "which cases? Name them with --route and --model",
            ],
        ),
        ([*ENDS, "--route", "towr"], ["--route: unknown route 'towr', did you mean 'tower'?"]),
    ],
    ids=["no ends", "two packages", "one release", "no release", "what stands still", "no such route"],
)
def test_a_command_that_asks_nothing_is_refused_at_once(options: list[str], problems: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        BisectCommand.of(options)
    assert str(caught.value).splitlines() == problems
    assert not Path("results").exists()


def test_what_stands_still_is_the_current_pair_but_for_what_is_named() -> None:
    question = BisectCommand.of([*CASES, *ENDS, "--with", "timm==1.0.22"])
    assert question.at("5.1.0").pair.id == "transformers5.1.0-timm1.0.22"


def test_without_pypi_there_is_no_line_of_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.setattr(pypi, "between", unreachable)
    with pytest.raises(BadInput) as caught:
        ask(FakeEnvironment())
    assert str(caught.value) == "PyPI could not be asked which releases of transformers there are: no route"
