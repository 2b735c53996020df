"""The page of a summary in a real browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from harness.report.formats import page as pages
from harness.report.summary import Summary
from tests.browser import Opens

Open = Callable[..., Page]


@pytest.fixture
def show(opens: Opens, tmp_path: Path) -> Open:
    """Opens the page of a summary at an address within the page."""
    path = tmp_path / "index.html"

    def opened(summary: Summary, address: str = "") -> Page:
        path.write_text(pages.html(summary), encoding="utf-8")
        return opens(f"{path.as_uri()}{address}", path.as_uri())

    return opened
