"""Configurations of runs that take seconds."""

import nanochart as nc


def small_config(**changes):
    """A cluster of 38 gold atoms on three rungs: seconds, not hours."""
    values = {
        "system": {"metal": "Au", "n_atoms": 38},
        "starts": ["octahedron", "decahedron"],
        "dynamics": {"time_step": 5.0, "friction": 1e-3},
        "tempering": {"t_min": 300.0, "t_max": 600.0, "n": 3, "swap_interval": 0.5,
                      "discard": 0.001, "time_per_replica": 0.05, "mapped_below": "off"},
        "training": {"epochs": 4, "bottleneck": 2},
        "seed": 3,
    }  # fmt: skip
    config = nc.config.load_config(values)
    return config.replaced(**changes) if changes else config
