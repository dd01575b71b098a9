"""Free energies of regions that are anchored where they are harmonic."""

import numpy as np
import pytest

from nanochart.clusters import build
from nanochart.dynamics import Langevin, initialize, run_segment
from nanochart.free_energy import (
    Anchor,
    AnchoredMotif,
    anchored_differences,
    anchored_populations,
    carried_up,
    draw_vibrations,
    harmonic_minimum,
    joined_answers,
    neighbour_works,
    populations_of_differences,
    works_of_frames,
)
from nanochart.minimization import quench
from nanochart.potentials import gupta
from nanochart.statistics import Estimate, bennett
from nanochart.tempering import (
    Ladder,
    MappedExchange,
    log_rotational_jacobian,
    mapped_exchange,
)
from nanochart.testing import SuperposedBasins
from nanochart.units import BOLTZMANN

LADDER = Ladder((10.0, 60.0, 200.0, 450.0))
TETRAHEDRON = 1.06 * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
#: Basins next to each other, so that a scaled configuration may leave its own.
STRUCTURES = np.array([TETRAHEDRON, TETRAHEDRON * np.array([[1.9], [1.0], [1.0], [1.0]])])


def system():
    return SuperposedBasins(STRUCTURES, (0.0, 0.01), (0.5, 0.25))


def exchange():
    basins = system()
    return MappedExchange(LADDER.temperatures[-1], basins.minima, basins.energies)


def log_cold(basin):
    """ln Z of a basin at the coldest rung, where it ends nowhere."""
    basins, kT = system(), BOLTZMANN * LADDER.temperatures[0]
    a = basins.structures[basin]
    turning = 0.5 * float(log_rotational_jacobian(a, a))
    freedom = 3 * len(a) - 6
    k = basins.stiffnesses[basin]
    return turning + 0.5 * freedom * np.log(2 * np.pi * kT / k) - basins.depths[basin] / kT


def carried(basin, n=500, seed=0, exchange=exchange):
    """ln Z of a basin along the ladder, from draws of it at each rung."""
    basins, rows = system(), []
    for k, T in enumerate(LADDER.temperatures):
        x = basins.draw(T, 16 * n, seed + k)
        own = x[basins.parts(x)[0].argmin(axis=1) == basin]
        if (
            k == 0 and len(own) < n
        ):  # the cold rung of the higher basin: the same vibrations, drawn there
            own = SuperposedBasins(STRUCTURES[[basin]], (0.0,), (basins.stiffnesses[basin],)).draw(
                T, n, seed + k
            )
        rows.append(own[:n])
    x = np.stack(rows, axis=1)
    minima = basins.minima(x.reshape(-1, 4, 3))[0].reshape(x.shape)
    energies = basins.energies(x.reshape(-1, 4, 3)).reshape(x.shape[:2])
    rungs = np.tile(np.arange(len(LADDER)), (n, 1))
    works = neighbour_works(exchange(), LADDER, x, minima, energies, rungs)
    # The cold rung is its own anchor: draws and frames of one ensemble.
    anchor = Anchor(log_cold(basin), np.zeros(100_000), np.zeros(n))
    return carried_up(works, rungs, LADDER, anchor)


def as_motif(found, overlap):
    nothing = np.zeros(len(LADDER))
    T = np.array(LADDER.temperatures)
    return AnchoredMotif(T, found, nothing, nothing, overlap, 1, 1, 0.0)


def test_two_basins_have_their_exact_populations():
    motifs = {str(basin): as_motif(*carried(basin, seed=10 * basin)) for basin in (0, 1)}
    shares = anchored_populations(motifs)
    for k, T in enumerate(LADDER.temperatures):
        exact = system().exact(T, 50_000)[0]
        ratio = np.log(exact[1] / exact[0]) if exact.min() > 0 else None
        if ratio is None:
            continue
        gap = anchored_differences(motifs, [("0", "1")])[0]
        found = -gap.value[k] / (BOLTZMANN * T)
        assert found == pytest.approx(ratio, abs=0.05)
        assert shares["1"].value[k] == pytest.approx(exact[1], abs=0.008)


