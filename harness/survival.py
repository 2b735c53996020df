"""An assertion for a project's own tests: transformers loads the model as it was saved.

    from layerscale_matrix import assert_survives_transformers

    def test_my_model_survives() -> None:
        assert_survives_transformers(make_model, {"pixel_values": torch.zeros(1, 3, 224, 224)})

Where the package is installed, pytest has the fixture `survives_transformers`, the marker `layerscale_pairs` and the
option `--layerscale-pairs`; in a checkout it has them with `-p harness.survival`. It needs torch, timm and
transformers, but not nox. What it needs is imported when it is called: pytest imports this file in every project whose
Python has the package.
"""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pytest

MARKER: Final = "layerscale_pairs"
INSTALLED: Final = "installed"
"""The pair of the Python that runs the tests: with it the model is saved and loaded."""


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
def survives_transformers(request: pytest.FixtureRequest) -> Callable[..., None]:
    """The assertion as a fixture. For a pair that is not installed it asks what was measured before."""
    pair = getattr(request, "param", INSTALLED)
    if pair == INSTALLED:
        return assert_survives_transformers
    from . import pair_survival  # noqa: PLC0415  see above
    from .config import pins  # noqa: PLC0415  see above

    marker = request.node.get_closest_marker(MARKER)
    remedied = marker.kwargs.get("remedied", ()) if marker else ()
    return functools.partial(pair_survival.assert_survives, pins.in_words([pair]), remedied)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    about = (
        "pairs for the tests that use survives_transformers, instead of those of their markers: '5.23.0,1.0.31', a "
        f"pair's id, or {INSTALLED}; several with spaces between them; repeatable"
    )
    group = parser.getgroup("layerscale-matrix")
    group.addoption("--layerscale-pairs", dest="layerscale_pairs", action="append", metavar="PAIRS", help=about)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and read the option."""
    about = "run survives_transformers for these pairs; remedied: rules whose remedy the model has"
    config.addinivalue_line("markers", f"{MARKER}(*pairs, remedied=()): {about}")
    _pairs(_typed(config), "--layerscale-pairs")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses the fixture once for each pair that the option or its marker names."""
    if "survives_transformers" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker(MARKER)
    marked = marker.args if marker else ()
    pairs = _pairs(_typed(metafunc.config) or marked, f"{metafunc.definition.nodeid}: {MARKER}")
    if pairs:
        metafunc.parametrize("survives_transformers", pairs, indirect=True)


def _typed(config: pytest.Config) -> Sequence[str]:
    """The words of the option."""
    return " ".join(config.getoption("layerscale_pairs") or ()).split()


def _pairs(named: Sequence[str], where: str) -> list[str]:
    """The ids of pairs, each once. Raises UsageError."""
    if not named:
        return []
    from .config import pins  # noqa: PLC0415  see above
    from .config.errors import BadInput  # noqa: PLC0415  see above

    try:
        ids = [pair if pair == INSTALLED else pins.pair_id(pins.in_words([pair])) for pair in named]
    except BadInput as error:
        raise pytest.UsageError(f"{where}: {error}") from error
    return list(dict.fromkeys(ids))
