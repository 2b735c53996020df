"""The page in a real browser: every view, keys and filters; it makes no request, and text stays text."""

import re
from collections.abc import Sequence
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from harness.contract.case import Case
from harness.report.summary import Summary
from harness.results.judging import Judged, judge
from harness.results.pair_diff import compare
from tests.browser import DESKTOP, PHONE
from tests.findings import case_line, finding, scenario, tried
from tests.known import known
from tests.report.page.conftest import Open
from tests.summaries import NEW, OLD, RENAMED, cases, each, from_lines, recorded, summary

HARM: Final = "<script>window.owned = 1</script><img src=x onerror='window.owned = 1'>"
UNSET: Final = known("tensors", "nothing sets the buffers", url="javascript:window.owned=1", advice=f"set {HARM}")

UNFILLED: Final = "`a.rope` is NaN throughout"
BEFORE: Final = {**each("tower", "keys", "24 keys renamed", "36 keys renamed"), "wrapper/m0": ("passed", None)}
AFTER: Final = {
    "tower/m0": ("passed", None),
    "tower/m1": ("tensors", UNFILLED),
    "wrapper/m0@sharded": ("drifted", None),
    "wrapper/m0": ("tensors", f"gone {HARM}"),
    "wrapper/m 1's": ("error", "ValueError: no"),
    "hub/m0": None,
    "pipeline/m0+full": ("unsupported", "no classifier"),
}
GREEN: Final = ("passed", None)
NOT_RUN: Final = {"tower/m0": ("not-run", "no CUDA device")}
FIRST_NIGHT: Final = recorded(NEW, {**AFTER, "tower/m1": ("passed", None)}, started="2026-11-19T02:00:00+00:00")
LAST_NIGHT: Final = recorded(NEW, AFTER, end=False, packages={"numpy": "2.3.0", HARM: "1"}, platform=HARM)
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
VIEWS: Final = {
    "matrix": "",
    "cases": f"#cases?pair={NEW}",
    "models": "#models",
    "model": "#models?model=m0",
    "history": "#history",
    "upgrade": f"#upgrade?from={OLD}&to={NEW}",
    "needs": "#needs",
}
QUERIES: Final[Sequence[dict[str, str]]] = (
    {},
    {"model": "m1", "lane": "cpu-float32", "route": "tower", "mark": "known-broken"},
    {"model": "m0", "pair": NEW},
    {"family": "convnext", "lane": "cuda-float32"},
    {"model": "nothing"},
)
NOTHING: Final = re.compile(r"\b(?:null|undefined|NaN)\b|\[object")
"""What a script writes where it has no text."""
UNFOLD: Final = """async () => {
    const folded = () => [...document.querySelectorAll("details:not([open]), details:not(:has(> summary + *))")];
    for (let round = 0; round < 20; round += 1) {
        await new Promise((done) => setTimeout(done));
        for (const details of folded()) details.open = true;
    }
    return folded().length;
}"""
"""Unfolds everything at once, and says how many are left."""
FIRST: Final = {"matrix", "cases"}
"""The views that --fast tests too."""


def judged() -> list[Judged]:
    return [
        *cases(OLD, BEFORE, rules=[RENAMED], details={"tower/m0": {"names": [{"missing": {"first": [HARM]}}]}}),
        *cases(NEW, {name: AFTER[name] for name in ("tower/m0", "tower/m1")}, rules=[UNSET]),
        *cases(NEW, {name: result for name, result in AFTER.items() if not name.startswith("tower")}),
        *cases(NEW, NOT_RUN, lane="cuda-float32"),
    ]


@pytest.fixture
def result() -> Summary:
    families = {"m0": "timm.models.eva", "m1": "timm.models.convnext", "m 1's": "timm.models.eva"}
    return summary(judged(), past=[FIRST_NIGHT, LAST_NIGHT], families=families, remarks=[f"renamed: {HARM}"])


def open_all(page: Page) -> None:
    """Unfold everything, nested parts included."""
    while page.locator("#main details:not([open]) > summary").count():
        page.locator("#main details:not([open]) > summary").first.click()
        expect(page.locator("details[open]:not(:has(> summary + *))")).to_have_count(0)


