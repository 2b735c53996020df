"""What is wrong with a document, in words: the place, the text as written, the remedy."""

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .names import unknown
from .pair import PACKAGES
from .yaml_document import Document, Location


def describe(document: Document, error: ValidationError, model: type[BaseModel]) -> list[str]:
    """A line for each error of validating a document by a model."""
    # pydantic counts the sound items only, and so calls a list too short whose one item is wrong.
    details = [detail for detail in error.errors() if detail["type"] != "too_short" or not detail["input"]]
    return [_line(document, detail, model) for detail in details]


def _line(document: Document, detail: ErrorDetails, model: type[BaseModel]) -> str:
    place = _place(detail)
    message = _message(document, detail, model)
    return ": ".join([str(document.path), *([_spelled(place)] if place else []), message])


def _place(detail: ErrorDetails) -> Location:
    """Where a reader looks: for a key that is wrong or missing, the mapping."""
    place, kind = detail["loc"], detail["type"]
    if place and place[-1] == "[key]":
        return place[:-2]
    return place[:-1] if kind in ("missing", "extra_forbidden") else place


def _spelled(place: Location) -> str:
    """`pairs[3].timm`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def _message(document: Document, detail: ErrorDetails, model: type[BaseModel]) -> str:
    place = detail["loc"]
    match detail["type"]:
        case "problem":
            message = detail["msg"]
        case "missing":
            message = f"{str(place[-1])!r} is missing"
        case "extra_forbidden":
            message = unknown("key", str(place[-1]), _keys(model, place[:-1]))
        case "too_short" | "string_too_short":
            message = "is empty; give at least one" if detail["type"] == "too_short" else "is empty; write some text"
        case "model_type" | "dict_type" | "mapping_type":
            message = f"{_written(document, detail)}; a mapping is wanted"
        case "tuple_type":
            message = f"{_written(document, detail)}; a list is wanted"
        case "string_type":
            message = _no_text(document, detail)
        case _:
            message = f"{document.texts.get(place, 'this')}: {detail['msg'][0].lower()}{detail['msg'][1:]}"
    return message


def _no_text(document: Document, detail: ErrorDetails) -> str:
    place = detail["loc"]
    if place not in document.texts or detail["input"] is None:
        return f"{_written(document, detail)}; text is wanted"
    text = document.texts[place]
    return f'{_written(document, detail)}; quote {"versions" if place[-1] in PACKAGES else "it"}: "{text}"'


def _written(document: Document, detail: ErrorDetails) -> str:
    """What stands at the place: `1.10 is a number`."""
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


def _keys(model: type[BaseModel], place: Location) -> list[str]:
    """The keys that a mapping at a place may have."""
    schema = model.model_json_schema()
    node = schema
    for step in place:
        node = node["items"] if isinstance(step, int) else node.get("properties", {}).get(step, node)
        node = node.get("anyOf", [node])[0]  # what may be null has its other form first
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
        if isinstance(step, str) and "additionalProperties" in node and "properties" not in node:
            node = node["additionalProperties"]
    return list(node["properties"])
