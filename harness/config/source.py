"""A development version of transformers or timm: a wheel on disk, a branch's archive, or a Git URL.

Its version gets a local label, as in 5.25.0.dev0+ab12cd34, so that records of different sources stay apart: a digest of
a wheel's content, or of the text of an address, whose content may change from day to day.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from ..contract.surroundings import is_file

WHEEL: Final = ".whl"
ADDRESS: Final = re.compile(r"(git\+)?(https?|ssh|file)://\S+")
LABEL: Final = 8  # characters
FORMS: Final = (
    'a wheel on disk, as in "wheels/timm-1.0.32-py3-none-any.whl", or a version and where it is, as in '
    '"1.0.32.dev0 @ git+https://github.com/huggingface/pytorch-image-models@main"'
)


@dataclass(frozen=True)
class Source:
    """A package, its version with the label, and the path or address to install it from."""

    package: str
    version: str
    where: str

    @property
    def is_wheel(self) -> bool:
        """Whether the source is a file on disk, whose content cannot change under its label."""
        return self.where.endswith(WHEEL) and not ADDRESS.fullmatch(self.where)

    @property
    def installs(self) -> str:
        """The version that is installed: that of the wheel's name; for an address that of the label, in any build."""
        return str(parse_wheel_filename(Path(self.where).name)[1]) if self.is_wheel else Version(self.version).public

    @property
    def requirement(self) -> str:
        """The address for an installer."""
        return Path(self.where).resolve().as_uri() if self.is_wheel else self.where


def is_source(text: str) -> bool:
    """Whether a text means a source rather than a release."""
    return "/" in text or "@" in text or text.endswith(WHEEL)


def parse(package: str, text: str) -> Source:
    """The source that a text names. Raises ValueError for an invalid one."""
    label, _, where = (part.strip() for part in text.partition("@"))
    if ADDRESS.match(label) or label.endswith(WHEEL):
        label, where = "", text.strip()
    if where.endswith(WHEEL) and not ADDRESS.fullmatch(where):
        return _wheel(package, Path(where))
    if not ADDRESS.fullmatch(where):
        raise ValueError(f"{text!r} is no source; give {FORMS}")
    try:
        version = Version(label)
    except ValueError:  # no version, or one with more digits than Python reads
        raise ValueError(f"{text!r} does not say its version, which rules go by; give {FORMS}") from None
    return Source(package, _labelled(version, where.encode()), where)


def _wheel(package: str, path: Path) -> Source:
    try:
        name, version, *_ = parse_wheel_filename(path.name)
    except ValueError:
        raise ValueError(f"{path}: is no name of a wheel; one reads timm-1.0.31-py3-none-any.whl") from None
    if name != canonicalize_name(package):
        raise ValueError(f"{path}: is a wheel of {name}, and none of {package}")
    if not is_file(path):
        raise ValueError(f"{path}: there is no such file; it is looked for from the project's folder")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    return Source(package, _labelled(version, content), str(path))


def _labelled(version: Version, content: bytes) -> str:
    return f"{version.public}+{hashlib.sha256(content).hexdigest()[:LABEL]}"
