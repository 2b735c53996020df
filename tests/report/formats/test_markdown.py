from harness.report.formats import markdown
from tests.findings import case_line, finding, scenario, tried
from tests.known import known
from tests.summaries import NEW, OLD, RENAMED, cases, each, from_lines, summary


def test_the_document_is_exactly_this() -> None:
    judged = [
        *cases(OLD, each("tower", "keys", "24 keys renamed"), rules=[RENAMED]),
        *cases(NEW, {"tower/m0": ("passed", None), "tower/m1": ("tensors", "`a|b` of @someone is <b>unset</b>")}),
        *cases(NEW, {"wrapper/m0": None}),
        *cases(NEW, {"tower/m0": ("not-run", "no CUDA device")}, lane="cuda-float32"),
    ]
    told = markdown.text(
        summary(judged, remarks=["renamed is idle."], answers=["A pair: works.", "A *pair*: broken."], part="--quick")
    )
    assert told.splitlines() == [
        "# Which pairs of transformers and timm give you back the model you saved?",
        "",
        "- A pair: works.",
        "- A &#42;pair&#42;: broken.",
        "",
        "1 regressed, 1 incomplete. Not everything is as expected (exit code 1).",
        "",
        "> **Half finished: 1 of 5 planned cases have no record.**",
        "",
        "1 passed · 1 known broken · 1 regressed · 1 incomplete · 1 not run (no CUDA device)",
        "",
        "<details><summary>A part of the matrix</summary>",
        "",
        "--quick",
        "",
        "</details>",
        "",
        "## cpu-float32",
        "",
        "Share passed of what was run.",
        "",
        "| route | transformers 4.48.3<br>timm 1.0.14 | transformers 5.23.0<br>timm 1.0.31 |",
        "| --- | --- | --- |",
        "| wrapper |  | … |",
        "| tower | ◐ 0% | ✘ 50% |",
        "",
        "cuda-float32: 1 not run (no CUDA device)",
        "",
        "✘ regressed   … incomplete   ◐ known broken   ✔ passed   ○ not run",
        "",
        "## What needs a look",
        "",
        "**✘ regressed · tower · tensors · 1 model, 1 case, 1 pair**",
        "",
        "- &#96;a&#124;b&#96; of &#64;someone is &#60;b&#62;unset&#60;/b&#62;",
        "",
        "```",
        f"nox -s matrix -- --pair {NEW} --lane cpu-float32 --route tower --model m1 --variant safetensors --rerun",
        "```",
        "",
        "**… incomplete · wrapper · 1 model, 1 case, 1 pair**",
        "",
        "- no record: the run did not come this far",
        "",
        "```",
        f"nox -s matrix -- --pair {NEW} --lane cpu-float32 --route wrapper --model m0 --variant safetensors --rerun",
        "```",
        "",
        "renamed is idle.",
        "",
        "<details><summary>Known broken, by cause (1)</summary>",
        "",
        "**◐ known broken · tower · keys · 1 model, 1 case, 1 pair**",
        "",
        "- 24 keys renamed",
        "- because every key with gamma or beta is renamed at load",
        "- take transformers 4.49 or later",
        "- https://example.org/issues/1",
        "",
        "```",
        f"nox -s matrix -- --pair {OLD} --lane cpu-float32 --route tower --model m0 --variant safetensors --rerun",
        "```",
        "",
        "</details>",
    ]


def test_a_remedied_case_is_among_what_is_known_with_the_share_that_its_remedy_mends() -> None:
    rule = known("keys", "gamma is renamed", remedy="load_by_exact_names")
    line = case_line(scenario("", finding(), remedied=tried([rule])))
    lines = markdown.text(summary(from_lines(NEW, {"tower/m0": line}, [rule]))).splitlines()
    assert "| tower | ◑ 0% → 100% |" in lines
    assert "1 remedied" in lines
    assert "## What needs a look" not in lines
    at = lines.index("<details><summary>Known broken, by cause (1)</summary>")
    assert lines[at + 2 : at + 9] == [
        "**◑ remedied · tower · keys · 1 model, 1 case, 1 pair**",
        "",
        "- keys here",
        "- because gamma is renamed",
        "- take transformers 4.49 or later",
        "- remedy load&#95;by&#95;exact&#95;names: 1 of 1 case green with it",
        "- https://example.org/issues/1",
    ]


def test_a_name_cannot_end_the_block_that_a_command_stands_in() -> None:
    text = markdown.text(summary(cases(NEW, {"tower/a\n```\n# owned": ("tensors", None)})))
    assert "\n# owned" not in text
    assert text.count("\n```\n") == 2
