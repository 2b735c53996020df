"""For the tests of one's own project: does a model come back from transformers as it was saved?

    from harness.survival import assert_survives_transformers

    def test_my_model_survives() -> None:
        assert_survives_transformers(make_model, {"pixel_values": torch.zeros(1, 3, 224, 224)})

As a pytest plugin, `pytest -p harness.survival`, the same is a fixture called `survives_transformers`. It needs torch,
timm and transformers, and nothing of nox.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from .contract.case import OWN_VARIANTS
from .contract.library_env import LIBRARIES


def assert_survives_transformers(
    make: Callable[[], Any], inputs: Mapping[str, Any] | Sequence[Any] | None = None, *, formats: Sequence[str] = ()
) -> None:
    """Save the model, load it, and hold names, tensors, buffers and outputs against what was saved.

    `make` gives a new model each time it is called, or a model and its inputs; loading makes one again, so one that is
    made already will not do. Its weights are replaced by telling ones. Raises AssertionError with the reason, and with
    cause and advice where a rule knows it; `harness.cell.user_models.target.Unusable` for a model that cannot be tried.
    """
    os.environ.update(LIBRARIES)
    import torch  # noqa: PLC0415  the libraries, once their variables are set
    from torch import nn  # noqa: PLC0415  as above

    from .cell.models import placement  # noqa: PLC0415  as above
    from .cell.models.installed import Release  # noqa: PLC0415  as above
    from .cell.user_models import request, resolution  # noqa: PLC0415  as above
    from .doctor import console_report, user_model  # noqa: PLC0415  as above

    if not callable(make) or isinstance(make, nn.Module):
        raise TypeError(f"give what makes the model, a class or a function, and not a {type(make).__name__}")
    if unknown := set(formats) - set(OWN_VARIANTS):
        raise ValueError(f"there is no format {', '.join(sorted(unknown))}; there are {', '.join(OWN_VARIANTS)}")
    cpu = placement.Placement("cpu", torch.float32)
    found = list(
        user_model.tried(
            request.own_cases(resolution.from_callable(make, inputs), cpu, variants=formats or OWN_VARIANTS)
        )
    )
    if broken := [one for one in found if one.broken]:
        reasons = [f"{one.case.id} is {one.line.outcome}: {one.line.reason}" for one in broken]
        told = list(console_report.told(found, console_report.rules(), Release.installed(), also_known=False))
        raise AssertionError("\n".join([*reasons, *told[1:]]))


@pytest.fixture
def survives_transformers() -> Callable[..., None]:
    """The assertion."""
    return assert_survives_transformers
