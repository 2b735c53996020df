"""Strict reading of a YAML file: plain values with their text as written, and a problem for each repeated key.

YAML reads `4.50` as 4.5, and silently keeps the last of two equal keys. A file has bounds, so that none takes all
memory or never ends: its size, its values once aliases are written out, and how deeply they are nested.
"""

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from .errors import BadInput

LARGEST: Final = 2**18
"""Bytes."""
MOST: Final = 20_000
"""Values, each alias counted as what it repeats."""
Location = tuple[str | int, ...]


@dataclass
class Document:
    """A parsed file. `data` consists of dicts, lists and scalars; `texts` has each scalar as written."""

    path: Path
    data: Any = None
    texts: dict[Location, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    values: int = 0
    """How many there are."""


def read(path: Path) -> Document:
    """Reads one YAML document. Raises BadInput for a file that is missing, unreadable or not YAML."""
    document = Document(path)
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(_text(path))
        if node is not None:
            document.data = _value(document, yaml, node, ())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        said = error.problem or error.context
        raise BadInput(f"{path}: {where}not YAML: {said}; mend it there, or quote what is text") from None
    except YAMLError as error:
        raise BadInput(f"{path}: not YAML: {' '.join(str(error).split())}; take that away") from None
    except RecursionError:
        raise BadInput(
            f"{path}: values are nested too deeply, or a YAML alias (*name) stands inside what it repeats; write it out"
        ) from None
    return document


def _text(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BadInput(f"{path}: is no regular file; name one: --matrix")
        if status.st_size > LARGEST:
            raise BadInput(f"{path}: has {status.st_size:,} bytes, more than the {LARGEST:,} that are read")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; run from the project's folder or name one: --matrix") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from None


def _value(document: Document, yaml: YAML, node: Node, location: Location) -> Any:
    document.values += 1
    if document.values > MOST:
        raise BadInput(f"{document.path}: has more than {MOST:,} values, aliases written out; take some away")
    if isinstance(node, SequenceNode):
        return [_value(document, yaml, item, (*location, index)) for index, item in enumerate(node.value)]
    if isinstance(node, MappingNode):
        return _mapping(document, yaml, node, location)
    document.texts[location] = node.value
    if node.tag == "tag:yaml.org,2002:str":
        return node.value
    try:
        return yaml.constructor.construct_object(node)
    except (ValueError, LookupError, OverflowError):  # 2026-13-01, !!bool maybe: text, which their fields refuse
        return node.value


def _mapping(document: Document, yaml: YAML, node: MappingNode, location: Location) -> dict[str, Any]:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, ScalarNode) else "?"
        line = key_node.start_mark.line + 1
        if key in values:
            document.problems.append(
                f"{document.path}: line {line}: key {key!r} is already on line {lines[key]}; delete one of them"
            )
            continue
        lines[key] = line
        values[key] = _value(document, yaml, value_node, (*location, key))
    return values
