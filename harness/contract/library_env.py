"""What the libraries are told through the environment wherever cases run. Standard library only: both sides need it."""

from typing import Final

# No hub, for every checkpoint is made here; and what a user has set for the rest would change what the libraries say.
LIBRARIES: Final = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "warning",
}
# Container images often forbid it; then every process compiles the libraries anew: 12 s before the first case, not 5.
KEPT_BYTECODE: Final = {"PYTHONDONTWRITEBYTECODE": ""}
ONLINE: Final = {"HF_HUB_OFFLINE": "0"}
"""What is said instead where the hub's checkpoints are what is tried."""
