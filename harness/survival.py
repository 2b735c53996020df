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
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

FIXTURE: Final = "survives_transformers"
MARKER: Final = "layerscale_pairs"
REMEDIED: Final = "remedied"
INSTALLED: Final = "installed"
"""The pair of the Python that runs the tests: with it the model is saved and loaded."""


def assert_survives_transformers(
    make: Callable[..., Any], inputs: Mapping[str, Any] | Sequence[Any] | None = None, *, formats: Sequence[str] = ()
) -> None:
    """Save the model, load it, and compare names, tensors, buffers and outputs with the saved ones.

    `make` is a class of transformers, which is made with its default configuration, or returns a new model at each
    call, or a model and its inputs; loading calls it again, so a model itself is refused. Its weights are replaced by
    telling ones. Raises AssertionError with the reason, and with cause and advice if a rule explains it, also where
    this machine could not run it; KeyboardInterrupt after Ctrl-C; `layerscale_matrix.Unusable` for a model that cannot
    be tested.
    """
    __tracebackhide__ = True
    from .contract.case import OWN_VARIANTS, Outcome  # noqa: PLC0415  see above
    from .contract.library_env import LIBRARIES  # noqa: PLC0415  see above

    os.environ.update(LIBRARIES)
    import torch  # noqa: PLC0415  the libraries, once their variables are set
    from torch import nn  # noqa: PLC0415  as above

    from .cell.models import placement  # noqa: PLC0415  as above
    from .cell.user_models import request, resolution, target  # noqa: PLC0415  as above
    from .doctor import user_model  # noqa: PLC0415  as above

    if not callable(make) or isinstance(make, nn.Module):
        raise TypeError(f"give what makes the model, a class or a function, and not a {type(make).__name__}")
    if unknown := set(formats) - set(OWN_VARIANTS):
        raise ValueError(f"there is no format {', '.join(sorted(unknown))}; there are {', '.join(OWN_VARIANTS)}")
    cpu = placement.Placement("cpu", torch.float32)
    try:
        user_cases = request.own_cases(resolution.from_callable(make, inputs), cpu, variants=formats or OWN_VARIANTS)
    except target.Unusable as error:  # raised anew here, for what lies between is none of the user's
        raise target.Unusable(str(error)) from error.__cause__
    results = []
    for result in user_model.results(user_cases):
        if result.interrupted:
            raise KeyboardInterrupt
        results.append(result)
    if broken := [result for result in results if result.broken or result.line.outcome == Outcome.NOT_RUN]:
        raise AssertionError("\n".join(_reasons(broken)))


def _reasons(broken: Sequence[Any]) -> Iterator[str]:
    """Each reason once, with the formats that have it, then its cause and what to do."""
    from .cell.models.installed import Release  # noqa: PLC0415  see above
    from .doctor import console_report, shipped_matrix  # noqa: PLC0415  see above

    alike: dict[str, list[Any]] = {}
    for result in broken:
        alike.setdefault(f"{result.case.model} is {result.line.outcome}: {result.line.reason}", []).append(result)
    for reason, results in alike.items():
        yield f"{reason} (as {', '.join(result.case.variant for result in results)})"
        told = console_report.explain(results, shipped_matrix.rules(), Release.installed(), also_known=False)
        because = [line for line in list(told)[1:] if not line.startswith("\n")]
        yield from because or (["  no rule of matrix.yaml explains it"] if results[0].broken else [])


@pytest.fixture
def survives_transformers(request: pytest.FixtureRequest) -> Callable[..., None]:
    """The assertion as a fixture. For a pair that is not installed it asks what was measured before."""
    pair = getattr(request, "param", INSTALLED)
    if pair == INSTALLED:
        return assert_survives_transformers
    from . import pair_survival  # noqa: PLC0415  see above
    from .config import pins  # noqa: PLC0415  see above

    marker = request.node.get_closest_marker(MARKER)
    remedied = marker.kwargs.get(REMEDIED, ()) if marker else ()
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
    config.addinivalue_line("markers", f"{MARKER}(*pairs, {REMEDIED}=()): {about}")
    try:
        _pairs(_typed(config))
    except ValueError as error:
        raise pytest.UsageError(f"--layerscale-pairs: {error}") from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses the fixture once for each pair that the option or its marker names."""
    definition = metafunc.definition
    where = f"{definition.nodeid}: {MARKER}"
    if FIXTURE not in metafunc.fixturenames:
        if any(mark.name == MARKER for mark in definition.own_markers):
            unused = f"the test does not use the fixture {FIXTURE}, so that the marker does nothing"
            raise pytest.Collector.CollectError(f"{where}: {unused}")
        return
    marker = definition.get_closest_marker(MARKER)
    try:
        marked = _marked(marker) if marker else []
    except ValueError as error:
        raise pytest.Collector.CollectError(f"{where}: {error}") from error
    if pairs := _pairs(_typed(metafunc.config)) or marked:
        metafunc.parametrize(FIXTURE, pairs, indirect=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `-k` select a pair by its id: in an expression there is no comma."""
    pair = getattr(item, "callspec", None) and item.callspec.params.get(FIXTURE, INSTALLED)  # type: ignore[attr-defined]
    if pair and pair != INSTALLED:
        from .config import pins  # noqa: PLC0415  see above

        item.extra_keyword_matches.add(pins.pair_id(pins.in_words([pair])))


def _typed(config: pytest.Config) -> Sequence[str]:
    """The words of the option."""
    return " ".join(config.getoption("layerscale_pairs") or ()).split()


def _marked(marker: pytest.Mark) -> list[str]:
    """The pairs of a marker. Raises ValueError for what it does not take."""
    for name in marker.kwargs.keys() - {REMEDIED}:
        raise ValueError(f"it takes {REMEDIED} and no keyword {_nearest(name, [REMEDIED])}")
    remedied = marker.kwargs.get(REMEDIED, ())
    if isinstance(remedied, str) or not isinstance(remedied, Collection):
        raise ValueError(f"{REMEDIED} is a list of rules, and not {remedied!r}")  # noqa: TRY004  as others
    if remedied:
        from .atlas.rules import known  # noqa: PLC0415  see above

        for rule in remedied:
            if rule not in known():
                raise ValueError(f"{REMEDIED}: matrix.yaml has no rule {_nearest(str(rule), known())}")
    return _pairs(marker.args)


def _nearest(word: str, known: Iterable[str]) -> str:
    """The word, and what was perhaps meant."""
    import difflib  # noqa: PLC0415  see above

    near = difflib.get_close_matches(word, list(known), n=1)
    return f"{word!r}, did you mean {near[0]!r}?" if near else repr(word)


def _pairs(named: Sequence[str]) -> list[str]:
    """Pairs as in `5.23.0,1.0.31`, each once. Raises ValueError."""
    if not named:
        return []
    from .config import pins  # noqa: PLC0415  see above
    from .config.errors import BadInput  # noqa: PLC0415  see above

    try:
        pairs = [pair if pair == INSTALLED else ",".join(pins.in_words([pair])) for pair in map(str, named)]
    except BadInput as error:
        raise ValueError(str(error)) from error
    return list(dict.fromkeys(pairs))
