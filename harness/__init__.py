"""Which pairs of transformers and timm give back the model that was saved?"""
