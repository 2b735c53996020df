"""`ask`: what is known of a pair, from the atlas, in a second, without torch and without network."""

import argparse
from typing import Any, Final, TextIO

USUAL: Final = "cpu-float32"
PACKAGES: Final = ("transformers", "timm")
ABOUT: Final = "what was measured of a pair before: which models work on which routes, and why others do not"
CODES: Final = """\
Exit codes: 0 all of it works, perhaps with a remedy; 1 something is broken; 2 bad input; 4 something is not known."""


def add_to(commands: Any) -> None:
    """Add the command and its options."""
    command = commands.add_parser(
        "ask",
        help=ABOUT,
        description=f"{ABOUT[0].upper()}{ABOUT[1:]}. It needs neither torch nor network.",
        epilog=f"{CODES} Example: ask transformers==5.23.0 timm==1.0.31 --model 'vit_*' --route tower",
    )
    command.add_argument("pins", nargs=2, metavar="PIN", help="transformers==X and timm==Y")
    for name, about in (
        ("model", "a model of timm, or a glob of models; repeatable (default: one of each kind)"),
        ("route", "a way into transformers; repeatable (default: all that were measured)"),
    ):
        command.add_argument(f"--{name}", dest=f"{name}s", action="append", default=[], metavar="NAME", help=about)
    command.add_argument("--lane", default=USUAL, metavar="NAME", help=f"device and precision (default {USUAL})")
    command.add_argument("--json", action="store_true", help="the whole answer as JSON")


def run(arguments: argparse.Namespace, out: TextIO) -> int:
    """Print the answer; its exit code. Raises BadInput."""
    from ..atlas import words  # noqa: PLC0415  needs packaging, which the Python of another command may lack
    from ..atlas.asking import ask  # noqa: PLC0415  as above

    releases = _releases(arguments.pins)
    transformers, timm = (releases[name] for name in PACKAGES)
    answer = ask(transformers, timm, arguments.models, arguments.routes, lane=arguments.lane)
    out.write(words.as_json(answer) if arguments.json else "\n".join(words.lines(answer)))
    out.write("\n")
    return answer.exit_code


def _releases(pins: list[str]) -> dict[str, str]:
    """The release of each package. Raises BadInput."""
    from ..config.errors import BadInput  # noqa: PLC0415  as above

    found = {name.strip(): version.strip() for name, _, version in (pin.partition("==") for pin in pins)}
    if found.keys() != set(PACKAGES):
        raise BadInput(f"{' '.join(pins)}: name both releases, as in transformers==5.23.0 timm==1.0.31")
    return found
