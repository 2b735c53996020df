"""Faults that leave the process otherwise than it was."""

import logging
import os
import random
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import timm.layers
import torch
import transformers

from tests.cell.faults.kinds.replaced import VIT, leaving, replacing
from tests.cell.faults.outside import Fault, Reached


def fault(do: Callable[[], Any], reason: str, **more: Any) -> Fault:
    return Fault(leaving(do), "wrapper", "leaked", f"left changed in phase load: {reason}", VIT, scenario="", **more)


def in_forward(do: Callable[[], Any]) -> Any:
    def forward(original: Any, reached: Reached, *args: Any, **kwargs: Any) -> Any:
        reached.times += 1
        do()
        return original(*args, **kwargs)

    return replacing(transformers.TimmWrapperModel, "forward", forward)


FAULTS: Mapping[str, Fault] = {
    "loading seeds torch": fault(lambda: torch.manual_seed(0), "torch's generator was seeded"),
    "loading seeds torch anew": fault(torch.seed, "torch's generator was seeded"),
    "loading seeds numpy": fault(lambda: np.random.seed(0), "numpy's generator was seeded"),
    "loading seeds Python": fault(lambda: random.seed(0), "Python's generator was seeded"),
    "loading seeds all": fault(lambda: transformers.set_seed(1), "torch's generator was seeded"),
    "loading silences warnings": fault(
        lambda: warnings.simplefilter("ignore"), "Python's warnings filters have changed: ignore Warning"
    ),
    "loading silences one kind of warning": fault(
        lambda: warnings.filterwarnings("ignore", category=FutureWarning), "Python's warnings filters"
    ),
    "loading forgets the filters of warnings": fault(warnings.resetwarnings, "Python's warnings filters"),
    "a lower precision of products": fault(
        lambda: torch.set_float32_matmul_precision("high"), "float32 matmul precision was highest and is high"
    ),
    "products through TF32 by torch's other interface": fault(
        lambda: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"), "float32 matmul precision was highest"
    ),
    "another number of threads": fault(lambda: torch.set_num_threads(2), "number of threads was 1 and is 2"),
    "autocast left on": Fault(
        leaving(lambda: torch.set_autocast_enabled("cpu", True)),  # noqa: FBT003  torch's own
        *("wrapper", "outputs", "left changed in phase load: autocast was (False", VIT),
        scenario="",
    ),
    "anomalies searched for": fault(lambda: torch.autograd.set_detect_anomaly(True), "detection of anomalies"),
    "cuDNN searches for the fastest": fault(lambda: setattr(torch.backends.cudnn, "benchmark", True), "cuDNN's flags"),
    "timm's fused attention left off": fault(
        lambda: timm.layers.set_fused_attn(enable=False), "timm's fused attention"
    ),
    "an environment variable set": fault(
        lambda: os.environ.update(TOKENIZERS_PARALLELISM="true"), "environment variables"
    ),
    "another folder": fault(lambda: os.chdir("/"), "working folder"),
    "transformers made silent": fault(transformers.logging.set_verbosity_error, "transformers' verbosity"),
    "logging disabled": fault(lambda: logging.disable(logging.WARNING), "logging's threshold"),
    "a function of torch replaced": fault(
        lambda: setattr(torch, "empty", torch.zeros), "torch.empty is another function"
    ),
    "a call seeds torch": Fault(
        in_forward(lambda: torch.manual_seed(3)),
        *("wrapper", "leaked", "left changed in phase run: torch's generator was seeded", VIT),
        scenario="",
    ),
}
