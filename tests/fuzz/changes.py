"""Inputs as they should not be: changes of words, of lines of JSON, and of folders. Standard library only."""

import copy
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves a cursor, turns text round, or has no code; a line may end."""
DEEP: Final = 2_000
ODD_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    10**30,
    10**400,
    1e308,
    float("nan"),
    float("-inf"),
    "",
    "x" * 300,
    "../../outside",
    "/dev/zero",
    "\x1b[2J",
    "\ud800",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "\0",
    "tower/a/b/c",
    "2026-13-45",
    "9999-12-31T23:59:59+00:00",
    [],
    {},
    [[]],
    {"a": {}},
    [{"kind": "keys"}],
    json.loads("[" * 200 + "]" * 200),
    "x" * 30_000,
)
ODD_WORDS: Final = (
    *("", " ", "-", "--", "---", "-h", "--help", "--no-such", "-x=1", "--pair", "--matrix", "--results", "--out"),
    *("x" * 300, "x/" * 3_000, "..", ".", "/", "/dev/null", "/dev/null/x", "/dev/zero", "/proc/self/mem", "~"),
    *("fifo", "loop", "file", "folder", "fifo/x", "loop/x", "file/x", "matrix.yaml"),
    *("\x1b[31m", "\udcff", "\ud800", "a\nb", "\t", "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{SNOWMAN}", "a\rb"),
    *("9" * 5_000, "-1", "0", "1e9", "1.5", "99999999999", "0x10", "\N{ARABIC-INDIC DIGIT ONE}", "nan", "True"),
    *("transformers==", "timm==1", "timm==x", "torch==1!2.0+x", "transformers==5.23.0", f"timm=={'9' * 5_000}"),
    *("timm @ git+https://x/y", "timm@/no.whl", "timm@/dev/zero", "transformers @ file:///x", "transformers>=4"),
    *("1/0", "0/1", "2/1", "1/1", f"1/{'9' * 40}", "1/2/3", "[", "[!", "]", "*" * 40, "[a-", "?" * 99, "{", "(" * 99),
    *("host:1", ":1", "host:", "host:99999999", "[::1]:1", "tcp://x:1", "a.b:C", ":", "os:system", ".a:b", "a:b:c"),
    *("wrapper", "tower", "cpu-float32", "full", "slim", "narrow", "safetensors", "hub", "latest", "timm==1.0.31"),
)
ODD_YAML: Final = (
    *("", "null", "~", "-1", "0", "1e999", ".nan", "[]", "{}", "{a: b}", "[1, [2]]", "true", "2026-13-45", "9" * 5_000),
    *(
        "&x",
        "*x",
        "<<: *x",
        "!!python/object:os.system",
        "!!bool maybe",
        "? ",
        ": ",
        "- ",
        "\t",
        "%YAML 9",
        "---\n",
        "\0",
    ),
    *('">=x"', '"../../etc"', '"5.23.0; rm"', "wrapper", "every", '"3.11"', "cpu-float32", "slim", '"*"', '"--help"'),
    *(
        "1.0e30",
        "1" + "0" * 30,
        '"99"',
        '"\\e[2J"',
        '"\\ud800"',
        '"\\u202e"',
        "[" * 3_000,
        "&a [*a, *a]",
        "x" * 2_000_000,
    ),
)
WHAT: Final = ("replace", "insert", "delete", "double", "name")
Step = tuple[str, int, Any]
"""What is done, at which place (counted round), and with which odd value."""


def pieces(text: str) -> list[str]:
    """YAML in pieces that a change may replace: names, numbers, spaces, and signs."""
    return re.findall(r"\s+|[\w.\"<>=-]+|.", text)


def words(given: Sequence[str], changes: Sequence[Step]) -> list[str]:
    """A command line after the changes."""
    changed = list(given)
    for what, at, odd in changes:
        place = at % (len(changed) + 1)
        match what:
            case "replace" | "name":
                changed[place : place + 1] = [odd]
            case "insert":
                changed.insert(place, odd)
            case "delete":
                del changed[place : place + 1]
            case "double":
                changed[place:place] = changed[place : place + 2]
    return changed


def value(given: Any, changes: Sequence[Step]) -> Any:
    """JSON's own types after the changes, at any depth."""
    changed = [copy.deepcopy(given)]
    for what, at, odd in changes:
        places = list(_places(changed))
        holder, name = places[at % len(places)]
        match what:
            case "replace" | "insert":
                holder[name] = copy.deepcopy(odd)  # or a later change would be one of every input
            case "delete" if holder is not changed:
                del holder[name]
            case "double" if isinstance(holder, list) and holder is not changed:
                holder.insert(name, copy.deepcopy(holder[name]))
            case "name" if isinstance(holder, dict):
                holder[str(odd)] = holder.pop(name)
    return changed[0]


