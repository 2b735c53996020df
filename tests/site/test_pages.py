"""The pages of the site: every link leads to one, and each says what the atlas says."""

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import pytest

from harness.atlas import proof
from harness.atlas.asking import ask
from harness.atlas.rules import known
from harness.config.pin_files.reading import PACKAGES
from harness.contract.routes import ROUTES
from harness.report.formats import template
from harness.site import build
from harness.site.frame import FOLDER, Frame, counts_of
from harness.site.snippets import SNIPPETS

LINK = re.compile(r'href="([^"#:]+)(?:#[^"]*)?"')
SCRIPT = re.compile(r"<script.*?</script>", re.DOTALL)
MOST_OF_ALL, MOST_OF_FRONT = 12_000_000, 400_000  # bytes


def links(text: str) -> list[str]:
    """The addresses of other pages, those aside that a script makes."""
    return LINK.findall(SCRIPT.sub("", text))


@pytest.fixture(scope="module")
def written(public: Path) -> Mapping[str, str]:
    """The text of each page of the shipped atlas's site, by its path."""
    return {path.relative_to(public).as_posix(): path.read_text() for path in public.rglob("*.html")}


def test_every_link_leads_to_a_page(written: Mapping[str, str]) -> None:
    for name, text in written.items():
        for link in links(text):
            target = PurePosixPath(name).parent / unquote(unescape(link))
            parts: list[str] = []
            for part in target.parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            assert "/".join(parts) in written, f"{name} links to {link}"


def test_every_page_is_linked_from_another(written: Mapping[str, str]) -> None:
    named = {PurePosixPath(unquote(unescape(link))).name for text in written.values() for link in links(text)}
    assert {PurePosixPath(name).name for name in written} <= named


def test_there_is_a_page_for_each_route_rule_and_model(frame: Frame, written: Mapping[str, str]) -> None:
    assert {f"route/{route}.html" for route in frame.grid.routes} <= written.keys()
    assert {f"rule/{rule}.html" for rule in known()} <= written.keys()
    assert {f"model/{model}.html" for model in frame.grid.class_of} <= written.keys()
    assert {f"timm/{release}.html" for release in frame.grid.releases[1]} <= written.keys()


def test_kinds_of_pages_that_lead_to_another_kind_are_led_to_from_it(written: Mapping[str, str]) -> None:
    leads: dict[str, set[str]] = {}
    for name, text in written.items():
        kind = PurePosixPath(name).parent.name
        within = text.partition("<main")[2]
        leads.setdefault(kind, set()).update(
            PurePosixPath(link).parent.name for link in links(within) if link.startswith("../")
        )
    kinds = {"route", "rule", "family", "model", "transformers", "timm"}
    for kind, others in leads.items():
        for other in (others & kinds) if kind in kinds else ():
            assert kind in leads[other] or kind == other, f"{kind} leads to {other}, which does not lead back"


def test_every_page_counts_what_ask_counts(frame: Frame, written: Mapping[str, str]) -> None:
    counts = template.environment(FOLDER / "templates").get_template("macros.html").make_module().__dict__["counts"]
    for pair in frame.atlas.lanes:
        found = ask(*pair)
        by_state = counts_of(found.parts)
        assert dict(counts_of(frame.answers(pair))) == dict(by_state), pair
        for package, release in zip(PACKAGES, pair, strict=True):
            assert str(counts(by_state)) in written[f"{package}/{release}.html"], pair
    for model in frame.grid.class_of:
        by_state = counts_of(ask(*frame.current, [model]).parts)
        assert str(counts(by_state)) in written[f"model/{model}.html"], model


def test_the_site_is_small(written: Mapping[str, str]) -> None:
    assert len(written[build.FRONT].encode()) < MOST_OF_FRONT
    assert sum(len(text.encode()) for text in written.values()) < MOST_OF_ALL


def test_a_release_says_what_it_broke_and_mended(written: Mapping[str, str]) -> None:
    mended = written["transformers/4.49.0.html"].partition("What it mended")[2]
    assert "rule/gamma-renamed.html" in mended
    broke = written["transformers/5.0.0.html"].partition("What it broke")[2].partition("What it mended")[0]
    assert "rule/buffers-in-own-model.html" in broke
    otherwise = written["timm/1.0.31.html"].partition("What it computes otherwise")[2]
    assert "rule/timm-gcvit-batches.html" in otherwise
    assert "rule/timm-" not in written["timm/1.0.23.html"].partition("What it mended")[2].partition("<h2>")[0]


def test_a_rule_has_its_proven_bounds(written: Mapping[str, str]) -> None:
    page = written["rule/gamma-renamed.html"]
    bounds = [found for found in proof.read() if found.edge.bound.rule == "gamma-renamed"]
    assert bounds
    assert all(found.day in page and found.edge.outside in page for found in bounds)


def test_a_rule_has_the_code_of_its_remedy_and_says_which_models_it_is_about(written: Mapping[str, str]) -> None:
    page = written["rule/gamma-renamed.html"]
    assert "def load_by_exact_names(" in page
    assert "<dd>gamma keys</dd>" in page


def test_a_model_that_is_not_run_names_the_one_that_is(written: Mapping[str, str]) -> None:
    assert 'href="test_convnext.html">test_convnext</a> is run for it' in written["model/convnext_base.html"]
    assert "<dd>itself</dd>" in written["model/test_convnext.html"]


def test_what_is_new_are_the_newest_pair_and_those_of_the_last_day(frame: Frame, written: Mapping[str, str]) -> None:
    last = max(frame.grid.days.values())
    assert f"{sum(day == last for day in frame.grid.days.values())} pairs measured" in written["night.html"]
    for pair, day in frame.grid.days.items():
        told = f"transformers {pair[0]} with timm {pair[1]}</a>"
        assert (told in written["night.html"]) == (day == last or pair == frame.current)


def test_the_front_page_alone_leads_nowhere(frame: Frame) -> None:
    assert links(build.front(frame))
    assert not links(build.front(frame, alone=True))


def test_each_route_has_code_that_python_reads() -> None:
    assert SNIPPETS.keys() == ROUTES.keys()
    for route, code in SNIPPETS.items():
        compile(code, route, "exec")
