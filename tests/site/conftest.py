"""The site in a real browser. A test fails if a page logs, requests or raises anything."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from harness.site import build
from harness.site.frame import Frame

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
def visit(browser: Browser, public: Path, complaints: list[str]) -> Iterator[Open]:
    """Opens a page of the site at an address within it."""

    def note_foreign(request: Request) -> None:
        if not request.url.startswith((public.as_uri(), "data:")):
            complaints.append(f"request: {request.url}")

    def opened(address: str = "index.html", width: int = 1440) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 844 if width == 390 else 900})
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", note_foreign)
        page.goto(f"{public.as_uri()}/{address}")
        page.wait_for_selector("main > *")
        return page

    yield opened
    for context in browser.contexts:
        context.close()
    assert complaints == []
