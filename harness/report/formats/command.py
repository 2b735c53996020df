"""The JSON object of a command that tests no library; its format is harness/schemas/command.json.

That of one that does is made in harness/doctor, which may import nothing of this; the schema holds both to one version.
"""

import json
from typing import Any, Final

SCHEMA: Final = 1
"""Rises when a field goes or means something else."""


def done(command: str, **fields: Any) -> str:
    """The object of a command that did what it was asked to do, with a line feed."""
    content = {"schema": SCHEMA, "command": command, "exit_code": 0, "problem": None, **fields}
    return f"{json.dumps(content, ensure_ascii=False, indent=1)}\n"
