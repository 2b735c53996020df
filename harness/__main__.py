"""python -m harness, and layerscale-matrix once it is installed: what is known of a pair; tests of this Python."""

import argparse
import functools
import importlib
import importlib.metadata
import importlib.util
import json
import os
import sys
import tomllib
import warnings
from pathlib import Path
from typing import Any, Final, NoReturn

from .cell.guards import importing, untrusted
from .contract import checkpoint, finding, package, surroundings
from .contract.library_env import LIBRARIES

OLDEST: Final = (3, 11)
IN_CHECKOUT: Final = package.NAME == "harness"
COMMAND: Final = f"python -m {package.NAME}" if IN_CHECKOUT else "layerscale-matrix"
"""What is typed to get here."""
ABOUT: Final = """\
Which pairs of transformers and timm give back the model that was saved? ask, upgrade and explain answer from what was
measured before. doctor, check and names test the transformers and timm of this Python, that of your own project, and
change nothing. None needs a network.
"""
FITTING: Final = "Install releases that fit each other: pip install --upgrade torch torchvision timm transformers."
ANSWERED: Final = frozenset({"ask", "upgrade", "explain", "site"})
NIGHTLY: Final = frozenset({"plan", "collect"})
TOGETHER: Final = (
    "In a checkout it needs the libraries of the group harness, which an installed layerscale-matrix has: "
    "pip install --group harness."
)
MINUTES: Final = "A few minutes"
CODES: Final = "Exit codes: 0 nothing is broken; 1 something is, or could not be tested; 2 bad input."
TARGET: Final = """\
package.module:Name, a class of transformers, or a function that returns a model, or a model and its inputs; or a
model that this module registers with timm; or a checkpoint folder, in timm's format or transformers'
"""
CONFIG: Final = "for a class: JSON, or package.module:make_config"
MAKER: Final = "for a folder whose model transformers lacks: package.module:Name, as TARGET"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"{finding.message(message)}; see {COMMAND} --help\n")
        sys.exit(2)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from .atlas import entry  # noqa: PLC0415  needs a Python that is not too old

        days = sorted({lane.day for pair in entry.read().values() for lane in pair.lanes.values()})
        measured = f"{len(entry.read())} pairs, measured up to {days[-1]}" if days else "no pair"
        sys.stdout.write(f"layerscale-matrix {_version()}; the atlas has {measured}\n")
        parser.exit()


