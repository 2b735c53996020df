import re

import pytest

from harness.contract.routes import ROUTES
from harness.report import routes_page

DESCRIBED = '''"""`tower`: a model that holds timm.

It is saved whole.

Compared with native timm: vision
features."""
'''
VARIANTS = '''
class Variant:
    """The default: one file."""

    name: ClassVar[str] = DEFAULT_VARIANT


class Sharded(Variant):
    """Two files.

    And an index.
    """

    name = "sharded"
    other = "no name"


class Helper:
    """No variant."""
'''


def test_the_committed_page_is_current() -> None:
    assert routes_page.PAGE.read_text() == routes_page.render()


def test_the_page_has_a_row_for_every_route_and_every_variant() -> None:
    first = re.findall(r"^\| `([\w-]+)` \|", routes_page.PAGE.read_text(), re.MULTILINE)
    variants = dict.fromkeys(variant for route in ROUTES.values() for variant in route.variants)
    assert first == [*ROUTES, "safetensors", *variants]


def test_what_a_route_does_and_compares_is_read_from_its_docstring() -> None:
    assert routes_page.described("tower", DESCRIBED) == (
        "a model that holds timm. It is saved whole",
        "vision features",
    )


@pytest.mark.parametrize(
    ("route", "source", "message"),
    [
        ("vlm", DESCRIBED, "vlm: its file's docstring must begin with '`vlm`: '"),
        (
            "tower",
            DESCRIBED.replace("Compared", "Held"),
            "tower: the last paragraph of its file's docstring must begin with 'Compared with native timm: '",
        ),
        (
            "tower",
            "import torch\n",
            "tower: the last paragraph of its file's docstring must begin with 'Compared with native timm: '",
        ),
    ],
    ids=["another route", "no comparison", "no docstring"],
)
def test_a_route_that_does_not_say_it_is_refused(route: str, source: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        routes_page.described(route, source)


def test_variants_are_the_classes_that_have_a_name() -> None:
    assert routes_page.variants_of(VARIANTS) == {"safetensors": "The default: one file", "sharded": "Two files"}
