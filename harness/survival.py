"""An assertion for a project's own tests: transformers loads the model as it was saved.

    from layerscale_matrix import assert_survives_transformers

    def test_my_model_survives() -> None:
        assert_survives_transformers(make_model, {"pixel_values": torch.zeros(1, 3, 224, 224)})

Where the package is installed, pytest has the fixture `survives_transformers`; in a checkout it has it with
`-p harness.survival`. It needs torch, timm and transformers, but not nox. What it needs is imported when it is called:
pytest imports this file in every project whose Python has the package.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest


def assert_survives_transformers(
    make: Callable[[], Any], inputs: Mapping[str, Any] | Sequence[Any] | None = None, *, formats: Sequence[str] = ()
) -> None:
    """Save the model, load it, and compare names, tensors, buffers and outputs with the saved ones.

    `make` returns a new model at each call, or a model and its inputs; loading calls it again, so a model itself is
    refused. Its weights are replaced by telling ones. Raises AssertionError with the reason, and with cause and advice
    if a rule explains it, also where this machine could not run it;
    KeyboardInterrupt after Ctrl-C; `harness.cell.user_models.target.Unusable` for a model that cannot be tested.
    """
    from .contract.case import OWN_VARIANTS, Outcome  # noqa: PLC0415  see above
    from .contract.library_env import LIBRARIES  # noqa: PLC0415  see above

    os.environ.update(LIBRARIES)
    import torch  # noqa: PLC0415  the libraries, once their variables are set
    from torch import nn  # noqa: PLC0415  as above

    from .cell.models import placement  # noqa: PLC0415  as above
    from .cell.models.installed import Release  # noqa: PLC0415  as above
    from .cell.user_models import request, resolution  # noqa: PLC0415  as above
    from .doctor import console_report, shipped_matrix, user_model  # noqa: PLC0415  as above

    if not callable(make) or isinstance(make, nn.Module):
        raise TypeError(f"give what makes the model, a class or a function, and not a {type(make).__name__}")
    if unknown := set(formats) - set(OWN_VARIANTS):
        raise ValueError(f"there is no format {', '.join(sorted(unknown))}; there are {', '.join(OWN_VARIANTS)}")
    cpu = placement.Placement("cpu", torch.float32)
    user_cases = request.own_cases(resolution.from_callable(make, inputs), cpu, variants=formats or OWN_VARIANTS)
    results = []
    for result in user_model.results(user_cases):
        if result.interrupted:
            raise KeyboardInterrupt
        results.append(result)
    if broken := [result for result in results if result.broken or result.line.outcome == Outcome.NOT_RUN]:
        reasons = [f"{result.case.id} is {result.line.outcome}: {result.line.reason}" for result in broken]
        rules = shipped_matrix.rules()
        lines = list(console_report.explain(results, rules, Release.installed(), also_known=False))
        raise AssertionError("\n".join([*reasons, *lines[1:]]))


@pytest.fixture
def survives_transformers() -> Callable[..., None]:
    """The assertion as a fixture."""
    return assert_survives_transformers
