"""The site in a real browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from harness.site import build
from harness.site.frame import Frame
from tests.browser import DESKTOP, Opens

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def frame() -> Frame:
    """The site of the shipped atlas, which takes seconds to make."""
    return build.site("2026-11-30")


@pytest.fixture(scope="session")
def public(frame: Frame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the whole of it."""
    folder = tmp_path_factory.mktemp("public")
    build.write(frame, folder)
    return folder


@pytest.fixture
def visit(opens: Opens, public: Path) -> Open:
    """Opens a page of the site at an address within it."""

    def opened(address: str = "index.html", size: tuple[int, int] = DESKTOP) -> Page:
        return opens(f"{public.as_uri()}/{address}", public.as_uri(), size)

    return opened
