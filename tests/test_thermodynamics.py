"""Thermodynamics of ladders whose answers are known: bias, coverage, plain refusals."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from nanochart._time_series import statistical_inefficiency
from nanochart.tempering import Ladder, ThermodynamicsConfig, thermodynamics
from nanochart.tempering._mbar import solve_mixture
from nanochart.tempering._observables import peak_temperature
from nanochart.tempering._time_blocks import resample, time_blocks
from nanochart.testing import TwoBasins
from nanochart.units import BOLTZMANN

D = 12
N_ATOMS = D // 3
LADDER = Ladder((300.0, 335.0, 370.0, 400.0, 440.0, 500.0))
HARMONIC = TwoBasins()
#: Equal populations near 400 K: a peak of the heat capacity within the ladder.
MELTING = TwoBasins(energies=(0.0, 0.2863), stiffnesses=(4.0, 1.0))
#: Where averages are compared: off the rungs, on the grid.
PLACE = 380.0
GRID = 41


def drawn(system, n_frames, seed, **correlation):
    """Energies, rungs and basins (frame, replica), the rungs handed around among the replicas."""
    rng = np.random.default_rng(seed)
    E, basins = system.draw(LADDER.temperatures, n_frames, D, rng, **correlation)
    rungs = rng.permuted(np.tile(np.arange(len(LADDER)), (n_frames, 1)), axis=1)
    return np.take_along_axis(E, rungs, 1), np.take_along_axis(basins, rungs, 1), rungs


def analysed(system, n_frames, seed, *, n_resamples=100, block_length=None, **correlation):
    E, basins, rungs = drawn(system, n_frames, seed, **correlation)
    labels = basins if system is MELTING else None
    config = ThermodynamicsConfig(GRID, n_resamples, block_length)
    return thermodynamics(E, rungs, LADDER, N_ATOMS, config, labels=labels, seed=seed)


def quantities(found, system):
    """Name -> (estimate, low, high, truth)."""
    k = int(np.argmin(np.abs(found.temperatures - PLACE)))
    T = float(found.temperatures[k])
    assert abs(T - PLACE) < 1e-9
    beta = 1.0 / (BOLTZMANN * T)

    def at(estimate):
        return estimate.value[k], estimate.low[k], estimate.high[k]

    kinetic = 1.5 * N_ATOMS * BOLTZMANN
    rung = found.rung_energy
    truth = {
        "energy": (*at(found.energy), system.mean_energy(beta, D)),
        "heat capacity": (*at(found.heat_capacity), system.heat_capacity(T, D) + kinetic),
        "rung energy": (
            rung.value[0], rung.low[0], rung.high[0], system.mean_energy(LADDER.betas[0], D)
        ),
    }  # fmt: skip
    if system is MELTING:
        p = system.population(1, beta, D)
        melting = found.melting_temperature
        truth["population"] = (*at(found.populations["1"]), p)
        truth["free energy"] = (
            *at(found.free_energy_differences["0", "1"]), -math.log(p / (1 - p)) / beta
        )  # fmt: skip
        peak = system.peak_temperature(300.0, 500.0, D)
        truth["melting"] = (float(melting.value), float(melting.low), float(melting.high), peak)
    return truth


def coverage(system, n_repeats, **settings):
    """Share of repeats whose interval holds the truth, by quantity."""
    held = {}
    for seed in range(n_repeats):
        for name, (_, low, high, exact) in quantities(
            analysed(system, seed=seed, **settings), system
        ).items():
            held.setdefault(name, []).append(low <= exact <= high)
    shares = {name: float(np.mean(h)) for name, h in held.items()}
    print(settings, shares)
    return shares


CASES = [
    pytest.param(HARMONIC, {"n_frames": 500}, id="harmonic"),
    pytest.param(MELTING, {"n_frames": 500}, id="two basins"),
    pytest.param(
        HARMONIC, {"n_frames": 2_000, "correlation": 0.8, "shared": 0.3}, id="harmonic, correlated"
    ),
    pytest.param(
        MELTING, {"n_frames": 2_000, "correlation": 0.8, "shared": 0.3}, id="two basins, correlated"
    ),
]


@pytest.mark.parametrize(("system", "settings"), CASES)
def test_intervals_cover_the_truth(system, settings):
    n = 20
    shares = coverage(system, n, n_resamples=60, **settings)
    # A coverage of 94 % gives fewer than this once in ten thousand, one of 70 % nearly always.
    least = binom.ppf(1e-4, n, 0.94) / n
    assert min(shares.values()) >= least


@pytest.mark.slow
@pytest.mark.parametrize(("system", "settings"), CASES)
def test_intervals_cover_the_truth_in_90_to_98_of_100(system, settings):
    shares = coverage(system, 200, n_resamples=200, **settings)
    assert min(shares.values()) >= 0.90
    assert max(shares.values()) <= 0.98


def test_ignoring_correlation_would_be_found():
    # The same check with blocks of one frame: correlated frames count as independent ones.
    n, settings = 20, {"n_frames": 1_000, "correlation": 0.9, "shared": 0.3}
    shares = coverage(MELTING, n, n_resamples=80, block_length=1, **settings)
    assert max(shares.values()) < binom.ppf(1e-4, n, 0.94) / n


@pytest.mark.parametrize("system", [HARMONIC, MELTING], ids=["harmonic", "two basins"])
def test_averages_are_unbiased(system):
    # Means over repeats, against the error of those means.
    found = [quantities(analysed(system, 500, s, n_resamples=40), system) for s in range(20)]
    for name, (*_, exact) in found[0].items():
        values = np.array([f[name][0] for f in found])
        error = values.std(ddof=1) / math.sqrt(len(values))
        assert values.mean() == pytest.approx(exact, abs=4 * error), name


def test_populations_and_free_energies_belong_together():
    found = analysed(MELTING, 500, seed=3)
    p = found.populations["1"].value
    np.testing.assert_allclose(found.populations["0"].value + p, 1.0, rtol=1e-12)
    kT = BOLTZMANN * found.temperatures
    np.testing.assert_allclose(
        found.free_energy_differences["0", "1"].value, -kT * np.log(p / (1 - p)), rtol=1e-9
    )


def test_exact_heat_capacity_and_peak_by_quadrature():
    # From the density of states of both basins, E^(d/2 - 1) above each minimum.
    E = np.linspace(0.0, 6.0, 400_001)

    def moments(T):
        beta = 1.0 / (BOLTZMANN * T)
        density = np.zeros_like(E)
        for minimum, k in zip(MELTING.energies, MELTING.stiffnesses, strict=True):
            density += np.clip(E - minimum, 0.0, None) ** (D / 2 - 1) * k ** (-D / 2)
        p = density * np.exp(-beta * E)
        p /= p.sum()
        mean = p @ E
        return mean, (p @ (E - mean) ** 2) / (BOLTZMANN * T**2)

    T = np.linspace(350.0, 420.0, 29)
    exact = np.array([moments(t) for t in T])
    for t, (mean, capacity) in zip(T, exact, strict=True):
        assert MELTING.mean_energy(1 / (BOLTZMANN * t), D) == pytest.approx(mean, rel=1e-6)
        assert MELTING.heat_capacity(t, D) == pytest.approx(capacity, rel=1e-6)
    peak = MELTING.peak_temperature(300.0, 500.0, D)
    assert peak == pytest.approx(peak_temperature(T, exact[:, 1]), abs=0.05)
    assert 360.0 < peak < 420.0


def test_series_are_exact_at_every_frame_and_remember():
    n = 40_000
    E, basins = MELTING.draw([380.0, 500.0], n, D, np.random.default_rng(1), correlation=0.6)
    for k, T in enumerate((380.0, 500.0)):
        p = MELTING.population(1, 1 / (BOLTZMANN * T), D)
        # Four samples are worth about one at this correlation.
        assert basins[:, k].mean() == pytest.approx(p, abs=4 * math.sqrt(4 * p * (1 - p) / n))
    thermal = E[:, 0] - np.array(MELTING.energies)[basins[:, 0]]
    kT = BOLTZMANN * 380.0
    assert thermal.mean() == pytest.approx(D / 2 * kT, abs=4 * kT * math.sqrt(4 * D / 2 / n))
    assert np.corrcoef(thermal[1:], thermal[:-1])[0, 1] == pytest.approx(0.6, abs=0.03)


def test_weighted_free_energies_are_those_of_repeated_samples():
    E, _, rungs = drawn(MELTING, 200, seed=5)
    counts = np.random.default_rng(0).integers(0, 3, E.size).astype(float)
    mixture = solve_mixture(E.ravel(), rungs.ravel(), LADDER.betas)
    repeated = np.repeat(np.arange(E.size), counts.astype(int))
    other = solve_mixture(E.ravel()[repeated], rungs.ravel()[repeated], LADDER.betas)
    moved = mixture.f + mixture.shift(counts) + LADDER.betas * E.mean()
    direct = other.f + LADDER.betas * E.ravel()[repeated].mean()
    np.testing.assert_allclose(np.diff(moved), np.diff(direct), atol=1e-6)
    assert np.abs(mixture.shift(counts)).max() > 1e-3


def test_the_zero_of_energy_changes_nothing_but_the_energies():
    E, basins, rungs = drawn(MELTING, 300, seed=2)
    config = ThermodynamicsConfig(GRID, 40)
    one, other = (
        thermodynamics(E + zero, rungs, LADDER, N_ATOMS, config, labels=basins, seed=1)
        for zero in (0.0, -530.0)
    )
    np.testing.assert_allclose(other.energy.low, one.energy.low - 530.0, rtol=1e-7)
    np.testing.assert_allclose(other.heat_capacity.high, one.heat_capacity.high, rtol=1e-6)
    np.testing.assert_allclose(other.populations["1"].low, one.populations["1"].low, rtol=1e-6)


def test_blocks_are_whole_and_drawn_as_often_as_there_are():
    blocks = time_blocks(103, inefficiency=1.0)
    assert blocks.n_blocks == 20
    assert np.bincount(blocks.block).min() == 5
    counts = resample(blocks, 300, np.random.default_rng(0))
    by_block = counts[:, np.unique(blocks.block, return_index=True)[1]]
    np.testing.assert_array_equal(by_block.sum(axis=1), 20)
    np.testing.assert_array_equal(counts, by_block[:, blocks.block])
    assert by_block.var() == pytest.approx(0.95, abs=0.1)


def test_a_seed_gives_the_same_intervals():
    one, same, other = (analysed(HARMONIC, 100, 1, n_resamples=40) for _ in range(3))
    np.testing.assert_array_equal(one.energy.low, same.energy.low)
    E, _, rungs = drawn(HARMONIC, 100, 1)
    other = thermodynamics(E, rungs, LADDER, N_ATOMS, ThermodynamicsConfig(GRID, 40), seed=2)
    assert not np.array_equal(one.energy.low, other.energy.low)
    np.testing.assert_array_equal(one.energy.value, other.energy.value)


def test_a_label_that_a_draw_may_miss_has_an_infinite_bound():
    E, _, rungs = drawn(HARMONIC, 100, seed=1)
    labels = np.zeros(E.shape, int)
    labels[40, :] = 7
    found = thermodynamics(
        E, rungs, LADDER, N_ATOMS, ThermodynamicsConfig(GRID, 100), labels=labels,
        label_names={0: "common"},
    )  # fmt: skip
    assert list(found.populations) == ["common", "7"]
    difference = found.free_energy_differences["common", "7"]
    assert np.isfinite(difference.value).all()
    assert np.isposinf(difference.high).all()
    assert np.isfinite(difference.low).all()


def test_few_blocks_are_a_named_warning():
    found = analysed(MELTING, 60, seed=1, correlation=0.9, shared=0.3, n_resamples=40)
    assert any(w.startswith("too few independent blocks: 60 frames") for w in found.warnings)
    assert not analysed(MELTING, 500, seed=1, n_resamples=40).warnings


def test_a_heat_capacity_that_rises_to_the_end_has_no_peak():
    cold = TwoBasins(energies=(0.0, 0.2863), stiffnesses=(4.0, 2.6))
    found = analysed(cold, 300, seed=1, n_resamples=40)
    assert np.isnan(found.melting_temperature.value)
    assert any(w.startswith("no melting peak") for w in found.warnings)


def test_poor_overlap_is_a_named_warning():
    ladder = Ladder((70.0, 300.0))
    rng = np.random.default_rng(0)
    E, _ = HARMONIC.draw(ladder.temperatures, 400, D, rng)
    rungs = np.tile([0, 1], (400, 1))
    config = ThermodynamicsConfig(GRID, 40)
    found = thermodynamics(E, rungs, ladder, N_ATOMS, config)
    assert any("poor overlap" in w and "70-300 K" in w for w in found.warnings)
    exact = HARMONIC.harmonic_acceptance(*ladder.betas, D)
    assert found.acceptance[0] == pytest.approx(exact, rel=0.5)
    assert 0.0 < exact < 0.03


def test_a_ladder_with_a_gap_is_refused():
    ladder = Ladder((50.0, 300.0))
    E, _ = HARMONIC.draw(ladder.temperatures, 100, 60, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"does not overlap between 50 and 300 K.*place temper"):
        thermodynamics(E, np.tile([0, 1], (100, 1)), ladder, 20)


FAULTS = [
    ({"energies": np.zeros((50, 3))}, r"one shape \(frame, replica\); got \(50, 3\), \(50, 2\)"),
    ({"energies": np.full((50, 2), np.nan)}, r"finite energy; got 100 of 100 that have none"),
    ({"rungs": np.zeros((50, 2), int)}, r"every rung must have frames; got none at 330 K"),
    ({"rungs": np.tile([0, 2], (50, 1))}, r"between 0 and 1, the last of the ladder; got 0 to 2"),
    ({"labels": np.full((50, 2), -1)}, r"labels must not be negative; got 100 of 100"),
    ({"ladder": Ladder((300.0,))}, r"a ladder of at least two temperatures; got one"),
]


@pytest.mark.parametrize(("change", "sentence"), FAULTS)
def test_what_does_not_fit_is_refused(change, sentence):
    ladder = Ladder((300.0, 330.0))
    E, _ = HARMONIC.draw(ladder.temperatures, 50, D, np.random.default_rng(0))
    given = {"energies": E, "rungs": np.tile([0, 1], (50, 1)), "ladder": ladder, "n_atoms": 4}
    with pytest.raises(ValueError, match=sentence):
        thermodynamics(**{**given, **change})


def test_few_frames_are_refused():
    with pytest.raises(ValueError, match=r"at least 20 frames for its errors; got 10"):
        analysed(HARMONIC, 10, seed=1)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"n_resamples must be at least 40; got 3"):
        ThermodynamicsConfig(n_resamples=3)


def test_a_series_that_rounding_alone_moves_does_not_vary():
    series = np.full((200, 1), 1.0 / 3.0)
    series[100:] = np.nextafter(1.0 / 3.0, 1.0)
    assert statistical_inefficiency(series) == 1.0
    assert statistical_inefficiency(1e9 * series) == 1.0
    # What truly varies counts, however small it is.
    moving = 1e-9 * np.repeat(np.random.default_rng(3).normal(size=40), 10)[:, None]
    assert statistical_inefficiency(moving) > 5.0
