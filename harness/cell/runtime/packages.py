"""The installed packages, as a run's header has them."""

import importlib.metadata
import platform


def installed() -> dict[str, str]:
    """The version of each distribution by name, and of Python."""
    return {dist.name: dist.version for dist in importlib.metadata.distributions()} | {
        "python": platform.python_version()
    }
