"""How many cases were not run themselves, since their model is another once slim."""

from collections.abc import Iterator, Sequence

from ..config.text import number
from ..results.verdict import Judged


def remarks(judged: Sequence[Judged]) -> Iterator[str]:
    """A sentence, where there are any."""
    if count := sum(one.same_as is not None for one in judged):
        yield (
            f"{number(count, 'case')} of a model that is another once slim: not run, but recorded as that one's. To run"
            " one, name its model with --model, and give --rerun."
        )