def _version() -> str:
    """That of the installed package, or of the checkout."""
    if not IN_CHECKOUT:
        return importlib.metadata.version("layerscale-matrix")
    project = tomllib.loads((package.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return f"{project['version']}, a checkout"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=COMMAND, description=ABOUT, epilog=CODES, allow_abbrev=False)
    parser.add_argument("--version", action=_Version, nargs=0, help="the version, and when the atlas was measured")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    doctor = "a few small models on every route, compared with native timm: what is broken, why, and what to do"
    command = commands.add_parser("doctor", help=doctor, description=f"{doctor}. {MINUTES}.", epilog=CODES)
    route = "a route alone; repeatable (default: all)"
    command.add_argument("--route", dest="routes", action="append", default=[], metavar="NAME", help=route)
    check = "a model or a checkpoint of your own: whether transformers saves and loads it unchanged"
    names = "the names in a model of your own that transformers renames, by release, and safe names"
    for name, about in (("check", check), ("names", names)):
        command = commands.add_parser(name, help=about, description=about, epilog=CODES)
        command.add_argument("target", metavar="TARGET", help=TARGET)
        command.add_argument("--config", metavar="CONFIG", help=CONFIG)
        command.add_argument("--class", dest="maker", metavar="NAME", help=MAKER)
    from .commands.answers import ask, explain, site  # noqa: PLC0415  need a Python that is not too old

    ask.add_to(commands)
    explain.add_to(commands)
    site.add_to(commands)
    _add_nightly(commands)
    return parser


def _add_nightly(commands: Any) -> None:
    """The commands that need the harness's own libraries, and neither transformers nor timm."""
    about = "divide the matrix among machines: JSON, a shard with its commands an entry, balanced by measured durations"
    plan = commands.add_parser("plan", help=about, description=f"{about}. {TOGETHER}")
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
    about = "put the records of several machines into one folder"
    collect = commands.add_parser("collect", help=about, description=f"{about}. {TOGETHER}")
    collect.add_argument("folders", type=Path, nargs="+", metavar="DIR", help="a results folder")
    collect.add_argument(
        "--into", type=Path, default=Path("results"), metavar="DIR", help="the target folder (default results)"
    )


def _answered(arguments: argparse.Namespace) -> int:
    from .config.errors import HarnessError  # noqa: PLC0415  needs a Python that is not too old

    try:
        code: int = _answering(arguments.command).run(arguments, sys.stdout)
        sys.stdout.flush()
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except ImportError as error:
        sys.stderr.write(f"{error}; pip install packaging\n")
        return 2
    except OSError as error:  # nobody reads on, or the disk is full
        sys.stderr.write(f"the answer could not be written: {error.strerror}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    return code


def _answering(command: str) -> Any:
    """The module of a command that answers from what this package knows."""
    from .commands.answers import ask, explain, site  # noqa: PLC0415  need a Python that is not too old

    return {"explain": explain, "site": site}.get(command, ask)


def _nightly(arguments: argparse.Namespace) -> int:
    try:
        from .commands.distributed import nightly  # noqa: PLC0415  needs libraries that a pair lacks
        from .config.errors import HarnessError  # noqa: PLC0415  as above
    except ImportError as error:
        sys.stderr.write(f"{error}; {TOGETHER}\n")
        return 2
    try:
        if arguments.command == "collect":
            return nightly.collect(arguments.folders, arguments.into, sys.stdout)
        sys.stdout.write(json.dumps(nightly.plan(arguments), indent=1) + "\n")
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def main(argv: list[str]) -> int:
    """Run a command and return its exit code."""
    surroundings.escape_unencodable()
    if sys.version_info < OLDEST:
        sys.stderr.write(f"this Python is {sys.version.split()[0]}; 3.11 or later is needed\n")
        return 2
    arguments = _parser().parse_args(argv)
    if arguments.command in ANSWERED:
        return _answered(arguments)
    if arguments.command in NIGHTLY:
        return _nightly(arguments)
    from .doctor import supervisor  # noqa: PLC0415  needs that Python

    return supervisor.supervise(functools.partial(_examine, arguments))


def _examine(arguments: argparse.Namespace, console: Any) -> int:
    """Run a command that executes the libraries and a user's code, in a process of its own."""
    if _is_untrusted(arguments):
        untrusted.read_no_code(Path(arguments.target))
    from .commands.answers import ask  # noqa: PLC0415  needs a Python that is not too old

    console.out.write(ask.of_installed(arguments.routes) if arguments.command == "doctor" else "")
    if problem := _missing():
        sys.stderr.write(f"{problem}\n")
        return 2
    os.environ.update(LIBRARIES)  # before the libraries are imported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the libraries
        if problem := importing.problem(console.reading):
            console.out.write(f"{importing.found()}\n✘ import: {problem}\n  {FITTING}\n")
            return 1
        if problem := _too_old(console):
            sys.stderr.write(f"{problem}\n")
            return 2
    from .cell.user_models import request, target  # noqa: PLC0415  needs the libraries checked above

    try:
        if arguments.command == "doctor":
            from .doctor import environment  # noqa: PLC0415  as above

            return environment.examine(console, arguments.routes)
        from .doctor import key_names, user_model  # noqa: PLC0415  as above

        command = {"check": user_model.examine, "names": key_names.examine}[arguments.command]
        if not _is_untrusted(arguments):
            sys.path.insert(0, str(Path.cwd()))  # where python -m looks, and PYTHONSAFEPATH does not
        return command(request.Request(arguments.target, arguments.config, arguments.maker), console)
    except target.Unusable as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _is_untrusted(arguments: argparse.Namespace) -> bool:
    """Whether the target is a folder, and the user names no code: then none is executed."""
    return arguments.command != "doctor" and not checkpoint.names_code(arguments.target, arguments.maker)


def _missing() -> str | None:
    """The packages that this Python lacks, and how to get them; None if it has them all."""
    missing = [name for name in importing.IN_ORDER if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return (
        f"{sys.executable}: {', '.join(missing)} not found; run this with the Python of your own project, "
        f"or install them: pip install {' '.join(missing)}"
    )


def _too_old(console: Any) -> str | None:
    """Import the code that tests; the problem if transformers or timm lacks what it needs, else None."""
    name = package.module("doctor.environment")
    console.reading(f"while {name} was imported")
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  an incompatible package may raise anything
        message = " ".join(f"{type(error).__name__}: {error}".split())
        page = package.FOLDER / "docs" / "limits.md"
        return f"{sys.executable}: transformers or timm is too old to be tested here ({message}); see {page}"
    return None


def console() -> NoReturn:
    """The installed command."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    console()
