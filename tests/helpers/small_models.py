"""Models of a small cluster, trained in a second."""

import numpy as np

from nanochart.autoencoder import TrainingConfig, train
from nanochart.descriptors import RDF

N_ATOMS = 7

RDF_SETTINGS = RDF(r_min=1.0, r_max=11.0, n_bins=40, sigma=0.3)


def clusters(count, seed=0):
    """Two caps that breathe and move apart: shapes with two degrees of freedom, and noise."""
    random = np.random.default_rng(seed)
    base = 2.8 * np.array(
        [[0, 0, 0], [1, 0, 0], [0.5, 0.87, 0], [0.5, 0.29, 0.82], [0.5, 0.29, -0.82],
         [1.3, 0.9, 0.7], [-0.4, -0.6, 0.7]]
    )  # fmt: skip
    stretch = random.gamma(2.0, 0.03, (count, 2))  # skewed on purpose
    quenched = np.repeat(base[None], count, axis=0)
    quenched[..., 2] *= 1.0 + stretch[:, :1]
    quenched[:, 5:] *= 1.0 + 2.0 * stretch[:, 1:, None]
    return quenched + 0.05 * random.standard_normal(quenched.shape), quenched


SPLIT = np.array([0, 0, 0, 1, 2])[np.arange(300) % 5]  # the clusters are independent

CONFIG = TrainingConfig(bottleneck=2, epochs=6, batch_size=32)


def training(config=CONFIG, **options):
    thermal, quenched = clusters(300)
    settings = {"element": "Au", "n_atoms": N_ATOMS, "threads": 1, "provenance": {"seed": 3}}
    return train(
        RDF_SETTINGS(thermal), RDF_SETTINGS(quenched), SPLIT, config, rdf=RDF_SETTINGS,
        **{**settings, **options},
    )  # fmt: skip
