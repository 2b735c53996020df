"""The two ends of an upgrade, read from the command line."""

import contextlib
from collections.abc import Sequence

from packaging.version import Version

from ..config import matrix, pins
from ..config.errors import BadInput
from ..config.names import unknown as unknown_name
from ..config.pair import AXES, Pair, pin
from ..config.source import WHEEL, is_source


def pair_named(text: str, described: matrix.Matrix) -> Pair:
    """A pair by its id, also one that the matrix does not name."""
    for pair in described.pairs:
        if pair.id == text:
            return pair
    with contextlib.suppress(BadInput):
        transformers, timm = pins.in_words([text])
        text = f"transformers{transformers}-timm{timm}"
    named = Pair.parse_id(text, described.defaults)
    if named is None:
        raise BadInput(f"--from: {unknown_name('pair', text, [pair.id for pair in described.pairs])}")
    return named


def target(requirements: Sequence[str], old: Pair, described: matrix.Matrix) -> Pair:
    """Where to: what the command line names, and all else as it is."""
    moving = [text for text in requirements if is_source(text) and not text.endswith(WHEEL)]
    if moving:
        raise BadInput(f"{', '.join(moving)}: it may be another one tomorrow; give a release, or a wheel")
    named = {text.partition("@")[0].strip() if is_source(text) else pin(text)[0] for text in requirements}
    rest = [f"{name}=={version}" for name, version in old.versions.items() if name not in named]
    new = Pair.parse_requirements([*requirements, *rest], described.defaults)
    # 5.23 is 5.23.0, and no move.
    same = {name: version for name, version in old.versions.items() if Version(version) == Version(new.versions[name])}
    return new.with_versions(**same)


def refuse_two_at_once(old: Pair, new: Pair) -> None:
    """What a change is due to can be told of the two packages, or of what they run on."""
    moving = old.differs_from(new)
    rest = [name for name in moving if name not in AXES]
    if "python" in rest or (rest and rest != moving):
        raise BadInput(f"{', '.join(rest)} would move too, from {old.id} to {new.id}; move one at a time")


def is_between(old: Pair, pair: Pair, new: Pair) -> bool:
    """Whether the pair's two packages lie between those of the ends."""

    def within(name: str) -> bool:
        ends = sorted(Version(getattr(one, name)) for one in (old, new))
        return ends[0] <= Version(getattr(pair, name)) <= ends[1]

    return all(map(within, AXES))