@pytest.mark.slow
def test_intervals_of_differences_hold_the_truth_in_19_of_20():
    T = np.array(LADDER.temperatures)[1:]
    exact = [system().exact(t, 1_000_000)[0] for t in T]
    truth = -BOLTZMANN * T * np.log([shares[1] / shares[0] for shares in exact])
    n, hits, known = 40, np.zeros(len(T)), np.zeros(len(T))
    for seed in range(n):
        motifs = {
            str(basin): as_motif(*carried(basin, n=300, seed=100 * seed + 10 * basin))
            for basin in (0, 1)
        }
        gap = anchored_differences(motifs, [("0", "1")])[0][1:]
        known += gap.known
        hits += gap.known & (gap.low <= truth) & (truth <= gap.high)
    print("known", known / n, "covered", hits / known)
    assert known.min() >= 0.9 * n
    assert (hits / known).min() >= 0.80
    assert hits.sum() / known.sum() >= 0.88


def test_works_are_infinite_just_where_a_scaled_configuration_leaves_its_basin():
    basins, n, ladder = system(), 600, Ladder((200.0, 3000.0))
    x = basins.draw(200.0, n, 1)
    minima, _ = basins.minima(x)
    far = MappedExchange(3000.0, basins.minima, basins.energies)
    rungs = np.zeros((n, 1), dtype=np.int64)
    works = neighbour_works(
        far, ladder, x[:, None], minima[:, None], basins.energies(x)[:, None], rungs
    )
    own = basins.parts(x)[0].argmin(axis=1)
    scaled = minima + np.sqrt(15.0) * (x - minima)
    left = basins.parts(scaled)[0].argmin(axis=1) != own
    assert 5 < left.sum() < n / 2
    np.testing.assert_array_equal(np.isinf(works.up[:, 0]), left)
    assert np.isnan(works.down).all()