def texts(page: Page, selector: str) -> list[str]:
    return page.locator(selector).all_inner_texts()


@pytest.mark.parametrize(
    "view", [pytest.param(view, marks=[] if view in FIRST else [pytest.mark.slow]) for view in VIEWS]
)
def test_every_view_fits_is_accessible_and_runs_nothing_that_was_recorded(
    show: Open, result: Summary, view: str
) -> None:
    page = show(result, VIEWS[view])
    open_all(page)
    for width, height in (DESKTOP, PHONE):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            violations = Axe().run(page).response["violations"]
            assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in violations] == []
    assert page.locator("#main script, #main img, footer img").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.evaluate("window.owned") is None
    assert HARM in page.locator("footer").inner_text()


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_writes_a_word_of_the_script_where_it_has_no_text(show: Open, result: Summary, view: str) -> None:
    name, _, search = VIEWS[view].removeprefix("#").partition("?")
    page = show(result)
    for query in QUERIES:
        words = urlencode({**dict(parse_qsl(search)), **query})
        page.goto(f"{page.url.partition('#')[0]}#{name or 'matrix'}?{words}")
        expect(page.locator("[aria-current=page]")).to_have_text((name or "matrix").capitalize())
        assert page.evaluate(UNFOLD) == 0
        told = page.locator("body").inner_text().replace(UNFILLED, "")
        attributes = page.evaluate(
            "[...document.body.querySelectorAll('*')].flatMap((e) => [e.ariaLabel, e.title, e.href])"
        )
        assert NOTHING.findall("\n".join([told, *filter(None, attributes)])) == [], query


def test_the_page_may_not_use_the_network_and_an_attempt_is_logged(
    show: Open, result: Summary, complaints: list[str]
) -> None:
    page = show(result)
    page.evaluate("fetch('http://127.0.0.1:9/').catch(() => null)")
    assert any("Content Security Policy" in complaint for complaint in complaints)
    complaints.clear()


def test_the_accessibility_check_finds_a_violation(show: Open, result: Summary) -> None:
    page = show(result)
    page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert [rule["id"] for rule in Axe().run(page).response["violations"]] == ["label"]


def test_the_text_of_a_harmful_record_can_be_read(show: Open, result: Summary) -> None:
    page = show(result, "#cases?model=m0&route=wrapper")
    open_all(page)
    assert any(f"gone {HARM}" in text for text in texts(page, "dd"))
    assert any("set <script>" in text for text in texts(show(result, "#cases?model=m1"), "#main p"))


def test_half_a_run_says_so_at_the_top(show: Open, result: Summary) -> None:
    page = show(result)
    [alert] = texts(page, "#status .unfinished")
    assert alert == (
        "Half finished: 1 of 11 planned cases have no record. "
        f"Broken off: {NEW} cpu-float32, begun 2026-11-20 02:00 UTC."
    )
    whole = [case for case in judged() if case.record]
    expect(show(summary(whole)).locator("#status .unfinished")).to_have_text([])


def test_its_title_and_heading_begin_with_the_result(show: Open) -> None:
    page = show(summary([*lane("cpu-float32", "passed"), *lane("cuda-float32", "tensors", None)]))
    told = "1 regressed, 1 incomplete on transformers 5.23.0 with timm 1.0.31"
    assert page.locator("h1").inner_text() == told
    assert page.title() == f"{told} — layerscale-matrix · Matrix"
    page.get_by_role("link", name="Cases").click()
    expect(page).to_have_title(f"{told} — layerscale-matrix · Cases")
    expect(page.locator("#status > :last-child")).to_have_text("Not everything is as expected (exit code 1).")


def test_it_begins_with_the_sentence_on_each_pair_and_its_flags_are_folded(show: Open) -> None:
    page = show(summary(judged(), answers=["One pair: works.", f"{HARM}: broken."], part="--quick --pair p"))
    expect(page.locator("#status .answer")).to_have_text(["One pair: works.", f"{HARM}: broken."])
    assert page.locator("#status > :first-child").inner_text() == "One pair: works."
    flags = page.locator("#status details")
    assert flags.inner_text() == "A part of the matrix"
    flags.locator("summary").click()
    expect(flags.locator("code")).to_have_text("--quick --pair p")


