"""A real browser, and pages opened in it. What a page logs, asks the network for or gets wrong fails its test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from harness.report import page as pages
from harness.report.summary import Summary

DESKTOP: Final = (1440, 900)
PHONE: Final = (390, 844)

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on PATH; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        # Root may not use the sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a summary at an address within it."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        complaints.append(f"console {message.type}: {message.text}")

    def opened(summary: Summary, address: str = "", *, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> Page:
        path = tmp_path / "index.html"
        path.write_text(pages.html(summary), encoding="utf-8")
        page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)  # type: ignore[arg-type]
        page.set_default_timeout(10_000)
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: (
                complaints.append(request.url)
                if request.url != page.url.partition("#")[0]
                and not request.url.startswith(path.as_uri())
                and not request.url.startswith("data:")
                else None
            ),
        )
        page.goto(f"{path.as_uri()}{address}")
        page.wait_for_selector("#main > *")
        return page

    yield opened
    for context in browser.contexts:
        context.close()
    assert complaints == []
