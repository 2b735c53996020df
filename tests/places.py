"""Where the checkout is that is tested, and the pair that its matrix.yaml calls current.

Standard library only: tests in a pair's environment read it too.
"""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
SCHEMAS: Final = ROOT / "harness" / "schemas"

_NAMED = re.search(r"^current: (transformers(\S+?)-timm(\S+))$", (ROOT / "matrix.yaml").read_text(), re.MULTILINE)
assert _NAMED, "matrix.yaml names no current pair"
CURRENT, TRANSFORMERS, TIMM = _NAMED.groups()
