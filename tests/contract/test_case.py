"""A case id is cut where its route ends, and names a size that there is."""

import pytest

from harness.contract.case import Case, Size


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("own/a/b", Case("own", "a/b")),
        ("own/a/b@bin+full", Case("own", "a/b", "bin", Size.FULL)),
        ("tower/a@", Case("tower", "a")),
        ("tower/a+", Case("tower", "a")),
    ],
    ids=["a model with a slash", "and all the rest", "no variant", "no size"],
)
def test_a_route_ends_at_the_first_slash_and_what_is_not_named_is_the_default(text: str, case: Case) -> None:
    assert Case.parse(text) == case


@pytest.mark.parametrize("text", ["tower/a+tiny", "tower/a+FULL", "tower/a+full@bin"])
def test_a_size_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no case id") as caught:
        Case.parse(text)
    assert str(caught.value) == f"{text!r} is no case id; one reads route/model@variant+size"
