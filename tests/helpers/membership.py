"""A charted source, and a biased run whose states are known: frames that no training has seen."""

import json

import numpy as np

import nanochart as nc
from nanochart.autoencoder import TrainingConfig
from nanochart.config import load_bias_config, load_config
from nanochart.workflow import chart_run, families_run, label_run, quench_run, sample, train_run
from nanochart.workflow.bias.resolve import resolve
from nanochart.workflow.bias.run import _create

#: Rung of the ladder at 522 K, where motifs of Cu38 overlap in the chart.
RUNG = 4


def ladder(folder, name, seed, time=0.6):
    """Cu38 from 300 to 600 K, quenched and labelled."""
    config = load_config(
        {
            "system": {"metal": "Cu", "n_atoms": 38},
            "starts": ["octahedron", "icosahedron", "decahedron"],
            "tempering": {"t_min": 300, "t_max": 600, "n": 6, "swap_interval": 1,
                          "time_per_replica": time, "discard": 0.05, "mapped_below": "off"},
            "dynamics": {"time_step": 5.0, "friction": 1e-3},
            "seed": seed,
        }
    )  # fmt: skip
    run = sample(config, folder / f"{name}.zarr")
    quench_run(run)
    label_run(run)
    return run


def make_trained(folder):
    """``cu38.zarr``, charted and grouped, and ``other.zarr``, replicas no training has seen."""
    run = ladder(folder, "cu38", 0)
    training = TrainingConfig(target="inherent", bottleneck=2, epochs=3, batch_size=64)
    model = train_run(run, folder / "cu38.nanochart", training)
    chart_run(run, model)
    families_run(run, model=model, measures=False)
    other = ladder(folder, "other", 1)
    chart_run(other, model)


def settings(folder, **changes):
    values = {"run": "cu38.zarr", "temperature": 522, "variables": ["s1"], "walkers": 1,
              "time": 0.06, "pace": 0.5, **changes}  # fmt: skip
    path = folder / "bias.yaml"
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))
    return load_bias_config(path)


def left_out(folder):
    """Which replica of the run that no training has seen is on the rung, by frame."""
    return nc.store.open(folder / "other.zarr").to_xarray()["rung"].to_numpy() == RUNG


def disguised(trained, folder):
    """The frames of that rung as a biased run without a bias, its variable s1."""
    data = nc.store.open(trained / "other.zarr").to_xarray()
    there = left_out(trained)
    config = settings(folder, time=0.5e-3 * len(there))
    run = _create(config, folder / "plain.zarr", resolve(config))
    columns = {name: data[name].to_numpy()[there][:, None] for name in ("positions", "energy")}
    columns |= {
        "cv": data["chart"].to_numpy()[there][:, None, :1],
        "temperature": np.full((len(there), 1), 522.0),
        "step": data["step"].to_numpy(),
        **{name: np.zeros((len(there), 1))
           for name in ("kinetic_energy", "bias_energy", "work", "log_weight")},
        "restraint": np.zeros((len(there), 1, 1)),
    }  # fmt: skip
    for block in run.pending():
        run.write_frames(block.start, {name: values[block] for name, values in columns.items()})
    run.finalize()
    return run
