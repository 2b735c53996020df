"""Questions about a model of somebody's own, asked without nox."""
