"""The strain of a latent space, and what it does to charts of different trainings."""

import numpy as np
import pytest
import torch

from nanochart.autoencoder import TrainingConfig, train
from nanochart.autoencoder.isometry import strain
from nanochart.descriptors import RDF

GRID = RDF(r_min=1.0, r_max=9.0, n_bins=32, sigma=0.3)


def test_an_isometric_space_has_no_strain_and_a_point_has_one():
    y = torch.from_numpy(np.random.default_rng(0).standard_normal((50, 6)))
    turn, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))
    assert float(strain(y @ torch.from_numpy(turn) / 6**0.5 + 3.0, y)) < 1e-12
    assert float(strain(torch.zeros(50, 2), y)) == pytest.approx(1.0, rel=0.05)


def test_strain_by_hand():
    # Three samples on a line, so the pairs are (0, 2), (1, 0), (2, 1): distances between targets
    # 3, 1, 2 (one bin) and in the latent space 6, 2, 4: (9 + 1 + 4) / (9 + 1 + 4) = 1.
    y = torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64)
    assert float(strain(2 * y, y)) == pytest.approx(1.0, rel=1e-3)
    assert float(strain(1.5 * y, y)) == pytest.approx(0.25, rel=1e-3)


def test_equal_samples_have_a_gradient():
    z = torch.zeros((4, 2), requires_grad=True)
    strain(z, torch.ones((4, 3))).backward()
    assert torch.isfinite(z.grad).all()


def distances(isometry, seed):
    """Pair distances of held-out samples on the chart of RDFs that lie on a bent sheet."""
    random = np.random.default_rng(7)
    u, v = random.uniform(-1, 1, (2, 400, 1))
    r = np.linspace(1.0, 9.0, 32)
    g = np.exp(-((r - 3.5 - 0.8 * u) ** 2)) + np.exp(-((r - 6.5 - 0.8 * v) ** 2))
    config = TrainingConfig(
        target="self", bottleneck=2, epochs=25, batch_size=32, seed=seed, isometry=isometry
    )
    split = np.repeat([0, 1, 2], [300, 50, 50])
    model, _ = train(g, None, split, config, rdf=GRID, element="Au", n_atoms=7, threads=1)
    s = model.encode_rdf(g[350:])
    return np.linalg.norm(s[:, None] - s, axis=-1)[np.triu_indices(50, 1)]


def test_different_trainings_agree_on_distances():
    def disagreement(isometry):
        first, second = distances(isometry, 0), distances(isometry, 1)
        return np.abs(first - second).mean() / first.mean()

    free, held = disagreement(0.0), disagreement(0.3)
    print(f"distances differ by {free:.3f} without and {held:.3f} with the penalty")
    assert held < 0.5 * free
