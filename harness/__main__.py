"""python -m harness, and layerscale-matrix once it is installed: what is known of a pair; tests of this Python."""

import argparse
import functools
import importlib
import importlib.util
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any, Final, NoReturn

from .cell.guards import importing, untrusted
from .config import asked_routes
from .contract import checkpoint, finding, package, surroundings
from .contract.library_env import LIBRARIES

OLDEST: Final = (3, 11)
FITTING: Final = "Install releases that fit each other: pip install --upgrade torch torchvision timm transformers."
ANSWERED: Final = frozenset({"ask", "upgrade", "explain", "site"})
NOBODY_READS: Final = 141  # as of a process that the signal SIGPIPE ended
NIGHTLY: Final = frozenset({"plan", "collect"})


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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return NOBODY_READS
        sys.stderr.write(f"the answer could not be written: {error.strerror}\n")
        return 2
    return code


def _answering(command: str) -> Any:
    """The module of a command that answers from what this package knows."""
    from .commands.answers import ask, explain, site  # noqa: PLC0415  need a Python that is not too old

    return {"explain": explain, "site": site}.get(command, ask)


def _completion(shell: str) -> int:
    try:
        from . import completion  # noqa: PLC0415  needs a library that a pair lacks
    except ImportError as error:
        sys.stderr.write(f"{error}; pip install shtab\n")
        return 2
    sys.stdout.write(completion.script(shell))
    return 0


def _nightly(arguments: argparse.Namespace) -> int:
    try:
        from .commands.distributed import nightly  # noqa: PLC0415  needs libraries that a pair lacks
        from .config.errors import HarnessError  # noqa: PLC0415  as above
    except ImportError as error:
        from .command_line import BRINGS  # noqa: PLC0415  needs a Python that is not too old

        sys.stderr.write(f"{error}; {BRINGS}\n")
        return 2
    try:
        if arguments.command == "collect":
            return nightly.collect(arguments.folders, arguments.into, sys.stdout, as_json=arguments.json)
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
    from . import command_line  # noqa: PLC0415  needs that Python

    arguments = command_line.parser().parse_args(argv)
    if arguments.command in ANSWERED:
        return _answered(arguments)
    if arguments.command == "completion":
        return _completion(arguments.shell)
    if arguments.command in NIGHTLY:
        return _nightly(arguments)
    if problem := _problem(arguments):
        sys.stderr.write(f"{finding.message(problem)}\n")
        return 2
    from .doctor import supervisor  # noqa: PLC0415  as above

    as_json = arguments.command if arguments.json else None
    return supervisor.supervise(functools.partial(_examine, arguments), as_json=as_json)


def _problem(arguments: argparse.Namespace) -> str | None:
    """What is wrong with the options, as far as that can be told before the libraries are imported."""
    if arguments.command == "repair":
        from .mending import options  # noqa: PLC0415  needs a Python that is not too old

        return options.problem(arguments)
    return asked_routes.problem(getattr(arguments, "routes", ()))


def _examine(arguments: argparse.Namespace, console: Any) -> int:
    """Run a command that executes the libraries and a user's code, in a process of its own."""
    if _is_untrusted(arguments):
        untrusted.read_no_code(Path(arguments.target))
    console.report(_asked(arguments))
    if arguments.command == "doctor":
        from .commands.answers import ask  # noqa: PLC0415  needs a Python that is not too old

        known = ask.of_installed(arguments.routes)
        console.out.write(known)
        console.report({"atlas": known.strip() or None})
    if problem := _missing():
        sys.stderr.write(f"{problem}\n")
        return 2
    os.environ.update(LIBRARIES)  # before the libraries are imported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecations inside the libraries
        if problem := importing.problem(console.reading):
            console.out.write(f"{importing.found()}\n✘ import: {problem}\n  {FITTING}\n")
            console.report({"problem": problem, "advice": FITTING})
            return 1
        if problem := _too_old(console):
            sys.stderr.write(f"{problem}\n")
            return 2
    from .cell.user_models.target import Unusable  # noqa: PLC0415  needs the libraries checked above

    try:
        return _tested(arguments, console)
    except Unusable as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of the JSON object that every such command has."""
    from .doctor import json_report  # noqa: PLC0415  needs a Python that is not too old

    asked = {"routes": arguments.routes} if arguments.command == "doctor" else {"target": arguments.target}
    return {**asked, "packages": json_report.packages()}


def _tested(arguments: argparse.Namespace, console: Any) -> int:
    """Run it, now that the libraries can be imported. Raises Unusable."""
    if arguments.command == "doctor":
        from .doctor import environment  # noqa: PLC0415  needs the libraries

        return environment.examine(console, arguments.routes)
    if not _is_untrusted(arguments):
        sys.path.insert(0, str(Path.cwd()))  # where python -m looks, and PYTHONSAFEPATH does not
    if arguments.command == "repair":
        from .mending import command as repairing  # noqa: PLC0415  as above

        named = (arguments.target, arguments.into, arguments.config, arguments.maker)
        return repairing.examine(*named, console)
    from .cell.user_models import request  # noqa: PLC0415  as above
    from .doctor import key_names, user_model  # noqa: PLC0415  as above

    command = {"check": user_model.examine, "names": key_names.examine}[arguments.command]
    return command(request.Request(arguments.target, arguments.config, arguments.maker), console)


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
