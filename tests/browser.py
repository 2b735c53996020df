"""A real browser for the tests of pages, and what pages opened in it complain about."""

import shutil
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright


@pytest.fixture(scope="module")  # what a test elsewhere kills below its process would be a browser for all too
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on PATH; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        # Root may not use the sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


DESKTOP: Final = (1440, 900)
PHONE: Final = (390, 844)

Opens = Callable[..., Page]


@pytest.fixture
def complaints() -> list[str]:
    """Messages, errors and foreign requests of the pages of a test."""
    return []


@pytest.fixture
def opens(browser: Browser, complaints: list[str]) -> Iterator[Opens]:
    """Opens an address of pages below `within`. The test fails if one of them logs, requests or raises anything."""

    def opened(address: str, within: str, size: tuple[int, int] = DESKTOP) -> Page:
        def note_foreign(request: Request) -> None:
            if not request.url.startswith((within, "data:")):
                complaints.append(f"request: {request.url}")

        page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", note_foreign)
        page.goto(address)
        page.wait_for_selector("#main > *")
        return page

    yield opened
    for context in browser.contexts:
        context.close()
    assert complaints == []
