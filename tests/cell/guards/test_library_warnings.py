import logging
import warnings

import pytest

from harness.cell.guards.library_warnings import LIBRARIES, capture_warnings, mentions, tidy

GAMMAS = "Some weights were not used: ['blocks.{0...11}.ls1.gamma', 'head.weight']"


def issue(text: str, file: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning as the code in that file would."""
    warnings.warn_explicit(text, category, f"/env/lib/python3.11/site-packages/{file}", 1)


@pytest.mark.parametrize("name", ["timm", "timm.models._builder", "transformers", "transformers.modeling_utils"])
def test_a_warning_that_a_library_logs_is_captured(name: str) -> None:
    messages: list[str] = []
    with capture_warnings(messages):
        logging.getLogger(name).warning("%d keys are missing", 3)
        logging.getLogger(name).error("and it is bad")
    assert messages == ["3 keys are missing", "and it is bad"]


@pytest.mark.parametrize("name", ["torch", "timmy", "root"])
def test_a_warning_that_another_package_logs_is_not_captured(name: str) -> None:
    messages: list[str] = []
    with capture_warnings(messages):
        logging.getLogger(name).warning("of another package")
    assert messages == []


def test_a_record_below_a_warning_is_not_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []
    logger = logging.getLogger("timm")
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    with capture_warnings(messages):
        logger.info("loading")
    assert messages == []


@pytest.mark.parametrize("file", ["timm/models/eva.py", "transformers/modeling_utils.py"])
def test_a_warning_that_a_library_issues_is_captured_each_time(file: str) -> None:
    messages: list[str] = []
    with capture_warnings(messages):
        issue("gamma is renamed", file, DeprecationWarning)
        issue("gamma is renamed", file, DeprecationWarning)
    assert messages == ["gamma is renamed"] * 2


def test_a_warning_that_another_package_issues_is_neither_captured_nor_shown(recwarn: pytest.WarningsRecorder) -> None:
    messages: list[str] = []
    with capture_warnings(messages):
        issue("slow", "torch/nn/modules/module.py")
        issue("slow", "timm_extras/models.py")
    assert messages == []
    assert len(recwarn) == 0


def test_afterwards_nothing_is_captured_and_no_handler_is_left() -> None:
    messages: list[str] = []
    before = [list(logging.getLogger(name).handlers) for name in LIBRARIES]
    with capture_warnings(messages):
        pass
    logging.getLogger("timm").warning("too late")
    assert messages == []
    assert [logging.getLogger(name).handlers for name in LIBRARIES] == before


def test_after_an_exception_the_messages_remain_and_no_handler_is_left() -> None:
    messages: list[str] = []
    before = list(logging.getLogger("timm").handlers)

    def load() -> None:
        logging.getLogger("timm").warning("this will break")
        raise RuntimeError

    with pytest.raises(RuntimeError), capture_warnings(messages):
        load()
    assert messages == ["this will break"]
    assert logging.getLogger("timm").handlers == before


@pytest.mark.parametrize(
    "name", ["head.weight", "blocks.0.ls1.gamma", "blocks.11.ls1.gamma"], ids=["alone", "first of many", "last of many"]
)
def test_a_message_mentions_each_name_in_it_alone_or_in_a_range(name: str) -> None:
    assert mentions(GAMMAS, [name])
    assert mentions(GAMMAS, ["not.there", name])


@pytest.mark.parametrize("names", [["blocks.0.ls2.beta"], ["head.bias"], []], ids=["another", "near", "none"])
def test_a_message_does_not_mention_other_names(names: list[str]) -> None:
    assert not mentions(GAMMAS, names)


def test_a_message_without_names_mentions_none() -> None:
    assert not mentions("Some weights were newly initialized", ["blocks.0.ls1.gamma"])


def test_a_tidied_message_has_neither_colour_nor_the_temporary_folder() -> None:
    text = "\x1b[1;33mNo weights\x1b[0m in /tmp/run-12/tower, see /tmp/run-12/tower/config.json"
    assert tidy(text, "/tmp/run-12/tower") == "No weights in CHECKPOINT, see CHECKPOINT/config.json"  # noqa: S108
