"""The environment variables of every process that runs cases. Standard library only: both sides set them."""

from typing import Final

# No hub: every checkpoint is made here. The others would change which warnings appear, were they left to the user.
LIBRARIES: Final = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "warning",
}
# Container images often set it; then each process compiles the libraries again: 12 s before the first case, not 5.
KEPT_BYTECODE: Final = {"PYTHONDONTWRITEBYTECODE": ""}
ONLINE: Final = {"HF_HUB_OFFLINE": "0"}
"""The replacement in runs on checkpoints of the hub."""
