"""Templates of reports, with HTML escaping of every value that is not Markup."""

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER: Final = Path(__file__).parent / "templates"


def environment(folder: Path) -> Environment:
    """The templates of a folder, which may include those of reports."""
    return Environment(
        loader=FileSystemLoader([folder, FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


_ENVIRONMENT: Final = environment(FOLDER)


def render(name: str, **values: Any) -> str:
    """The filled template. Raises jinja2.UndefinedError if it uses a name that `values` lacks."""
    return _ENVIRONMENT.get_template(name).render(values)
