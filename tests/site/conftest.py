"""The site in a real browser."""

import base64
import gzip
import json
import pickle
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page

from harness.atlas.answer import LANE
from harness.atlas.asking import opened
from harness.atlas.entries import pair_files
from harness.site import build, grid
from harness.site.frame import Frame
from tests.browser import DESKTOP, Opens
from tests.make_once import make_once

Open = Callable[..., Page]
FEW: Final = (("5.23.0", "1.0.31"), ("5.12.1", "1.0.27"), ("4.57.6", "1.0.22"))


def front_data(text: str) -> Any:
    """What a front page answers from."""
    packed = re.search('id="data">([^<]*)<', text)
    assert packed is not None
    return json.loads(gzip.decompress(base64.b64decode(packed[1])))


@pytest.fixture(scope="session")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Frame:
    """The site of the shipped atlas. Its answers take seconds to ask for, so that one process does."""
    atlas = opened(pair_files.PACKAGED, LANE)
    answers = make_once(tmp_path_factory, "answers", lambda path: path.write_bytes(pickle.dumps(grid.of(atlas))))
    return build.framed(atlas, pickle.loads(answers.read_bytes()), "2026-11-30")  # noqa: S301  our own


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three entries of the shipped atlas, whose site is made at once."""
    folder = tmp_path_factory.mktemp("few")
    shipped = pair_files.read()
    for pair in FEW:
        pair_files.write(shipped[pair], folder)
    return folder


@pytest.fixture(scope="session")
def public(frame: Frame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the whole of it, which nobody changes."""
    return make_once(tmp_path_factory, "public", partial(build.write, frame))


@pytest.fixture
def visit(opens: Opens, public: Path) -> Open:
    """Opens a page of the site at an address within it."""

    def opened(address: str = build.FRONT, size: tuple[int, int] = DESKTOP) -> Page:
        page = opens(f"{public.as_uri()}/{address}", public.as_uri(), size)
        if address.startswith(build.FRONT):
            page.wait_for_selector(".sentence")  # its script reads the data before it draws
        return page

    return opened
