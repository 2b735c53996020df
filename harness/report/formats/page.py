"""The web page: one file that needs no other file and no network. Records are data in it, never code."""

from pathlib import Path
from typing import Final

from markupsafe import Markup

from ..summary import Summary
from . import inline
from .columns import data, title
from .template import render

WEB: Final = Path(__file__).parent / "web"
SCRIPTS: Final = (
    *("data", "dom", "filter", "parts", "absent"),
    *("matrix", "cases", "models", "history", "upgrade", "needs"),
    "main",
)
"""In order of use: a script uses only those before it."""


def html(summary: Summary) -> str:
    """The document."""
    script = "\n".join((WEB / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    style = (WEB / "page.css").read_text(encoding="utf-8")
    return render(
        "page.html",
        title=title(summary),
        heading=summary.title,
        # Our own, and hashed below: a browser runs this script and no other.
        script=Markup(script),  # noqa: S704
        style=Markup(style),  # noqa: S704
        policy=inline.policy(style, script),
        data=Markup(inline.inert(data(summary))),  # noqa: S704 - without < no tag can begin or end in it
    )
