"""A real browser, and pages opened in it. A test fails if its page logs, requests or raises anything."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Request

from harness.report.formats import page as pages
from harness.report.summary import Summary

DESKTOP: Final = (1440, 900)
PHONE: Final = (390, 844)

Open = Callable[..., Page]


@pytest.fixture
def show(browser: Browser, tmp_path: Path, complaints: list[str]) -> Iterator[Open]:
    """Opens the page of a summary at an address within the page."""
    path = tmp_path / "index.html"

    def note_foreign(request: Request) -> None:
        if not request.url.startswith((path.as_uri(), "data:")):
            complaints.append(f"request: {request.url}")

    def opened(summary: Summary, address: str = "") -> Page:
        path.write_text(pages.html(summary), encoding="utf-8")
        page = browser.new_page(viewport={"width": DESKTOP[0], "height": DESKTOP[1]})
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", note_foreign)
        page.goto(f"{path.as_uri()}{address}")
        page.wait_for_selector("#main > *")
        return page

    yield opened
    for context in browser.contexts:
        context.close()
    assert complaints == []