def test_the_matrix_shows_shape_and_share(show: Open, result: Summary) -> None:
    page = show(result)
    assert page.locator("select[name=lane]").input_value() == "cpu-float32"
    table = page.locator(".beside table")
    assert table.locator("thead tr").all_inner_texts() == ["transformers\t4.48.3\t5.23.0", "timm\t1.0.14\t1.0.31"]
    rows = [
        [row.locator("th").inner_text(), *row.locator(".cell > span").all_inner_texts()]
        for row in table.locator("tbody tr").all()
    ]
    assert rows == [
        ["wrapper", "↑ 100%", "✘ 33%"],
        ["tower", "◐ 0%", "↑ 50%"],
        ["hub", "…"],
        ["pipeline", "\N{EN DASH}"],
    ]
    assert page.locator(".grid").count() == len(rows)


def lane(name: str, *results: str | None) -> list[Judged]:
    """A lane in which models have these outcomes; what is in `keys` is known."""
    outcomes = {f"tower/m{position}": (result, result) if result else None for position, result in enumerate(results)}
    return cases(NEW, outcomes, rules=[RENAMED] if "keys" in results else [], lane=name)


@pytest.mark.parametrize(
    ("lanes", "first"),
    [
        ({"cpu-float32": ["passed"], "cuda-float32": ["tensors", "passed"]}, "cuda-float32"),
        ({"cpu-float32": [None], "cuda-float32": ["tensors"]}, "cuda-float32"),
        ({"cpu-float32": ["keys"], "cuda-float32": [None]}, "cuda-float32"),
        ({"cpu-float32": ["passed"], "cuda-float32": ["keys"]}, "cuda-float32"),
        ({"cpu-float32": ["tensors"], "cuda-float32": ["tensors", "tensors"]}, "cpu-float32"),
        ({"cpu-float32": ["not-run"], "cuda-float32": ["passed"]}, "cuda-float32"),
        ({"cpu-float32": ["not-run"], "cuda-float32": ["not-run"]}, ""),
    ],
    ids=["regressed", "regressed before unknown", "unknown", "known", "alike", "not run", "nothing ran"],
)
def test_the_matrix_begins_with_the_lane_that_has_the_worst_mark(
    show: Open, lanes: dict[str, list[str | None]], first: str
) -> None:
    page = show(summary([case for name, outcomes in lanes.items() for case in lane(name, *outcomes)]))
    assert page.locator("select[name=lane]").input_value() == first


def test_what_the_head_counts_stands_below_it_or_the_choice_of_lanes_says_where(show: Open) -> None:
    judged = [*lane("cpu-float32", "passed"), *lane("cuda-float32", "tensors", "passed"), *lane("cpu-bfloat16", "keys")]
    page = show(summary(judged))
    assert "1 regressed" in page.locator("#status").inner_text()
    assert page.locator(".cause .mark.regressed").count() == 1
    assert page.locator(".others").count() == 0
    page.locator("select[name=lane]").select_option("cpu-float32")
    expect(page.locator(".beside")).to_contain_text("Nothing here is broken or missing.")
    expect(page.locator("select[name=lane] option")).to_have_text(
        [
            "all lanes",
            "cpu-float32",
            "cuda-float32 ✘ 1 regressed",
            "cpu-bfloat16",
        ]
    )
    expect(page.locator(".others")).to_have_text("Other lanes: cuda-float32 ✘ regressed 1", use_inner_text=True)
    page.locator(".others a").press("Enter")
    expect(page.locator(".cause .mark.regressed")).to_have_count(1)
    assert Axe().run(page).response["violations"] == []


def test_a_cell_leads_to_its_cases_and_the_way_back_is_the_browsers(show: Open, result: Summary) -> None:
    page = show(result)
    page.get_by_role("link", name="tower, transformers 4.48.3, timm 1.0.14: 2 known broken").first.click()
    expect(page.locator("h2").first).to_have_text("tower · cpu-float32 · transformers 4.48.3, timm 1.0.14")
    expect(page.locator("#main .case")).to_have_text(["tower/m0", "tower/m1"])
    expect(page.locator("#main")).to_contain_text("every key with gamma or beta is renamed at load")
    page.go_back()
    expect(page.locator(".beside table")).to_be_visible()


