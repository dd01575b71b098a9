"""Replicas that exchange within windows: who is independent of whom."""

import numpy as np
import pytest

from nanochart.statistics import make_blocks

WINDOWS = np.tile(np.arange(3), 4)


def tied(rng, n_times=1024):
    """What the four replicas of each window do at one moment is one, and each window has a mean."""
    moments = rng.normal(size=(n_times, 3))
    return moments[:, WINDOWS] + 10.0 * WINDOWS


def test_what_replicas_of_a_window_do_together_is_in_the_variance():
    rng = np.random.default_rng(0)
    found, apart, exact = [], [], 1024 * 3 * 16.0  # of 3 windows, the sum of 4 replicas
    for _ in range(100):
        z = tied(rng)
        blocks = make_blocks(z, "replicas", WINDOWS)
        assert blocks.known
        found.append(blocks.variance(z)[0])
        apart.append(blocks.spread(blocks.sums(z))[0])
    assert np.mean(found) == pytest.approx(exact, rel=0.1)
    assert np.mean(apart) < 0.4 * exact


def test_a_window_whose_replicas_hardly_change_together_is_unknown():
    rng = np.random.default_rng(1)
    z = tied(rng)
    slow = np.repeat(rng.normal(size=6), 171)[:1024]
    z[:, WINDOWS == 1] += 5.0 * slow[:, None]
    blocks = make_blocks(z, "replicas", WINDOWS)
    assert not blocks.known


def test_a_replica_that_keeps_what_it_is_makes_its_window_unknown():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(640, 12))
    assert make_blocks(z, "replicas", WINDOWS).known
    z[:, WINDOWS == 2] += np.array([2.0, -2.0, 2.0, -2.0])
    assert not make_blocks(z, "replicas", WINDOWS).known
