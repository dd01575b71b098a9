"""A small charted run, and configurations of biased runs along its chart."""

import yaml

from nanochart.autoencoder import TrainingConfig
from nanochart.config import load_bias_config, load_config
from nanochart.workflow import chart_run, families_run, label_run, quench_run, sample, train_run


def make_charted(folder):
    """``cu38.zarr`` between 300 and 500 K, charted in two dimensions, with motifs and families."""
    config = load_config(
        {
            "system": {"metal": "Cu", "n_atoms": 38},
            "starts": ["octahedron", "icosahedron"],
            "tempering": {"t_min": 300, "t_max": 500, "n": 4, "swap_interval": 1,
                          "time_per_replica": 0.25, "mapped_below": "off"},
            "dynamics": {"time_step": 5.0, "friction": 1e-3},
        }
    )  # fmt: skip
    run = sample(config, folder / "cu38.zarr")
    quench_run(run)
    label_run(run)
    training = TrainingConfig(target="inherent", bottleneck=2, epochs=2, batch_size=64)
    model = train_run(run, folder / "cu38.nanochart", training)
    chart_run(run, model)
    families_run(run, model=model, measures=False)


def settings(folder, **changes):
    """A configuration file; a value of None takes a field away."""
    values = {"run": "cu38.zarr", "temperature": 400, "variables": ["s1", "s2"],
              "opes": {"barrier": 0.3}, "walkers": 2, "time": 0.06, "pace": 0.5,
              **changes}  # fmt: skip
    path = folder / "bias.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in values.items() if v is not None}))
    return load_bias_config(path)