def test_a_case_shows_reason_environment_and_how_to_run_it_again(show: Open, result: Summary) -> None:
    case = next(case for case in judged() if case.case.id == "tower/m1" and case.pair == NEW)
    page = show(result, f"#cases?pair={NEW}&route=tower&model=m1")
    open_all(page)
    facts = dict(zip(texts(page, "dl dt"), texts(page, "dl dd"), strict=True))
    assert facts["outcome"] == "tensors"
    assert facts["reason"] == case.reason
    assert facts["because"] == UNSET.because
    assert facts["environment"] == "transformers 5.23.0, timm 1.0.31, torch 2.14.1, torchvision 0.29.1, python 3.11"
    assert facts["run it again"].startswith(result.command(case))


MENDED: Final = known("keys", "gamma is renamed", remedy="load_by_exact_names")
CAST: Final = finding("error", what="RuntimeError", how="expected Half")
REMEDIED: Final = {"tower/m0": case_line(scenario("", finding(), remedied=tried([MENDED])))}


def test_a_cell_shows_the_share_that_passes_as_it_is_and_with_remedies(show: Open) -> None:
    page = show(summary([*from_lines(NEW, REMEDIED, [MENDED]), *cases(NEW, {"wrapper/m0": GREEN, "tower/m1": GREEN})]))
    expect(page.locator(".beside .cell > span")).to_have_text(["✔ 100%", "◑ 50% → 100%"])
    gone = known("keys", scenarios=("hidden*",))
    still_broken = {"tower/m2": case_line(scenario("", CAST), scenario("hidden states"))}
    page_of_fixed = show(summary(from_lines(NEW, still_broken, [gone, known("error")])))
    expect(page_of_fixed.locator(".beside .cell > span")).to_have_text(["↑ 0%"])


def test_a_cell_of_remedied_cases_leads_to_them(show: Open) -> None:
    page = show(summary([*from_lines(NEW, REMEDIED, [MENDED]), *cases(NEW, {"tower/m1": GREEN})]))
    page.get_by_role("link", name="tower, transformers 5.23.0, timm 1.0.31: 1 remedied, 1 passed").first.click()
    expect(page.locator("#main .case")).to_have_text(["tower/m0", "tower/m1"])


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (REMEDIED["tower/m0"], "because"),
        (case_line(scenario("", finding())), "because"),
        (case_line(scenario("", finding(), CAST)), "known beside it"),
        (case_line(scenario("")), "no longer keys"),
    ],
    ids=["remedied", "remedy not run", "regressed", "fixed"],
)
def test_a_case_says_how_its_rule_relates_to_its_verdict(show: Open, line: dict[str, Any], word: str) -> None:
    page = show(summary(from_lines(NEW, {"tower/m0": line}, [MENDED])), "#cases")
    open_all(page)
    facts = dict(zip(texts(page, "dl dt"), texts(page, "dl dd"), strict=True))
    assert facts[word] == MENDED.because


def test_a_case_names_its_run_with_the_digest_of_the_code(show: Open) -> None:
    lane = recorded(NEW, {"tower/m0": GREEN})
    result = summary(judge([Case.parse("tower/m0")], lane, lambda _: []), past=[lane])
    page = show(result, "#cases")
    open_all(page)
    facts = dict(zip(texts(page, "dl dt"), texts(page, "dl dd"), strict=True))
    assert facts["run"] == f"2026-11-20 02:00 UTC in results, lock l1, harness {result.past[0].code}"


def test_every_case_has_the_command_that_other_reports_give_it(show: Open, result: Summary) -> None:
    page = show(result, "#cases")
    open_all(page)
    shown = texts(page, "dl .command code")
    assert sorted(shown) == sorted(map(result.command, judged()))


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("lane=cuda-float32", ["tower/m0"]),
        ("route=hub", ["hub/m0"]),
        ("family=convnext", ["tower/m1", "tower/m1"]),
        ("mark=drifted", ["wrapper/m0@sharded"]),
        ("model=m1", ["tower/m1", "tower/m1"]),
        ("model=m%3F1*", ["wrapper/m 1's"]),
        ("model=nothing", []),
        (f"pair={OLD}&mark=known-broken", ["tower/m0", "tower/m1"]),
    ],
)
def test_an_address_filters(show: Open, result: Summary, query: str, left: Sequence[str]) -> None:
    assert sorted(texts(show(result, f"#cases?{query}"), "#main .case")) == sorted(left)


