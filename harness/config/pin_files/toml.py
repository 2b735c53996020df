"""What a lock in TOML has installed, or what a project asks for."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from packaging.utils import canonicalize_name

from .asked import Asked, of_requirements
from .reading import PACKAGES

SOURCES: Final = ("git", "url", "path", "directory", "editable", "virtual", "vcs", "archive", "file")
"""Where a package comes from if not from an index, in the words of uv, poetry, pdm and pylock.toml."""


def asked(content: Mapping[str, Any]) -> Iterator[Asked]:
    """What the file says of the two packages. Raises KeyError, TypeError or AttributeError for another layout."""
    yield from _locked(content)
    project = content.get("project", {})
    groups = (*project.get("optional-dependencies", {}).values(), *content.get("dependency-groups", {}).values())
    for requirements in (project.get("dependencies", ()), *groups):
        yield from of_requirements(line for line in requirements if isinstance(line, str))
    tool = content.get("tool", {})
    for name, version in _of_poetry(tool.get("poetry", {})):
        if (package := canonicalize_name(name)) in PACKAGES:
            table = version if isinstance(version, dict) else {"version": version}
            yield Asked(package, _text(table.get("version", "")), _address(table))
    for name, source in tool.get("uv", {}).get("sources", {}).items():
        if (package := canonicalize_name(name)) in PACKAGES and (address := _address(source)):
            yield Asked(package, "", address)


def _locked(content: Mapping[str, Any]) -> Iterator[Asked]:
    for package in (*content.get("package", ()), *content.get("packages", ())):
        name = canonicalize_name(package.get("name", ""))
        if name in PACKAGES:
            address = _address(package.get("source", {})) or _address(package)
            version = package.get("version", "") if address else package["version"]
            yield Asked(name, f"=={_text(version)}", address)


def _of_poetry(poetry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from poetry.get("dependencies", {}).items()
    yield from poetry.get("dev-dependencies", {}).items()
    for group in poetry.get("group", {}).values():
        yield from group.get("dependencies", {}).items()


def _address(table: Mapping[str, Any]) -> str:
    """Where a package comes from; empty for an index, which poetry calls legacy."""
    if table.get("type") == "legacy":
        return ""
    for name in SOURCES:
        if name in table:
            value = table[name]
            inner = next((value[key] for key in ("url", "path") if key in value), name) if _is_table(value) else value
            return inner if isinstance(inner, str) else name
    return ""


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _text(version: Any) -> str:
    if not isinstance(version, str):
        raise TypeError(version)
    return version
