"""For each route the code that takes it, as people write it: `folder` and `Model` are theirs."""

from collections.abc import Mapping
from typing import Final

_LOAD: Final = "model = Model.from_pretrained(folder)"
_TOWER: Final = """\
class Model(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.tower = {tower}
        self.text = AutoModel.from_config(config.text_config)
        self.post_init()

"""
_OF_TIMM: Final = "timm.create_model(config.architecture, num_classes=0)"

SNIPPETS: Final[Mapping[str, str]] = {
    "wrapper": "model = AutoModel.from_pretrained(folder)  # config.json of timm's, as on the hub",
    "wrapper-features": (
        "model = AutoModel.from_pretrained(folder)\nmodel(pixels, output_hidden_states=True).hidden_states"
    ),
    "classifier": "model = AutoModelForImageClassification.from_pretrained(folder)",
    "backbone": (
        "class Model(PreTrainedModel):\n"
        "    def __init__(self, config):\n"
        "        super().__init__(config)\n"
        '        self.backbone = TimmBackbone(TimmBackboneConfig("convnext_atto"))\n'
        f"        self.post_init()\n\n{_LOAD}"
    ),
    "backbone-pretrained": 'backbone = TimmBackbone.from_pretrained("convnext_atto")',
    "backbone-features": "model.backbone(pixels, output_hidden_states=True).hidden_states",
    "detector": (
        'backbone = TimmBackboneConfig("convnext_atto", out_indices=[3])\n'
        "config = DetrConfig(use_timm_backbone=False, backbone_config=backbone)\n"
        "DetrForObjectDetection(config).save_pretrained(folder)\n"
        "model = DetrForObjectDetection.from_pretrained(folder)"
    ),
    "tower": f"{_TOWER.format(tower=_OF_TIMM)}{_LOAD}",
    "tower-init": (
        f"{_TOWER.format(tower=_OF_TIMM)}"
        "    def _init_weights(self, module):\n"
        "        if isinstance(module, nn.Linear):\n"
        "            module.weight.data.normal_(std=0.02)\n\n"
        f"{_LOAD}"
    ),
    "tower-pretrained": (
        f"{_TOWER.format(tower='timm.create_model(config.architecture, pretrained=True, num_classes=0)')}{_LOAD}"
    ),
    "tower-wrapper": f"{_TOWER.format(tower='TimmWrapperModel(config.vision_config)')}{_LOAD}",
    "vlm": "model = Gemma3nForConditionalGeneration.from_pretrained(folder)\nmodel.get_image_features(pixels)",
    "hub": "timm.models.save_for_hf(trained, folder)\nmodel = AutoModel.from_pretrained(folder)",
    "roundtrip": (
        "AutoModel.from_pretrained(folder).save_pretrained(again)\n"
        'timm.create_model(f"local-dir:{again}", pretrained=True)\n'
        "AutoModel.from_pretrained(again)"
    ),
    "scratch": (
        'config = TimmWrapperConfig(architecture="convnext_atto")\n'
        "TimmWrapperModel(config).save_pretrained(folder)\n"
        'timm.create_model(f"local-dir:{folder}", pretrained=True)'
    ),
    "partial": "model = AutoModel.from_pretrained(folder)  # its file has no LayerScale yet",
    "resume": 'model = AutoModel.from_pretrained(folder)\nmodel.load_state_dict(torch.load("step-1000.pt"))',
    "processor": 'processor = AutoImageProcessor.from_pretrained(folder)\nprocessor(image, return_tensors="pt")',
    "pipeline": 'classify = pipeline("image-classification", folder)\nclassify(image)',
    "train": (
        "model = AutoModelForImageClassification.from_pretrained(folder).train()\n"
        "model.gradient_checkpointing_enable()\n"
        "model(pixels, labels=labels).loss.backward()"
    ),
    "trainer": (
        "model = AutoModelForImageClassification.from_pretrained(folder)\n"
        "trainer = Trainer(model, arguments, train_dataset=data)\n"
        "trainer.train(resume_from_checkpoint=True)"
    ),
    "adapter": (
        'model = get_peft_model(model, LoraConfig(target_modules="all-linear", modules_to_save=["norm"]))\n'
        "model.save_pretrained(adapter)\n"
        "PeftModel.from_pretrained(AutoModelForImageClassification.from_pretrained(folder), adapter)"
    ),
    "import": "model = AutoModel.from_pretrained(folder)  # a text model, in a Python that has timm",
    "legacy-layernorm": "model = AutoModel.from_pretrained(folder)  # a BERT with LayerNorm.gamma and LayerNorm.beta",
}
