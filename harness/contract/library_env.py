"""The environment variables of every process that runs cases. Standard library only: both sides set them."""

from collections.abc import Mapping
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

PASSED_ON: Final = frozenset(
    {
        # where programs, libraries and files are
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR"),
        # language, time zone and terminal
        *("LANG", "LANGUAGE", "TZ", "TERM", "COLUMNS", "LINES", "NO_COLOR"),
        # which devices there are, and how many threads; both are heeded
        *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_HOME", "CUDA_PATH"),
        *("NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "OMP_NUM_THREADS", "MKL_NUM_THREADS"),
    }
)
"""The user's environment variables that reach a case. Any other could change what the libraries do or say."""
LOCALE: Final = "LC_"
OWN: Final = "LAYERSCALE_MATRIX_"
"""Prefixes of further variables that do."""
PASSED_ON_ONLINE: Final = frozenset(
    {
        *("HF_HOME", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_ENDPOINT", "XDG_CACHE_HOME"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    }
)
"""Those that reach a run on checkpoints of the hub besides, in capitals; proxies are often written in small letters."""


def of_case(user: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a process that runs cases: what is passed on of the user's, then what we chose."""
    online = chosen.get("HF_HUB_OFFLINE") == ONLINE["HF_HUB_OFFLINE"]
    passed_on = {
        name: value
        for name, value in user.items()
        if name in PASSED_ON or name.startswith((LOCALE, OWN)) or (online and name.upper() in PASSED_ON_ONLINE)
    }
    return {**passed_on, **chosen}