def test_a_filter_changes_the_view_and_the_address(show: Open, result: Summary) -> None:
    page = show(result)
    page.locator("select[name=route]").select_option("tower")
    expect(page.locator(".beside tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"#matrix\?lane=cpu-float32&route=tower$"))
    page.get_by_label("Model").press_sequentially("m1")
    expect(page.locator(".beside td a").first).to_contain_text("0/1")
    expect(page.get_by_label("Model")).to_be_focused()
    page.reload()
    expect(page.get_by_label("Model")).to_have_value("m1")
    page.get_by_role("link", name="Cases").first.click()
    expect(page.locator("#main .case")).to_have_count(2)


def test_keys_choose_a_view_find_the_model_filter_and_move_in_a_grid(show: Open, result: Summary) -> None:
    page = show(result)
    page.locator(".beside tbody tr:nth-child(1) td:nth-child(2) a").focus()
    labels = []
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
        labels.append(page.evaluate("document.activeElement.getAttribute('aria-label')").split(":")[0])
    new, old = "transformers 5.23.0, timm 1.0.31", "transformers 4.48.3, timm 1.0.14"
    assert labels == [f"wrapper, {new}", f"tower, {new}", f"tower, {old}", f"wrapper, {old}", f"wrapper, {old}"]
    page.keyboard.press("Enter")
    expect(page.locator("#main .case")).to_have_count(1)
    page.keyboard.press("3")
    expect(page.locator("[aria-current=page]")).to_have_text("Models")
    page.keyboard.press("/")
    page.keyboard.type("5")
    expect(page.get_by_label("Model")).to_have_value("5")
    expect(page.locator("[aria-current=page]")).to_have_text("Models")


def test_everything_can_be_reached_by_the_tab_key(show: Open, result: Summary) -> None:
    page = show(result)
    wanted = page.locator("a[href], select, input, summary").count()
    reached: set[Any] = set()
    for _ in range(4 * wanted):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "[...document.querySelectorAll('a[href], select, input, summary')].indexOf(document.activeElement)"
            )
        )
    assert reached - {-1} == set(range(wanted))


def test_one_model_is_shown_through_all_versions(show: Open, result: Summary) -> None:
    page = show(result, "#models?lane=cpu-float32")
    page.get_by_role("link", name="m0", exact=True).click()
    expect(page.locator("#main h2").first).to_have_text("m0 eva")
    rows = [row.split("\t")[0].strip() for row in texts(page, "#main tbody tr")]
    assert rows == ["tower", "wrapper", "wrapper@sharded", "hub", "pipeline+full"]


def test_history_shows_changes_from_night_to_night_and_runs_that_did_not_end(show: Open, result: Summary) -> None:
    page = show(result, "#history")
    expect(page.locator(".nights thead th")).to_have_text(["11-20", "11-19"])
    assert [text.split() for text in texts(page, ".nights td:not(.corner)")] == [
        ["40%", "broken", "off", "1", "changed"],
        ["60%"],
    ]
    open_all(page)
    [changed] = [text for text in texts(page, ".night p") if " was " in text]
    assert changed == "tower/m1 was passed, is tensors: `a.rope` is NaN throughout"
    assert any("did not end: 6 of 7 cases" in text for text in texts(page, ".night summary"))


def test_an_upgrade_shows_the_changes_that_the_command_shows(show: Open, result: Summary) -> None:
    page = show(result, f"#upgrade?from={OLD}&to={NEW}")
    old, new = ([case for case in judged() if case.pair == pair] for pair in (OLD, NEW))
    kinds = [change.kind for change in compare(old, new)]
    expected = " · ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    expect(page.locator("#main .totals")).to_have_text([expected])
    page.locator("select[name=from]").select_option(NEW)
    page.locator("select[name=to]").select_option(OLD)
    back = [change.kind for change in compare(new, old)]
    expect(page.locator("#main .totals")).to_have_text(
        " · ".join(f"{back.count(kind)} {kind}" for kind in dict.fromkeys(back))
    )


