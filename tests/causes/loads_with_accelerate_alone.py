"""transformers 4.51.0 loads no model where accelerate is not installed."""

import sys
import tempfile

from transformers import AutoModel, BertConfig, BertModel

BROKEN = "transformers==4.51.0 timm==1.0.15"
HEALTHY = "transformers==4.49.0 timm==1.0.15"
URL = "https://github.com/huggingface/transformers/issues/37311"
REMEDY = "move"

tiny = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=8)
with tempfile.TemporaryDirectory() as folder:
    BertModel(tiny).save_pretrained(folder)
    try:
        AutoModel.from_pretrained(folder)
    except NameError as error:
        sys.exit(f"broken: {error}")
