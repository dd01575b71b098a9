"""Models of any size with random weights."""

import numpy as np

import nanochart as nc
from nanochart.autoencoder import Model, TrainingConfig, build_network, initialize_weights
from nanochart.descriptors import RDF


def untrained(architecture="compact", n_bins=340, bottleneck=3, n_atoms=147, seed=0, r_max=19.0,
              lengths=None):  # fmt: skip
    """A model of random weights; of ``paper`` the norms have statistics, too."""
    rng = np.random.default_rng(seed)
    network = build_network(architecture, n_bins, bottleneck)
    initialize_weights(network, rng)
    for name, tensor in network.state_dict().items():  # which share memory with the network
        if name.endswith("running_mean"):
            tensor.add_(0.05 * rng.normal())
        elif name.endswith("running_var"):
            tensor.mul_(float(rng.uniform(0.5, 2.0)))
        elif name.endswith("norms.0.weight"):
            tensor.sub_(0.2)
        elif name == "input_scale":
            tensor.mul_(0.05)
    config = TrainingConfig(architecture=architecture, bottleneck=bottleneck)
    return Model(network, config, RDF(1.8, r_max, n_bins, 0.2), "Au", n_atoms,
                 lengths=lengths or {})  # fmt: skip


def configurations(n_atoms=38, seed=0):
    """Thermal, hot, strained and liquid gold, (4, atom, 3) in Å."""
    rng = np.random.default_rng(seed)
    x = nc.clusters.build("decahedron", "Au", n_atoms).positions
    liquid = nc.clusters.build("random", "Au", n_atoms, seed=seed).positions
    return np.stack(
        [x + rng.normal(0, 0.1, x.shape), x + rng.normal(0, 0.15, x.shape), x * [1.08, 1.0, 0.93],
         liquid + rng.normal(0, 0.1, x.shape)]
    )  # fmt: skip
