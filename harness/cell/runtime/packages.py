"""What is installed here. `python -m harness.cell.runtime.packages` prints it as a JSON object, a version by name."""

import importlib.metadata
import json
import platform
import sys


def installed() -> dict[str, str]:
    """The version of each distribution, and of Python."""
    return {dist.name: dist.version for dist in importlib.metadata.distributions()} | {
        "python": platform.python_version()
    }


if __name__ == "__main__":
    json.dump(installed(), sys.stdout)