def test_an_upgrade_counts_what_breaks_beside_what_is_broken_anyway_as_the_command_does(show: Open) -> None:
    def line(**outcomes: str) -> dict[str, Any]:
        scenarios = [
            {"name": name, "outcome": outcome, "findings": [] if outcome == "passed" else [
                {"kind": outcome, "where": "load", "what": "x", "how": "lost"}]}
            for name, outcome in outcomes.items()
        ]  # fmt: skip
        return {"outcome": max(outcomes.values(), key=["passed", "keys", "tensors"].index), "scenarios": scenarios}

    models = ("breaks", "otherwise", "as before", "explained otherwise")
    before = [
        line(a="passed", b="tensors"),
        line(a="keys", b="tensors"),
        line(a="tensors"),
        line(a="keys", b="tensors"),
    ]
    after = [line(a="keys", b="tensors"), line(a="keys"), line(a="tensors"), line(a="passed", b="tensors")]
    rules = [known("tensors", "unset")]
    old, new = (
        from_lines(pair, dict(zip((f"detector/{model}" for model in models), lines, strict=True)), rules)
        for pair, lines in ((OLD, before), (NEW, after))
    )
    kinds = [change.kind for change in compare(old, new)]
    assert {"newly broken", "broken otherwise"} <= set(kinds)
    page = show(summary([*old, *new]), f"#upgrade?from={OLD}&to={NEW}")
    expected = " · ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    expect(page.locator("#main .totals")).to_have_text([expected])


def test_a_pair_whose_cases_are_unknown_has_lost_none(show: Open) -> None:
    blind = [*cases(OLD, BEFORE), *cases(NEW, {"tower/*": None})]
    for start, end in ((OLD, NEW), (NEW, OLD)):
        page = show(summary(blind), f"#upgrade?from={start}&to={end}")
        expect(page.locator("#main .totals")).to_have_text(["Nothing is known: no case has a result on both sides."])


def test_an_option_that_is_dropped_is_told_apart_from_a_model_that_is_gone(show: Open) -> None:
    dropped = {"tower/a@low-cpu-mem": ("unsupported", "transformers 5 always loads like this")}
    old = cases(OLD, {"tower/a@low-cpu-mem": GREEN, "tower/b@sharded": GREEN})
    page = show(summary([*old, *cases(NEW, dropped)]), f"#upgrade?from={OLD}&to={NEW}")
    expect(page.locator("#main .totals")).to_have_text(["1 gone · 1 option dropped"])


def test_an_upgrade_says_how_many_cases_have_no_result_on_either_side(show: Open) -> None:
    half = [*cases(OLD, {"tower/a": None, "tower/b": GREEN}), *cases(NEW, {"tower/a": GREEN, "tower/b": GREEN})]
    page = show(summary(half), f"#upgrade?from={OLD}&to={NEW}")
    expect(page.locator("#main .totals")).to_have_text(["Nothing changes."])
    assert "1 case of the old pair, 0 of the new one." in page.locator("#main").inner_text()


def test_after_a_link_the_focus_is_at_the_top_of_the_new_view(show: Open, result: Summary) -> None:
    page = show(result)
    page.set_viewport_size({"width": 390, "height": 600})
    page.locator(".grid a.cell").last.click()
    expect(page.locator("h2").first).to_contain_text("cpu-float32")
    expect(page.locator("#main")).to_be_focused()
    expect(page.locator("h2").first).to_be_in_viewport()
    page.get_by_role("link", name="History").click()
    expect(page.locator("[aria-current=page]")).to_be_focused()


def test_a_link_to_a_cause_means_the_same_cause_the_next_night(show: Open, result: Summary) -> None:
    page = show(result, "#matrix?lane=cpu-float32")
    cause = page.locator(".cause", has_text="known broken").filter(has_text=RENAMED.because)
    cause.locator("summary").click()
    link = cause.get_by_role("link", name="Its ")
    query = str(link.get_attribute("href"))
    more = [*cases(NEW, {"hub/m9": ("error", "something else")}), *judged()]
    page = show(summary(more), query)
    assert set(texts(page, "#main .case")) == {"tower/m0", "tower/m1"}


