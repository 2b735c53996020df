"""The reference models of cases: timm models, made slim, filled with telling weights, saved."""
