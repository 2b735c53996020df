"""What comes from elsewhere is parsed in few places, each with its bounds; a new one has to be thought about here."""

import re
from collections.abc import Collection

import pytest

from tests.places import ROOT

PARSES_JSON = {
    # what we wrote ourselves, in a folder of ours
    *("cell/runtime/heartbeat.py", "cell/runtime/memory_budget.py", "contract/plan.py", "contract/tempdirs.py"),
    *("environments/pair_folder.py", "commands/bench/bench.py", "cell/routes/import_.py", "doctor/messages.py"),
    "contract/record.py",  # its own lines once more
    # what a library wrote in a case's folder, and what its maker names or has repaired
    *("cell/compare/name_causes.py", "cell/scenarios/written_files.py", "cell/user_models/resolution.py"),
    "remedies/folders.py",
    # what comes from elsewhere: the doors
    *("contract/fields/line.py", "contract/fingerprints.py", "contract/checkpoint.py"),
}
READS_TENSORS = {
    *("cell/scenarios/written_files.py", "cell/compare/name_causes.py", "cell/models/mapped_tensors.py"),
    *("cell/routes/import_.py", "cell/routes/resume.py", "remedies/folders.py", "remedies/models.py"),
    "cell/user_models/tensor_files.py",  # the door
    "site/snippets.py",  # shown, not run
}


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        (r"json\.loads?\(", PARSES_JSON),
        (r"\bYAML\(", {"config/yaml_document.py", "commands/releases.py"}),  # which writes what the first has read
        (r"torch\.load\(|safe_open\(|load_file\(", READS_TENSORS),
        (r"zipfile\.", {"cell/user_models/tensor_files.py"}),
        (r"type=int|type=float", {"command_line.py", "doctor/bare_case.py", "cell/runtime/plugin.py"}),
        (r"\bpickle\.|tarfile|trust_remote_code=True|weights_only=False|(?<![.\w])(eval|exec|input)\(", ()),
    ],
    ids=["JSON", "YAML", "tensors", "zip", "numbers", "code"],
)
def test_nothing_goes_past_the_doors(pattern: str, places: Collection[str]) -> None:
    harness = ROOT / "harness"
    found = {
        path.relative_to(harness).as_posix()
        for path in harness.rglob("*.py")
        if re.search(pattern, path.read_text(encoding="utf-8"))
    }
    assert found == set(places)
