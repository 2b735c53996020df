"""Messages for the problems of a document: the location, the text as written, the remedy."""

import functools
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .names import unknown
from .pair import PACKAGES
from .yaml_document import Document, Location

AN_ID: Final = "gamma-renamed"


def describe(document: Document, error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each validation error of a document."""
    # pydantic counts valid items only: a list whose one item is invalid is also too short for it.
    details = [detail for detail in error.errors() if detail["type"] != "too_short" or not detail["input"]]
    return [_line(document, detail, model) for detail in details]


def _line(document: Document, detail: ErrorDetails, model: type[BaseModel]) -> str:
    location = _location(detail)
    message = _message(document, detail, model)
    return ": ".join([str(document.path), *([_spelled(location)] if location else []), message])


def _location(detail: ErrorDetails) -> Location:
    """The location in the file; for a wrong or missing key, that of its mapping."""
    location, kind = detail["loc"], detail["type"]
    if location and location[-1] == "[key]":
        return location[:-2]
    return location[:-1] if kind in ("missing", "extra_forbidden") else location


def _spelled(location: Location) -> str:
    """`pairs[3].timm`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).removeprefix(".")


def _message(document: Document, detail: ErrorDetails, model: type[BaseModel]) -> str:
    location = detail["loc"]
    match detail["type"]:
        case "problem":
            message = detail["msg"]
        case "missing":
            message = f"{str(location[-1])!r} is missing; add it"
        case "extra_forbidden":
            message = unknown("key", str(location[-1]), _keys(model, location[:-1]))
        case "too_short" | "string_too_short":
            message = "is empty; give at least one" if detail["type"] == "too_short" else "is empty; write some text"
        case "model_type" | "dict_type" | "mapping_type":
            message = f"{_written(document, detail)}; a mapping is wanted"
        case "tuple_type":
            message = f"{_written(document, detail)}; a list is wanted"
        case "string_type":
            message = _no_text(document, detail)
        case "string_pattern_mismatch":
            message = f"{_written(document, detail)}; give small letters and digits with hyphens between, as in {AN_ID}"
        case "float_type" | "float_parsing" | "int_type" | "int_parsing" | "int_from_float":
            wanted = "a number" if detail["type"].startswith("float") else "a whole number"
            message = f"{_written(document, detail)}; {wanted} is wanted"
        case _:
            message = f"{document.texts.get(location, 'this')}: {detail['msg'].removeprefix('Input ')}"
    return message


def _no_text(document: Document, detail: ErrorDetails) -> str:
    location = detail["loc"]
    if location not in document.texts or detail["input"] is None:
        return f"{_written(document, detail)}; text is wanted"
    text = document.texts[location]
    return f'{_written(document, detail)}; quote {"versions" if location[-1] in PACKAGES else "it"}: "{text}"'


def _written(document: Document, detail: ErrorDetails) -> str:
    """The value as written, and its type: `1.10 is a number`."""
    match detail["input"]:
        case None:
            return "is empty"
        case list():
            return "is a list"
        case dict():
            return "is a mapping"
        case int() | float() as value if not isinstance(value, bool):
            kind = "a number"
        case str():
            kind = "text"
        case _:
            kind = "no text"
    return f"{document.texts[detail['loc']]} is {kind}"


@functools.cache  # a file may have thousands of unknown keys
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _keys(model: type[BaseModel], location: Location) -> list[str]:
    """The keys that the mapping at a location may have."""
    schema = _schema(model)
    node = schema
    for step in location:
        node = node["items"] if isinstance(step, int) else node.get("properties", {}).get(step, node)
        node = node.get("anyOf", [node])[0]  # of an optional field, the form that is not null
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
        if isinstance(step, str) and "additionalProperties" in node and "properties" not in node:
            node = node["additionalProperties"]
    return list(node["properties"])
