"""The reference side of a case: timm models, made slim, filled with telling weights, saved."""
