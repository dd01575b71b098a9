"""Each bias method on surfaces with answers: its differences and their intervals."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from helpers.wells import EXACT, THREE, TWO, difference_of
from nanochart.biasing import OPES, BiasingState, Metadynamics, Restraint, Umbrella, biased_round
from nanochart.free_energy import umbrella_weights
from nanochart.statistics import Weighted
from nanochart.testing import WellMixture


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


def sampled(surface, method, rounds, seed, threads, starts=None, steps=200):
    state = surface.start(4 if starts is None else len(starts), seed)
    if starts is not None:
        state.walkers.positions[:, 0, : len(surface.names)] = starts
    state = BiasingState(state, method.initialize(len(surface.names)), 0)
    values, logs = [], []
    for _ in range(rounds):
        state, seen = biased_round(state, surface, method, steps, threads)
        values.append(seen.values)
        logs.append(seen.log_weights)
    return np.array(values), np.array(logs)


def windows(surface):
    """Centres and stiffness: along the axis between two wells, or on a grid over three."""
    d = len(surface.names)
    if len(surface.populations) == 2:
        centres = np.zeros((12, d))
        centres[:, 0] = np.linspace(-1.3, 1.3, 12)
        return centres, (2.0,) + (0.0,) * (d - 1)
    axes = np.linspace(-1.3, 1.3, 7), np.linspace(-0.4, 1.6, 6)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2), (2.0, 2.0)


def difference(surface, method, rounds, seed, threads):
    if method == "umbrella":
        centres, stiffness = windows(surface)
        chosen = Umbrella(tuple(map(tuple, centres.tolist())), stiffness)
        values, _ = sampled(surface, chosen, rounds // 3, seed, threads, centres)
        energies = [Restraint.at(c, stiffness).energy(values) for c in centres]
        weighted = umbrella_weights(np.stack(energies, axis=-1), surface.temperature)
    else:
        d, centres = len(surface.names), np.array(surface.centres)
        low = tuple(centres.min(axis=0) - 4.5 * surface.sigma)
        high = tuple(centres.max(axis=0) + 4.5 * surface.sigma)
        widths = (0.6 * surface.sigma,) * d
        chosen = {
            "metadynamics": Metadynamics(300.0, 0.008, widths, 8.0, low, high),
            "opes": OPES(300.0, 0.3, widths, low, high),
        }[method]
        values, logs = sampled(surface, chosen, rounds, seed, threads)
        values, weighted = values[rounds // 4 :], Weighted(logs[rounds // 4 :])
    return difference_of(surface.well(values), weighted, surface.temperature)


@pytest.mark.parametrize("method", ["metadynamics", "opes", "umbrella"])
def test_each_method_finds_the_known_difference(method, threads):
    gap = difference(TWO, method, 900, 3, threads)
    assert gap.known, gap.why
    assert abs(gap.value - EXACT) < max(4 * gap.error, 0.2 * TWO.kT)
    assert gap.error < 0.4 * TWO.kT


def test_a_method_whose_weights_are_wrong_misses_the_known_difference(threads):
    method = Metadynamics(300.0, 0.008, (0.12,), 8.0, (-2.0,), (2.2,))
    values, logs = sampled(TWO, method, 900, 3, threads)
    values, logs = values[225:], logs[225:]

    def misses(logs, temperature=300.0):
        gap = difference_of(TWO.well(values), Weighted(logs), temperature)
        return abs(gap.value - EXACT) / gap.error

    assert misses(logs) < 2.5
    assert misses(np.zeros_like(logs)) > 4  # no reweighting
    assert misses(0.5 * logs) > 2.5  # weights of a wrong bias factor
    assert misses(logs, 600.0) > 2.5  # another temperature


SURFACES = {
    "double well, 1-D": TWO,
    "double well, 2-D": WellMixture(((-0.9, 0.3), (0.9, -0.3)), (0.7, 0.3), sigma=0.28),
    "double well, 3-D": WellMixture(((-0.8, 0, 0), (0.8, 0, 0)), (0.7, 0.3), sigma=0.3),
    "three states, 2-D": THREE,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("method", ["metadynamics", "opes", "umbrella"])
def test_intervals_of_each_method_hold_the_truth(method, name, threads):
    surface = SURFACES[name]
    p = surface.populations
    exact = -surface.kT * np.log(p[1] / p[0])
    n, hits, known = (40 if len(surface.names) == 3 else 100), 0, 0
    for seed in range(n):
        gap = difference(surface, method, 700 if len(surface.names) > 1 else 900, seed, threads)
        known += bool(gap.known)
        hits += bool(gap.known and gap.low <= exact <= gap.high)
    print(method, name, "known", known / n, "covered", hits / max(known, 1))
    assert (known - hits) / n <= 0.10
    assert hits / max(known, 1) >= 0.90
    assert known / n >= 0.80
