"""The classes of transformers that implement an architecture of timm's themselves.

They are a second oracle for timm: with the same weights, under other names, both compute the same. The names are those
of the checkpoints that transformers' own conversion scripts write, which every release loads.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import transformers
from safetensors.torch import save_file
from torch import Tensor, nn

from ..models import weights
from ..models.native import Outputs
from ..models.reference import ReferenceModel
from ..models.slim import create_cut

Names = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]

_QKV: Final = re.compile(r"\.qkv\.(weight|bias)$")
_PARTS: Final = {"q": "query", "k": "key", "v": "value"}
_IGNORED: Final = ("relative_position_index", "mask_token")
"""The ends of names that timm's checkpoints lack: the constructor makes them, or only training reads them."""
_HEAD: Final[Names] = (
    (r"^cls_token", "embeddings.cls_token"),
    (r"^pos_embed", "embeddings.position_embeddings"),
    (r"^patch_embed\.proj\.", "embeddings.patch_embeddings.projection."),
    (r"^patch_embed\.norm\.", "embeddings.norm."),
    (r"^fc_norm\.", "pooler.layernorm."),
    (r"^norm\.", "layernorm."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
)
_TOKENS: Final[Names] = (*_HEAD, (r"^blocks\.", "encoder.layer."))
_BLOCKS: Final[Names] = (
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)
_ATTENTION: Final[Names] = ((r"\.attn\.", ".attention.attention."),)
_VIT: Final[Names] = (*_TOKENS, *_BLOCKS, *_ATTENTION)
_BEIT: Final[Names] = (
    (r"\.gamma_", ".lambda_"),
    (r"\.attn\.([qkv])_bias", r".attn.\1.bias"),
    (r"\.attn\.relative_position_bias", ".attn.relative_position_bias.relative_position_bias"),
)
_DINOV2: Final[Names] = ((r"\.ls([12])\.gamma", r".layer_scale\1.lambda1"),)
_SWIN: Final[Names] = (
    (r"^layers\.(\d+)\.downsample\.", lambda found: f"encoder.layers.{int(found[1]) - 1}.downsample."),
    (r"^layers\.", "encoder.layers."),
    (r"\.attn\.", ".attention.self."),
)
_CONVNEXT: Final[Names] = (
    (r"^stem\.0\.", "embeddings.patch_embeddings."),
    (r"^stem\.1\.", "embeddings.layernorm."),
    (r"^head\.norm\.", "layernorm."),
    (r"^stages\.(\d+)\.downsample\.", r"encoder.stages.\1.downsampling_layer."),
    (r"^stages\.(\d+)\.blocks\.", r"encoder.stages.\1.layers."),
    (r"\.gamma$", ".layer_scale_parameter"),
    (r"\.conv_dw\.", ".dwconv."),
    (r"\.norm\.", ".layernorm."),
    (r"\.mlp\.fc([12])\.", r".pwconv\1."),
)


@dataclass(frozen=True)
class Implementation:
    """A class of transformers, and the names of timm's models that it implements, as a regular expression.

    `configured` gives the fields of its configuration for a timm module; `names` are patterns of timm's names and what
    replaces them, in turn. Without `any_size` pictures have the size that timm publishes the model for.
    """

    name: str
    models: str
    configured: Callable[[Any], Mapping[str, Any]]
    names: Names
    pools: bool = True
    any_size: bool = True

    def native(self, reference: ReferenceModel) -> tuple[Any, Tensor]:
        """The timm model as it is cut, and its pixels."""
        if self.any_size:
            return reference.headless.module, reference.image
        entry = reference.entry
        args = {**entry.cut(reference.size).args, "img_size": entry.input_size[1:]}
        with weights.uninitialised():
            module = create_cut(entry.model, args, pretrained=False, num_classes=0)
        weights.fill(module)
        return module.eval(), weights.image(entry.input_size)

    def native_outputs(self, module: Any, pixels: Tensor) -> Outputs:
        """What timm computes; without `any_size` with tokens in a row, as transformers has them."""
        last = module.forward_features(pixels)
        pooled = {"pooler_output": module.forward_head(last, pre_logits=True)} if self.pools else {}
        return {"last_hidden_state": last if self.any_size else last.flatten(1, 2), **pooled}

    def load(self, module: Any, pixels: Tensor, folder: Path) -> Any:
        """Transformers' class with the weights of a timm module, which are written to `folder`.

        Raises ValueError if the weights are not exactly those that it has.
        """
        config = getattr(transformers, f"{self.name}Config")(
            image_size=pixels.shape[-1], hidden_act="gelu", **self.configured(module)
        )
        config.save_pretrained(folder)
        save_file(dict(self._renamed(module)), folder / "model.safetensors", metadata={"format": "pt"})
        kind, pooling = getattr(transformers, f"{self.name}Model"), {} if self.pools else {"add_pooling_layer": False}
        model, report = kind.from_pretrained(folder, output_loading_info=True, **pooling)
        missing = [name for name in report["missing_keys"] if not name.endswith(_IGNORED)]
        if missing or report["unexpected_keys"] or report["mismatched_keys"]:
            raise ValueError(f"transformers' {kind.__name__} has other weights than timm's model: {report}")
        return model.eval()

    def outputs(self, model: Any, pixels: Tensor) -> Outputs:
        """What transformers' class computes. Raises ValueError if it is not finite."""
        output = model(pixels)
        outputs = {
            name: output[name] for name in ("last_hidden_state", "pooler_output") if output.get(name) is not None
        }
        if not all(bool(tensor.isfinite().all()) for tensor in outputs.values()):
            raise ValueError(f"what transformers' {type(model).__name__} computes with timm's weights is not finite")
        return outputs

    def _renamed(self, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
        """Timm's tensors by transformers' names; what timm keeps in one tensor for query, key and value in three."""
        for name, tensor in module.state_dict().items():
            if found := _QKV.search(name):
                for letter, part in zip("qkv", tensor.chunk(3), strict=True):
                    yield self._rename(f"{name[: found.start()]}.{letter}.{found[1]}"), part.contiguous()
            elif not name.endswith(_IGNORED):
                # A convolution of one pixel is a linear layer.
                flat = tensor.flatten(1) if re.search(r"\.mlp\.fc\d\.weight$", name) else tensor
                yield self._rename(name), flat.contiguous()

    def _rename(self, name: str) -> str:
        for pattern, replacement in self.names:
            name = re.sub(pattern, replacement, name)
        return re.sub(r"\.([qkv])\.(weight|bias)$", lambda found: f".{_PARTS[found[1]]}.{found[2]}", name)


def of(model: str) -> Implementation | None:
    """The class of transformers that implements a timm model too; None if there is none."""
    return next((known for known in IMPLEMENTATIONS if re.fullmatch(known.models, model)), None)


def _transformer(module: Any) -> Mapping[str, Any]:
    """The configuration of a timm model made of blocks with attention, all of one width."""
    block = module.blocks[0]
    return {
        "hidden_size": module.embed_dim,
        "num_hidden_layers": len(module.blocks),
        "num_attention_heads": block.attn.num_heads,
        "intermediate_size": block.mlp.fc1.out_features,
        "mlp_ratio": block.mlp.fc1.out_features // module.embed_dim,
        "patch_size": module.patch_embed.patch_size[0],
        "layer_norm_eps": block.norm1.eps,
    }


def _beit(module: Any) -> Mapping[str, Any]:
    scales = {"use_relative_position_bias": True, "layer_scale_init_value": 0.1}
    return {**_transformer(module), **scales, "use_mean_pooling": isinstance(module.norm, nn.Identity)}


def _convnext(module: Any) -> Mapping[str, Any]:
    return {
        "num_stages": len(module.stages),
        "depths": [len(stage.blocks) for stage in module.stages],
        "hidden_sizes": [stage.blocks[0].conv_dw.out_channels for stage in module.stages],
        "patch_size": module.stem[0].kernel_size[0],
        "layer_norm_eps": module.head.norm.eps,
    }


def _swin(module: Any) -> Mapping[str, Any]:
    first = module.layers[0].blocks[0]
    return {
        "embed_dim": module.embed_dim,
        "depths": [len(layer.blocks) for layer in module.layers],
        "num_heads": [layer.blocks[0].attn.num_heads for layer in module.layers],
        "window_size": first.attn.window_size[0],
        "patch_size": module.patch_embed.patch_size[0],
        "mlp_ratio": first.mlp.fc1.out_features / first.mlp.fc1.in_features,
        "layer_norm_eps": first.norm1.eps,
    }


_SIZES: Final = "(tiny|small|base|large)"
IMPLEMENTATIONS: Final[Sequence[Implementation]] = (
    Implementation("ViT", rf"vit_{_SIZES}_patch\d+_(224|384)", _transformer, _VIT, pools=False),
    Implementation("Dinov2", rf"vit_{_SIZES}_patch14_dinov2", _transformer, (*_TOKENS, *_DINOV2, *_ATTENTION)),
    Implementation("Beit", r"beit(v2)?_.*", _beit, (*_BEIT, *_VIT)),
    Implementation("Swin", rf"swin_{_SIZES}_.*", _swin, (*_HEAD, *_BLOCKS, *_SWIN), any_size=False),
    Implementation("ConvNext", r"convnext_(atto|femto|pico|nano|tiny|small|base|large|xlarge)", _convnext, _CONVNEXT),
)
