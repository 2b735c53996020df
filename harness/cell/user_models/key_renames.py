"""The renames that releases of transformers apply to a checkpoint's keys on loading, and what else it does to names."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class KeyRename:
    """In these releases `pattern` becomes `into`; a part named `safe` instead is not renamed."""

    releases: str
    pattern: re.Pattern[str]
    into: str
    safe: str


KNOWN: Final = (
    # modeling_utils._fix_state_dict_key_on_load, and _load_state_dict_into_model before it: anywhere in a name.
    KeyRename("<4.49", re.compile("gamma"), "weight", "scale"),
    KeyRename("<4.49", re.compile("beta"), "bias", "shift"),
    KeyRename(">=4.45,<4.49", re.compile("weight_g"), "parametrizations.weight.original0", "gain"),
    KeyRename(">=4.45,<4.49", re.compile("weight_v"), "parametrizations.weight.original1", "direction"),
    # Since 4.49 only at the end of a name; since 5.3 not if the model itself has the name (core_model_loading.py).
    KeyRename(">=4.49,<5.3", re.compile(r"LayerNorm\.gamma$"), "LayerNorm.weight", "weight"),
    KeyRename(">=4.49,<5.3", re.compile(r"LayerNorm\.beta$"), "LayerNorm.bias", "bias"),
    KeyRename(">=4.49,<5", re.compile("weight_g$"), "parametrizations.weight.original0", "gain"),
    KeyRename(">=4.49,<5", re.compile("weight_v$"), "parametrizations.weight.original1", "direction"),
    KeyRename(">=5,<5.3", re.compile("(?<=.)weight_g$"), "parametrizations.weight.original0", "gain"),
    KeyRename(">=5,<5.3", re.compile("(?<=.)weight_v$"), "parametrizations.weight.original1", "direction"),
)
"""From the sources of 4.44.2 to 5.23.0, confirmed by saving and loading such models in seven of them."""
SWAPPED: Final = ">=5.0"
"""These mix up two names that differ in the base model's prefix alone."""
KEEP: Final = "set {it} in your model's _init_weights, or make {it} persistent"
"""What keeps a buffer that no checkpoint has, and that is not timm's."""
