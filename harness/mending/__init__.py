"""Mends what a load, or a release that wrote a checkpoint, lost or wrote wrongly; needs torch, timm, transformers."""