def _places(given: Any) -> Iterator[tuple[Any, Any]]:
    """Each container with the name or index of each of its values."""
    found = given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ()
    for name, item in list(found):
        yield given, name
        yield from _places(item)


def lines(text: str, changes: Sequence[tuple[str, int, list[Step]]]) -> bytes:
    """A file of lines of JSON after the changes, some of them of its bytes."""
    changed = [line.encode() for line in text.splitlines()]
    for what, at, inside in changes:
        if changed:
            place = at % len(changed)
            line = changed.pop(place)
            changed[place:place] = [value_in(line, inside)] if what == "inside" else LINE_CHANGES[what](line, at)
    return b"\n".join(changed) + b"\n"


LINE_CHANGES: Final[dict[str, Callable[[bytes, int], list[bytes]]]] = {
    "deep": lambda _line, _at: [b'{"kind":' + b"[" * DEEP + b"]" * DEEP + b"}"],
    "deeper": lambda _line, _at: [b'{"kind":' * DEEP * 100],
    "delete": lambda _line, _at: [],
    "double": lambda line, _at: [line, line],
    "torn": lambda line, at: [line[: at % 97]],
    "binary": lambda line, _at: [b"\xff\xfe\0" + line],
    "number": lambda line, _at: [line.replace(b"1", b"9" * 5_000, 1)],
}


def value_in(line: bytes, changes: Sequence[Step]) -> bytes:
    """A line of JSON with changes of its value; null for one that is none."""
    return json.dumps(value(json.loads(line), changes) if _is_json(line) else None).encode()


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


OUTSIDE: Final = "outside"
"""A folder beside the current one, with a file in it, to which a link leads."""


def _as_link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _full_folder(path: Path) -> None:
    (path / "x").mkdir(parents=True)


STRANGE: Final[dict[str, Callable[[Path], object]]] = {
    "fifo": os.mkfifo,
    "folder": Path.mkdir,
    "folder with another": _full_folder,
    "link to itself": lambda path: path.symlink_to(path.name),
    "link outside": lambda path: path.symlink_to(Path.cwd().parent / OUTSIDE),
    "link to a device": _as_link("/dev/zero"),
    "empty": Path.touch,
    "zeros": lambda path: path.write_bytes(bytes(10_000)),
    "one long line": lambda path: path.write_text("x" * 1_000_000),
    "nothing": lambda _path: None,
}
"""What can stand where a file of ours is expected."""


def change_folder(folder: Path, names: Sequence[str], changes: Sequence[tuple[int, str]]) -> None:
    """Put something strange in the place of files of a folder."""
    for at, what in changes:
        path = folder / names[at % len(names)]
        if any(above.is_symlink() for above in path.parents) or not path.parent.is_dir():
            continue
        if path.is_dir() and not path.is_symlink():
            for inside in sorted(path.rglob("*"), reverse=True):
                inside.rmdir() if inside.is_dir() and not inside.is_symlink() else inside.unlink()
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        STRANGE[what](path)
