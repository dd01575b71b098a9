"""Thermodynamics of ladders whose answers are known: bias, coverage, plain refusals."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from nanochart.statistics import blocks, slices, solve_mixture, state_populations
from nanochart.tempering import (
    Ladder,
    ThermodynamicsConfig,
    exchange,
    rung_populations,
    tempered_sample,
    thermodynamics,
)
from nanochart.tempering.thermodynamics import peak_temperature
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
GRID = 21


def drawn(system, n_frames, seed, **correlation):
    """Energies, rungs and basins (frame, replica), the rungs handed around among the replicas."""
    rng = np.random.default_rng(seed)
    E, basins = system.draw(LADDER.temperatures, n_frames, D, rng, **correlation)
    rungs = rng.permuted(np.tile(np.arange(len(LADDER)), (n_frames, 1)), axis=1)
    return np.take_along_axis(E, rungs, 1), np.take_along_axis(basins, rungs, 1), rungs


def analysed(system, n_frames, seed, *, n_resamples=100, grid=GRID, **correlation):
    E, basins, rungs = drawn(system, n_frames, seed, **correlation)
    labels = basins if system is MELTING else None
    config = ThermodynamicsConfig(grid, n_resamples)
    return thermodynamics(
        tempered_sample(E, rungs, LADDER), N_ATOMS, config, labels=labels, seed=seed
    )


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


def test_ignoring_correlation_would_be_found(monkeypatch):
    # The same check with frames taken for independent ones.
    monkeypatch.setattr(blocks, "statistical_inefficiency", lambda *_: 1.0)
    monkeypatch.setattr(blocks, "_LONG", 1.0)
    for module in (blocks, slices):
        monkeypatch.setattr(module, "slice_number", lambda n, *_: np.arange(n))
    n, settings = 20, {"n_frames": 1_000, "correlation": 0.9, "shared": 0.3}
    shares = coverage(MELTING, n, n_resamples=80, grid=11, **settings)
    del shares["melting"]
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


def test_influences_are_those_of_solving_anew():
    E, _, rungs = drawn(MELTING, 200, seed=5)
    counts = np.random.default_rng(0).integers(0, 3, E.size)
    reduced = np.multiply.outer(LADDER.betas, E.ravel() - E.mean())
    mixture = solve_mixture(reduced, rungs.ravel(), "the rungs")
    repeated = np.repeat(np.arange(E.size), counts)
    other = solve_mixture(reduced[:, repeated], rungs.ravel()[repeated], "the rungs")
    direct = other.f + np.log(np.bincount(rungs.ravel()[repeated]))
    direct = direct - (mixture.f + np.log(np.bincount(rungs.ravel())))
    slopes = np.eye(len(LADDER))
    linear = (counts - 1) @ mixture.answers(slopes)
    # The rest is of second order in the counts: 0.02 to 0.035 of the largest over seeds.
    np.testing.assert_allclose(np.diff(linear), np.diff(direct), atol=0.05 * np.abs(direct).max())


def test_the_zero_of_energy_changes_nothing_but_the_energies():
    E, basins, rungs = drawn(MELTING, 300, seed=2)
    config = ThermodynamicsConfig(GRID, 40)
    one, other = (
        thermodynamics(
            tempered_sample(E + zero, rungs, LADDER), N_ATOMS, config, labels=basins, seed=1
        )
        for zero in (0.0, -530.0)
    )
    np.testing.assert_allclose(other.energy.low, one.energy.low - 530.0, rtol=1e-7)
    np.testing.assert_allclose(other.heat_capacity.high, one.heat_capacity.high, rtol=1e-6)
    np.testing.assert_allclose(other.populations["1"].low, one.populations["1"].low, rtol=1e-6)


def test_a_seed_gives_the_same_intervals():
    one, same = (analysed(MELTING, 500, 1, n_resamples=40) for _ in range(2))
    E, basins, rungs = drawn(MELTING, 500, 1)
    other = thermodynamics(
        tempered_sample(E, rungs, LADDER),
        N_ATOMS,
        ThermodynamicsConfig(GRID, 40),
        labels=basins,
        seed=2,
    )
    assert one.melting_temperature.low == same.melting_temperature.low
    assert one.melting_temperature.low != other.melting_temperature.low
    assert one.melting_temperature.value == other.melting_temperature.value


def test_a_label_that_was_seen_once_is_not_known():
    E, _, rungs = drawn(HARMONIC, 100, seed=1)
    labels = np.zeros(E.shape, int)
    labels[40, :] = 7
    found = thermodynamics(
        tempered_sample(E, rungs, LADDER), N_ATOMS, ThermodynamicsConfig(5, 100), labels=labels,
        label_names={0: "common"},
    )  # fmt: skip
    assert list(found.populations) == ["common", "7"]
    assert not found.populations["7"].known.any()
    difference = found.free_energy_differences["common", "7"]
    assert np.isfinite(difference.value).all()
    assert np.isposinf(difference.high).all()
    assert difference.summary()["value"] == [None] * 5


def test_few_independent_frames_are_not_known():
    found = analysed(MELTING, 60, seed=1, correlation=0.9, shared=0.3, n_resamples=40, grid=11)
    assert not found.populations["1"].known.all()
    assert found.warnings
    assert not analysed(MELTING, 500, seed=1, n_resamples=40).warnings


# ------------------------------------------------------------------- a ladder with exchanges


def exchanged(n_frames, seed, *, stuck=0.0, crossing=440.0, exchanges=True, mixed=True):
    """Energies, rungs, basins and outcomes of a real ladder whose cold replicas keep their basin.

    A replica leaves its basin from the temperature ``crossing`` on, with the probability
    1 - ``stuck`` in a frame. They start half in the one and half in the other basin, or all in the
    first where they are not ``mixed``.
    """
    rng = np.random.default_rng(seed)
    n, T = len(LADDER), np.array(LADDER.temperatures)
    p = np.array([MELTING.population(1, beta, D) for beta in LADDER.betas])
    rungs = np.arange(n)
    basins = np.arange(n) % 2 if mixed else np.zeros(n, int)
    rows = [[], [], [], []]
    for k in range(n_frames):
        free = (T[rungs] >= crossing) & (rng.random(n) >= stuck)
        basins = np.where(free, rng.random(n) < p[rungs], basins)
        thermal = rng.gamma(0.5 * D, BOLTZMANN * T[rungs])
        E = np.array(MELTING.energies)[basins] + thermal
        outcome = exchange(rungs, E, LADDER, k % 2 if exchanges else 0, rng)
        for row, values in zip(rows, (E, rungs, basins, outcome.accepted), strict=True):
            row.append(values)
        rungs = outcome.rungs if exchanges else rungs
    return [np.array(row) for row in rows]


def ladder_difference(n_frames, seed, **how):
    """F of basin 1 less that of basin 0 at 300 K, with the exact one."""
    E, rungs, basins, outcomes = exchanged(n_frames, seed, **how)
    sample = tempered_sample(E, rungs, LADDER, outcomes)
    found = state_populations(basins, sample.at(300.0), 300.0, ("0", "1")).difference(0, 1)
    p = MELTING.population(1, LADDER.betas[0], D)
    return found, -math.log(p / (1 - p)) * BOLTZMANN * 300.0


def ladder_coverage(n, n_frames, **how):
    pairs = [ladder_difference(n_frames, seed, **how) for seed in range(n)]
    known = np.array([bool(gap.known) for gap, _ in pairs])
    held = np.array([bool(gap.low <= exact <= gap.high) for gap, exact in pairs])
    ideal = 1.96 * np.std([float(gap.value) for gap, _ in pairs])
    half = np.array([float(0.5 * (gap.high - gap.low)) for gap, _ in pairs])
    useful = float((half <= 1.5 * ideal).mean())
    print(how, "known", known.mean(), "covered", held[known].mean() if known.any() else None,
          "falsely confident", (known & ~held).mean(), "useful", useful)  # fmt: skip
    return float(known.mean()), float((known & ~held).mean()), useful


def test_a_ladder_with_exchanges_holds_the_truth():
    known, false, _ = ladder_coverage(20, 2_000)
    assert known >= 0.9
    assert false <= 0.2


def test_a_ladder_that_does_not_mix_knows_nothing():
    found, _ = ladder_difference(1_000, 1, exchanges=False)
    assert not found.known
    assert "not mixed" in found.reason
    E, rungs, basins, outcomes = exchanged(1_000, 1, crossing=np.inf, mixed=False)
    sample = tempered_sample(E, rungs, LADDER, outcomes)
    result = thermodynamics(sample, N_ATOMS, ThermodynamicsConfig(5, 40), labels=basins)
    assert not result.populations["0"].known.any()


@pytest.mark.parametrize("n_replicas", [16, 24, 32])
def test_many_replicas_that_keep_their_structure_know_nothing(n_replicas):
    """They walk the ladder, so that what each contributes at one temperature comes and goes."""
    ladder = Ladder.geometric(300.0, 500.0, n_replicas)
    rng = np.random.default_rng(n_replicas)
    rungs, rows = np.arange(n_replicas), []
    for k in range(2_000):
        E = rng.gamma(0.5 * D, BOLTZMANN * np.array(ladder.temperatures)[rungs])
        outcome = exchange(rungs, E, ladder, k % 2, rng)
        rows.append((E, rungs, outcome.accepted))
        rungs = outcome.rungs
    E, places, outcomes = (np.array(column) for column in zip(*rows, strict=True))
    sample = tempered_sample(E, places, ladder, outcomes)
    labels = np.broadcast_to(np.arange(n_replicas) % 2, E.shape)
    found = state_populations(labels, sample.at(350.0), 350.0, ("0", "1"))
    assert not sample.reservation  # the ladder itself is well
    assert not found.converged
    assert not found.shares.known.any()


def test_replicas_that_exchange_and_keep_their_structure_know_nothing():
    # They travel the ladder and never change: what they have is what they started with.
    for seed in range(5):
        found, _ = ladder_difference(1_000, seed, crossing=np.inf)
        assert not found.known


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stuck", "n_frames", "suffices"),
    [(0.0, 2_000, True), (0.9, 8_000, True), (0.99, 2_000, False), (0.999, 2_000, False)],
)
def test_coverage_of_200_ladders(stuck, n_frames, suffices):
    known, false, useful = ladder_coverage(200, n_frames, stuck=stuck)
    assert false <= 0.10
    if suffices:
        assert known >= 0.90
        assert useful >= 0.90


def test_populations_at_the_rungs_are_those_of_the_fine_grid():
    E, rungs, basins, outcomes = exchanged(1_000, 3)
    sample = tempered_sample(E, rungs, LADDER, outcomes)
    at_rungs = rung_populations(sample, basins, ("0", "1"))
    fine = thermodynamics(sample, N_ATOMS, ThermodynamicsConfig(3, 40), labels=basins)
    for part in ("value", "low", "high"):
        on_grid = getattr(fine.populations["1"], part)[[0, 2]]
        np.testing.assert_allclose(on_grid, getattr(at_rungs, part)[1, [0, -1]], rtol=1e-9)


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
    found = thermodynamics(tempered_sample(E, rungs, ladder), N_ATOMS, config)
    assert not found.energy.known.any()  # replicas never moved
    assert any("poor overlap" in w and "70-300 K" in w for w in found.warnings)
    exact = HARMONIC.harmonic_acceptance(*ladder.betas, D)
    assert found.acceptance[0] == pytest.approx(exact, rel=0.5)  # of 400 frames; 0.3 over seeds
    assert 0.0 < exact < 0.03


def test_a_ladder_with_a_gap_is_refused():
    ladder = Ladder((50.0, 300.0))
    E, _ = HARMONIC.draw(ladder.temperatures, 100, 60, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"does not overlap between 50 and 300 K.*place temper"):
        tempered_sample(E, np.tile([0, 1], (100, 1)), ladder)


FAULTS = [
    ({"energies": np.zeros((50, 3))}, r"one shape \(frame, replica\); got \(50, 3\) and \(50, 2"),
    ({"energies": np.full((50, 2), np.nan)}, r"finite energy; got 100 of 100 that have none"),
    ({"rungs": np.zeros((50, 2), int)}, r"every rung must have frames; got none at 330 K"),
    ({"rungs": np.tile([0, 2], (50, 1))}, r"between 0 and 1, the last of the ladder; got 0 to 2"),
    ({"labels": np.full((50, 2), -1)}, r"labels must not be negative; got 100 of 100"),
    ({"ladder": Ladder((300.0,))}, r"must have at least two temperatures to be joined"),
]


def analyse(energies, rungs, ladder, n_atoms, labels=None):
    return thermodynamics(tempered_sample(energies, rungs, ladder), n_atoms, labels=labels)


@pytest.mark.parametrize(("change", "sentence"), FAULTS)
def test_what_does_not_fit_is_refused(change, sentence):
    ladder = Ladder((300.0, 330.0))
    E, _ = HARMONIC.draw(ladder.temperatures, 50, D, np.random.default_rng(0))
    given = {"energies": E, "rungs": np.tile([0, 1], (50, 1)), "ladder": ladder, "n_atoms": 4}
    with pytest.raises(ValueError, match=sentence):
        analyse(**{**given, **change})


def test_few_frames_are_refused():
    with pytest.raises(ValueError, match=r"at least 20 frames for its errors; got 10"):
        analysed(HARMONIC, 10, seed=1)


def test_settings_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"n_resamples must be at least 40; got 3"):
        ThermodynamicsConfig(n_resamples=3)


def test_resamples_that_would_take_all_memory_are_refused():
    with pytest.raises(ValueError, match=r"at most 990,099 for 101 temperatures.*got 1,000,000,00"):
        ThermodynamicsConfig(n_resamples=1_000_000_000)
