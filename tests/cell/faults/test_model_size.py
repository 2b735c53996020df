"""A model that a folder describes is laid out before it is made, and refused where it is none for its weights."""

import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from harness.cell.guards import model_size
from tests.places import ROOT

WHOLE = 4 * (1_000 * 1_000 + 1_000)  # bytes


def needing_values() -> nn.Module:
    nn.Dropout(torch.rand(1).item())
    return nn.Linear(10**6, 10**6)


def with_rates() -> nn.Module:
    return nn.Sequential(*(nn.Dropout(rate.item()) for rate in torch.linspace(0, 0.5, 2)), nn.Linear(10**6, 10**6))


@pytest.mark.parametrize(
    ("build", "weights"),
    [
        (lambda: nn.Linear(1_000, 1_000), WHOLE),
        (lambda: nn.Linear(1_000, 1_000), 0),  # a head that the weights lack
        (lambda: nn.Linear(20_000, 20_000), 20_000 * 20_000 // 2),  # four bits each
        (needing_values, 0),
    ],
    ids=["its weights", "little", "quantised", "not laid out"],
)
def test_a_model_that_its_weights_may_be_of_is_no_problem(build: object, weights: int) -> None:
    assert callable(build)
    model_size.laid_out(build, weights)


def test_a_model_far_larger_than_its_weights_is_refused_before_it_takes_memory() -> None:
    with pytest.raises(model_size.TooLarge, match="a model of 4,000,004,000,000 bytes, and its weights have 4,004,000"):
        model_size.laid_out(lambda: nn.Linear(10**6, 10**6), WHOLE)


def test_rates_of_dropout_that_a_constructor_takes_out_of_a_tensor_are_no_obstacle() -> None:
    with pytest.raises(model_size.TooLarge):
        model_size.laid_out(with_rates, WHOLE)


def test_a_model_that_is_never_laid_out_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_size, "SECONDS", 1)
    before = time.monotonic()

    def build() -> nn.Module:
        layers = nn.ModuleList()
        while True:
            layers.append(nn.Linear(1, 1))

    with pytest.raises(model_size.TooLarge, match="describes a model that is not laid out within 1 s"):
        model_size.laid_out(build, 0)
    assert time.monotonic() - before < 10


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_is_stopped_while_it_frees_an_object_is_stopped_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_size, "SECONDS", 1)
    freed: list[float] = []

    class Slow:
        def __del__(self) -> None:
            freed.append(time.monotonic())
            while time.monotonic() < freed[0] + 1.2:
                pass

    def build() -> nn.Module:
        while True:
            Slow()

    with pytest.raises(model_size.TooLarge):
        model_size.laid_out(build, 0)
    assert time.monotonic() - freed[0] < 10


def test_memory_that_the_machine_lacks_is_an_error_of_the_process() -> None:
    words = "import torch; from harness.cell.guards import untrusted; untrusted.take_no_more_than_there_is()"
    code = f"{words}\ntry:\n    torch.zeros(2**44)\nexcept RuntimeError as error:\n    print('refused')\n"
    ended = subprocess.run(  # noqa: S603 - the test's own words
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.stdout == "refused\n", ended.stderr
