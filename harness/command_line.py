"""What can be typed after layerscale-matrix, or after python -m harness in a checkout."""

import argparse
import importlib.metadata
import sys
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NoReturn

from .atlas.entries import pair_files
from .commands.answers import ask, explain, site
from .config.text import capitalised
from .contract import finding, package
from .contract.package import IN_CHECKOUT
from .mending import options as mending

INSTALLED: Final = "layerscale-matrix"
COMMAND: Final = f"python -m {package.NAME}" if IN_CHECKOUT else INSTALLED
"""What is typed to get here."""
ABOUT: Final = """\
Which pairs of transformers and timm give back the model that was saved? ask, upgrade and explain answer from what was
measured before. doctor, check and names test the transformers and timm of this Python, that of your own project, and
change nothing; repair writes a mended copy. None needs a network, but upgrade --own, which installs both pairs.
"""
BRINGS: Final = "in a checkout: pip install ."
TOGETHER: Final = f"It needs no torch, but libraries that come with an installed layerscale-matrix; {BRINGS}"
MINUTES: Final = "A few minutes"
CODES: Final = "Exit codes: 0 nothing is broken; 1 something is, or could not be tested; 2 bad input."
DOCTOR_CODES: Final = """\
Exit codes: 0 nothing is broken, or all that is was known of this pair; 1 something is broken that no rule explains, or
that its remedy does not mend, or nothing could be tested; 2 bad input."""
JSON: Final = "one JSON object instead on standard output; the words go to standard error"
TARGET: Final = """\
package.module:Name, or package/module.py:Name: a class of transformers, or a function that returns a model, perhaps
with inputs; or a model that this module registers with timm; or a checkpoint folder, in timm's format or transformers'
"""
CONFIG: Final = "for a class: JSON, or package.module:make_config"
MAKER: Final = "for a folder whose model transformers lacks: package.module:Name, as TARGET"
SHELLS: Final = ("bash", "zsh", "fish")
TESTS_OF_OWN: Final = (
    ("check", "a model or a checkpoint of your own: whether transformers saves and loads it unchanged"),
    ("names", "the names in a model of your own that transformers renames, by release, and safe names"),
)


class _Parser(argparse.ArgumentParser):
    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        for before, word in pairwise(["", *(args or ())]):
            if not word.strip() or (word.startswith("--") and word.endswith("=")):
                option = f"what follows {before}" if before else "the command"
                self.error(f"{word.strip().rstrip('=') or option} is empty: perhaps a variable that is not set")
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{finding.message(finding.printable(message))}; see {COMMAND} --help\n")
        sys.exit(2)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        days = sorted({lane.day for pair in pair_files.read().values() for lane in pair.lanes.values()})
        measured = f"{len(pair_files.read())} pairs, measured up to {days[-1]}" if days else "no pair"
        sys.stdout.write(f"{INSTALLED} {_version()}; the atlas has {measured}\n")
        parser.exit()


def _version() -> str:
    """That of the installed package, or of the checkout."""
    if not IN_CHECKOUT:
        return importlib.metadata.version(INSTALLED)
    project = tomllib.loads((package.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['version']}, a checkout"


def parser(typed: str = COMMAND) -> argparse.ArgumentParser:
    """The commands and their options; `typed` is what is typed before them."""
    whole = _Parser(prog=typed, description=ABOUT, epilog=CODES, allow_abbrev=False)
    whole.add_argument("--version", action=_Version, nargs=0, help="the version, and when the atlas was measured")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    doctor = "a few small models on every route, compared with native timm: what is broken, why, and what to do"
    command = commands.add_parser("doctor", help=doctor, description=f"{doctor}. {MINUTES}.", epilog=DOCTOR_CODES)
    route = "a route alone; repeatable (default: all)"
    command.add_argument("--route", dest="routes", action="append", default=[], metavar="NAME", help=route)
    command.add_argument("--json", action="store_true", help=JSON)
    own = [commands.add_parser(name, help=about, description=about, epilog=CODES) for name, about in TESTS_OF_OWN]
    for command in (*own, mending.add_to(commands)):
        command.add_argument("target", type=ask.dotted, metavar="TARGET", help=TARGET)
        command.add_argument("--config", metavar="CONFIG", help=CONFIG)
        command.add_argument("--class", dest="maker", metavar="NAME", help=MAKER)
        command.add_argument("--json", action="store_true", help=JSON)
    ask.add_to(commands)
    explain.add_to(commands)
    site.add_to(commands)
    about = f"a script with which a shell completes {INSTALLED}"
    where = "Where a shell looks for it is said at the top of the script."
    completion = commands.add_parser("completion", help=about, description=f"{capitalised(about)}. {where}")
    completion.add_argument("shell", choices=SHELLS, help="the shell that is to complete")
    _add_nightly(commands, typed)
    return whole


def _add_nightly(commands: Any, typed: str) -> None:
    """The commands that need the harness's own libraries, and neither transformers nor timm."""
    about = "divide the matrix among machines: JSON, a shard with its commands an entry, balanced by measured durations"
    plan = commands.add_parser("plan", help=about, description=f"{about}. {TOGETHER}")
    plan.set_defaults(typed=typed)
    plan.add_argument("--shards", type=int, default=20, metavar="N", help="at most N shards (default 20)")
    durations = "records whose durations balance the shards; repeatable"
    plan.add_argument("--results", type=Path, action="append", default=[], metavar="DIR", help=durations)
    here = Path("matrix.yaml")
    shipped = here if IN_CHECKOUT or here.is_file() else package.FOLDER / here
    plan.add_argument("--matrix", type=Path, default=shipped, metavar="FILE", help="another matrix.yaml")
    plan.add_argument("--lane", dest="lanes", action="append", default=[], metavar="NAME", help="a lane; repeatable")
    plan.add_argument("--quick", action="store_true", help="the smallest model of each kind, and the controls")
    also = "an additional pair: 'transformers==5.23.0 timm==1.0.31'; repeatable"
    plan.add_argument("--also", action="append", default=[], metavar="PINS", help=also)
    plan.add_argument("--newest", action="store_true", help="also the newest releases on PyPI")
    development = "wheels of development versions, each tested with the current release of the other package"
    plan.add_argument("--development", type=Path, metavar="DIR", help=development)
    plan.add_argument("--json", action="store_true", help="as it is anyway")
    about = "put the records of several machines into one folder"
    collect = commands.add_parser("collect", help=about, description=f"{about}. {TOGETHER}")
    collect.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="a results folder")
    collect.add_argument(
        "--into", type=Path, default=Path("results"), metavar="DIR", help="the target folder (default results)"
    )
    collect.add_argument("--json", action="store_true", help="what was added, as one JSON object")
