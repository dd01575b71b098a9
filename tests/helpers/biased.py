"""Helpers of the tests."""

import yaml

from nanochart.config import load_bias_config


def settings(folder, **changes):
    """A configuration file; a value of None takes a field away."""
    values = {"run": "cu38.zarr", "temperature": 400, "variables": ["s1", "s2"],
              "opes": {"barrier": 0.3}, "walkers": 2, "time": 0.06, "pace": 0.5,
              **changes}  # fmt: skip
    path = folder / "bias.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in values.items() if v is not None}))
    return load_bias_config(path)
