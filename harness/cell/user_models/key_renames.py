"""What transformers has made of names when it loads a checkpoint, release by release."""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Rewriting:
    """What some releases do to a name: `pattern` becomes `into`, and `safe` is what to call it instead."""

    releases: str
    pattern: re.Pattern[str]
    into: str
    safe: str


KNOWN: Final = (
    # modeling_utils._fix_state_dict_key_on_load, and _load_state_dict_into_model before it: anywhere in a name.
    Rewriting("<4.49", re.compile("gamma"), "weight", "scale"),
    Rewriting("<4.49", re.compile("beta"), "bias", "shift"),
    Rewriting(">=4.45,<4.49", re.compile("weight_g"), "parametrizations.weight.original0", "gain"),
    Rewriting(">=4.45,<4.49", re.compile("weight_v"), "parametrizations.weight.original1", "direction"),
    # 4.49: at the end of a name alone. 5.3: a name that the model itself has is left alone (core_model_loading.py).
    Rewriting(">=4.49,<5.3", re.compile(r"LayerNorm\.gamma$"), "LayerNorm.weight", "weight"),
    Rewriting(">=4.49,<5.3", re.compile(r"LayerNorm\.beta$"), "LayerNorm.bias", "bias"),
    Rewriting(">=4.49,<5", re.compile("weight_g$"), "parametrizations.weight.original0", "gain"),
    Rewriting(">=4.49,<5", re.compile("weight_v$"), "parametrizations.weight.original1", "direction"),
    Rewriting(">=5,<5.3", re.compile("(?<=.)weight_g$"), "parametrizations.weight.original0", "gain"),
    Rewriting(">=5,<5.3", re.compile("(?<=.)weight_v$"), "parametrizations.weight.original1", "direction"),
)
"""Read in the sources of 4.44.2 to 5.23.0, and seen by saving and loading such models in seven of them."""
