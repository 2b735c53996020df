"""The installed packages. `python -m harness.cell.runtime.packages` prints a JSON object of versions by name."""

import importlib.metadata
import json
import platform
import sys


def installed() -> dict[str, str]:
    """The version of each distribution by name, and of Python."""
    return {dist.name: dist.version for dist in importlib.metadata.distributions()} | {
        "python": platform.python_version()
    }


if __name__ == "__main__":
    json.dump(installed(), sys.stdout)
