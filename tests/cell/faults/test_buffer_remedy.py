"""The remedy for buffers that nothing fills, with a timm that cannot fill them itself.

That is one before 1.0.23; here it is a later one, whose method is taken away.
"""

import copy
from typing import Any

import pytest
import timm
import torch
from torch import nn

from harness.remedies import models


@pytest.mark.parametrize("options", [{}, {"features_only": True, "out_indices": (1, 2)}], ids=["model", "extractor"])
def test_it_copies_them_from_a_new_module_of_the_same_kind(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = timm.create_model("gcvit_xxtiny", **options)
    for module in made.modules():
        if hasattr(type(module), "init_non_persistent_buffers"):
            monkeypatch.delattr(type(module), "init_non_persistent_buffers")
    model = nn.Sequential(made)
    right = copy.deepcopy(dict(model.named_buffers()))
    with torch.no_grad():
        for buffer in made.buffers():
            buffer.zero_()
    models.fill_non_persistent_buffers(model, {}, None)
    unsaved = right.keys() - model.state_dict().keys()
    assert unsaved
    assert all(torch.equal(model.get_buffer(name), right[name]) for name in unsaved)