def test_the_model_filter_shows_what_the_address_says(show: Open, result: Summary) -> None:
    page = show(result, "#cases")
    page.get_by_label("Model").press_sequentially("m1")
    expect(page.locator("#main .case")).to_have_count(2)
    page.go_back()
    expect(page).not_to_have_url(re.compile("model="))


@pytest.mark.parametrize("address", ["#constructor", "#toString?x=1", "#cases?group=none&pair=none", "#models?model=["])
def test_an_unknown_address_is_no_error(show: Open, result: Summary, address: str) -> None:
    assert show(result, address).locator("#main").inner_text()


def test_a_filtered_cause_has_the_reason_of_the_case_whose_command_it_gives(show: Open, result: Summary) -> None:
    page = show(result, "#matrix?lane=cpu-float32&model=m1&route=tower&mark=known-broken")
    open_all(page)
    cause = page.locator(".cause", has_text=RENAMED.because).first.inner_text()
    assert "36 keys renamed" in cause
    assert "24 keys renamed" not in cause
    assert "--model m1 " in cause


def test_history_takes_the_filter_for_families(show: Open, result: Summary) -> None:
    assert "1 changed" in show(result, "#history?family=convnext").locator("#main").inner_text()
    assert "1 changed" not in show(result, "#history?family=eva").locator("#main").inner_text()
    assert page_filters(show(result, "#history")) == ["lane", "route", "family", "model"]


def page_filters(page: Page) -> list[str]:
    return [str(field.get_attribute("name")) for field in page.locator("#filters [name]").all()]


def test_a_page_without_cases_says_so(show: Open) -> None:
    expect(show(summary([])).locator("#main")).to_have_text(["No case is left by these filters."])


RUN: Final = {"tower/convnext_atto": GREEN, "tower/convnext_tiny": GREEN, "tower/eva02_tiny": GREEN}
STANDS: Final = "convnext_atto stands for it: a model of the same family with the same traits."


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("models?model=convnext_base", f"convnext_base is not in this run. {STANDS}"),
        ("cases?model=convnext_base&route=tower", f"convnext_base is not in this run. {STANDS}"),
        ("matrix?model=convnext_base", f"convnext_base is not in this run. {STANDS}"),
        ("models?model=eva02_tinny", "eva02_tinny is not in this run. Names like it: eva02_tiny"),
        ("models?model=convnext_bas", "convnext_bas is not in this run. Names like it: convnext_base, convnext_atto"),
        ("models?model=zzz", "zzz is not in this run. "),
        ("models?model=zzz*", "zzz* is not in this run. "),
        ("models?model=eva02_tiny&route=hub", "No case is left by these filters."),
    ],
    ids=["models", "cases", "matrix", "misspelt", "like one stood for", "like none", "a glob", "of this run"],
)
def test_of_a_model_that_was_not_run_it_is_said_which_one_stands_for_it_or_has_a_name_like_it(
    show: Open, query: str, told: str
) -> None:
    stand_ins = {"convnext_base": "convnext_atto"}
    page = show(summary(cases(NEW, RUN), stand_ins=stand_ins), f"#{query}")
    assert page.locator("#main > p").last.inner_text().startswith(told.strip())


def test_the_link_to_the_model_that_stands_for_another_keeps_the_other_filters(show: Open) -> None:
    stand_ins = {"convnext_base": "convnext_atto", "tiny": "eva02_tiny"}
    page = show(summary(cases(NEW, RUN), stand_ins=stand_ins), "#models?model=convnext_base&route=tower")
    page.get_by_role("link", name="convnext_atto").click()
    expect(page.locator("#main h2").first).to_contain_text("convnext_atto")
    expect(page).to_have_url(re.compile(r"#models\?model=convnext_atto&route=tower$"))
    page = show(summary(cases(NEW, RUN), stand_ins=stand_ins), "#models?model=tiny")
    expect(page.locator("#main .absent")).to_have_text(
        ["tiny is not in this run. eva02_tiny stands for it: a model of the same family with the same traits."]
    )
    expect(page.locator("#main .model a")).to_have_text(["convnext_tiny", "eva02_tiny"])