def vibrating(T, n=400):
    """The truncated octahedron of 38 atoms: its vibrations, those drawn, and frames with works."""
    gold, dynamics = gupta("Au"), Langevin(time_step=5.0, friction=5e-3)
    x = quench(build("octahedron", "Au", 38).positions, gold, 1e-5).positions
    minimum = harmonic_minimum(x, gold)
    state, _ = run_segment(initialize(x, gold, [T] * 4, seed=1), gold, dynamics, 2_000, 2_000)
    _, samples = run_segment(state, gold, dynamics, 100 * n // 4, 100)
    frames, energies = samples.positions.reshape(-1, 38, 3), samples.potential_energies.ravel()
    mapped = mapped_exchange(gold, dynamics, 300.0)
    own = mapped.minima(frames, None)[0]
    log_harmonic, draws = draw_vibrations([minimum], mapped, T, n, 1)
    back = works_of_frames(gold, frames, own, energies - minimum.energy, T)
    return minimum, log_harmonic, draws, back


def test_harmonic_energies_of_frames_are_those_of_the_hessian():
    """A draw has the works of both directions, one of which knows its displacement."""
    gold = gupta("Au")
    x = quench(build("octahedron", "Au", 38).positions, gold, 1e-6).positions
    minimum = harmonic_minimum(x, gold)
    rng = np.random.default_rng(0)
    size = rng.normal(size=(20, len(minimum.curvatures)))
    kT = BOLTZMANN * 20.0
    u = np.einsum("nm,max->nax", size * np.sqrt(kT / minimum.curvatures), minimum.modes)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    positions = (minimum.positions + u) @ turn + 3.0
    energies = gold.energy(positions) - minimum.energy
    mapped = mapped_exchange(gold, Langevin(time_step=5.0), 300.0)
    works = works_of_frames(gold, positions, mapped.minima(positions, None)[0], energies, 20.0)
    turned = log_rotational_jacobian(minimum.positions + u, np.broadcast_to(x, u.shape))
    turned -= log_rotational_jacobian(x, x)
    np.testing.assert_allclose(
        -works,
        energies / kT - 0.5 * (size**2).sum(axis=1) - turned,
        atol=3e-2,  # minima are quenched to a force, not to zero
    )


def test_minima_are_anharmonic_in_proportion_to_the_temperature():
    found = {}
    for T in (10.0, 40.0):
        minimum, log_harmonic, draws, back = vibrating(T)
        assert log_harmonic == float(minimum.log_partition(T))
        step = bennett(draws, back, "both")
        assert step.overlap > 0.5
        found[T] = step.log_ratio
        # Each direction alone says the same, where the works are as narrow as here.
        assert np.log(np.exp(-draws).mean()) == pytest.approx(step.log_ratio, abs=0.1)
        assert -np.log(np.exp(-back).mean()) == pytest.approx(step.log_ratio, abs=0.1)
    assert found[40.0] == pytest.approx(4.0 * found[10.0], abs=0.1)


def test_quantum_vibrations_are_classical_when_hot_and_weigh_the_zero_point_when_cold():
    gold = gupta("Au")
    x = quench(build("octahedron", "Au", 38).positions, gold, 1e-5).positions
    minimum = harmonic_minimum(x, gold)
    assert abs(float(minimum.log_quantum(3_000.0))) < 0.1
    kT = BOLTZMANN * 1.0
    frequencies = np.sqrt(minimum.curvatures / (minimum.mass * 103.642697)) * 0.6582119569
    expected = (np.log(frequencies / kT) - 0.5 * frequencies / kT).sum()
    assert float(minimum.log_quantum(1.0)) == pytest.approx(expected, rel=1e-4)


def test_what_one_motif_lacks_makes_all_shares_unknown():
    known = Estimate.of(np.zeros(4), np.full(4, 0.1), np.full(4, 50.0), np.ones(4, bool))
    lacking = Estimate.unknown(np.zeros(4), "the ladder is not mixed")
    pair = {"dh": as_motif(known, np.ones(3)), "ih": as_motif(lacking, np.ones(3))}
    shares = anchored_populations(pair)
    assert not np.any(shares["dh"].known)
    assert "free energy of ih is unknown" in shares["dh"].reason
    assert not np.any(anchored_differences(pair, [("dh", "ih")])[0].known)


def test_errors_of_independent_ladders_add_in_squares():
    known = Estimate.of(np.zeros(4), np.full(4, 0.1), np.full(4, 50.0), np.ones(4, bool))
    pair = {"dh": as_motif(known, np.ones(3)), "ih": as_motif(known, np.ones(3))}
    gap = anchored_differences(pair, [("dh", "ih")])[0]
    kT = BOLTZMANN * np.array(LADDER.temperatures)
    np.testing.assert_allclose(gap.error, np.sqrt(2) * 0.1 * kT)


def test_two_answers_to_one_question_are_joined_where_they_agree():
    known = np.array([True, True, True, False, False])
    first = Estimate.of([1.0, 1.0, 1.0, 9.0, 9.0], np.full(5, 0.1), np.full(5, 99.0), known, "a")
    known = np.array([True, True, False, True, False])
    second = Estimate.of([1.2, 2.0, 9.0, 3.0, 9.0], np.full(5, 0.2), np.full(5, 99.0), known, "b")
    found = joined_answers(first, second)
    assert found.known.tolist() == [True, False, True, True, False]
    np.testing.assert_allclose(found.value[[0, 2, 3]], [1.04, 1.0, 3.0])
    np.testing.assert_allclose(found.error[[0, 2, 3]], [np.sqrt(0.008), 0.1, 0.2])
    assert found.high[0] - found.value[0] == pytest.approx(1.98 * np.sqrt(0.008), rel=0.01)
    assert found.why[1].startswith("two independent answers differ by more than three errors: run")
    assert found.why[4] == "a"


def test_joined_answers_hold_the_truth_as_often_as_their_interval_says():
    rng = np.random.default_rng(0)
    n = 4_000
    parts = [
        Estimate.of(rng.normal(0.0, s, n), np.full(n, s), np.full(n, 1e9), np.ones(n, bool))
        for s in (0.1, 0.3)
    ]
    found = joined_answers(*parts)
    held = (found.low <= 0.0) & (found.high >= 0.0)
    assert held[found.known].mean() == pytest.approx(0.95, abs=0.015)
    assert found.known.mean() > 0.99


def test_shares_of_differences_are_boltzmanns_with_intervals_that_hold_the_truth():
    T = np.array([300.0, 300.0])
    kT = BOLTZMANN * 300.0
    gaps = {"b": 1.0 * kT, "c": 2.0 * kT}
    weights = np.exp([0.0, -1.0, -2.0])
    truth = dict(zip("abc", weights / weights.sum(), strict=True))
    rng, held = np.random.default_rng(1), []
    for _ in range(1_000):
        error, known = np.full(2, 0.3 * kT), {"b": [True, True], "c": [True, False]}
        given = {
            name: Estimate.of(gap + error * rng.normal(size=2), error, np.full(2, 1e9),
                              np.array(known[name]), "c is not mixed")
            for name, gap in gaps.items()
        }  # fmt: skip
        found = populations_of_differences(given, "a", T)
        held.append([p.low[0] <= truth[n] <= p.high[0] for n, p in found.items()])
        assert sum(p.value[0] for p in found.values()) == pytest.approx(1.0)
        assert all(p.known.tolist() == [True, False] for p in found.values())
        assert found["a"].reason == "c is not mixed"
    np.testing.assert_allclose(np.mean(held, axis=0), 0.95, atol=0.025)
