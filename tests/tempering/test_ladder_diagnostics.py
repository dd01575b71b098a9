import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import erfc
from scipy.stats import norm

from nanochart.tempering import Ladder
from nanochart.tempering.diagnostics import (
    acceptance,
    by_rung,
    detect_equilibration,
    diagnose_ladder,
    energy_overlap,
)
from nanochart.tempering.findings import ladder_findings, ladder_summary
from nanochart.tempering.replica_flow import ideal_round_trip_time, replica_flow, round_trips
from nanochart.units import kelvin

LADDER = Ladder.geometric(300.0, 600.0, 6)


def walks(acceptance, n_frames, seed=0, n_rare=0, every=1, *, alternate=True):
    """Replicas whose neighbours exchange with given probabilities, whatever their energies.

    The lowest ``n_rare`` pairs are tried at one of ``every`` of their turns.
    """
    rng = np.random.default_rng(seed)
    p = np.asarray(acceptance)
    holder = np.arange(len(p) + 1)
    rungs = np.empty((n_frames, len(holder)), int)
    outcome = np.full((n_frames, len(p)), -1)
    for t in range(n_frames):
        rungs[t, holder] = np.arange(len(holder))
        parity = t % 2 if alternate else rng.integers(2)
        for k in range(parity, len(p), 2):
            if k < n_rare and (t // 2) % every:
                continue
            outcome[t, k] = rng.random() < p[k]
            if outcome[t, k]:
                holder[k], holder[k + 1] = holder[k + 1], holder[k]
    return rungs, outcome


def exact_flow(p):
    """Flow of alternating exchanges, from the stationary chain of one replica's rung, parity and
    end that it comes from."""
    n = len(p) + 1
    states = [(k, parity, end) for k in range(n) for parity in (0, 1) for end in (0, 1)]
    place = {state: i for i, state in enumerate(states)}
    chain = np.zeros((len(states), len(states)))
    for k, parity, end in states:
        other = k + 1 if k % 2 == parity else k - 1
        share = p[min(k, other)] if 0 <= other < n else 0.0
        for there, weight in ((other, share), (k, 1.0 - share)):
            if weight:
                label = {0: 0, n - 1: 1}.get(there, end)
                chain[place[k, parity, end], place[there, 1 - parity, label]] += weight
    value, vector = np.linalg.eig(chain.T)
    stationary = np.abs(np.real(vector[:, np.argmin(np.abs(value - 1.0))]))
    flow = [[sum(stationary[place[k, s, end]] for s in (0, 1)) for end in (0, 1)] for k in range(n)]
    return np.array([from_top / (bottom + from_top) for bottom, from_top in flow])


def ar1(n, rho, seed, width=1.0):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=n) * width * math.sqrt(1.0 - rho**2)
    series = np.empty(n)
    series[0] = rng.normal() * width
    for t in range(1, n):
        series[t] = rho * series[t - 1] + noise[t]
    return series


# -- how replicas travel ---------------------------------------------------------------------


def test_flow_of_memoryless_replicas_is_a_straight_line():
    flows = [replica_flow(walks([0.4] * 5, 6_000, s, alternate=False)[0], 6) for s in range(12)]
    mean, error = np.mean(flows, axis=0), np.std(flows, axis=0, ddof=1) / math.sqrt(12)
    assert mean[0] == 0.0
    assert mean[-1] == 1.0
    deviation = (mean - np.arange(6) / 5)[1:-1] / error[1:-1]
    assert np.abs(deviation).max() < 4.0
    assert error.max() < 0.02


def test_flow_of_alternating_exchanges_is_that_of_the_exact_chain():
    p = [0.3, 0.6, 0.1, 0.5, 0.3]
    flows = [replica_flow(walks(p, 6_000, s)[0], 6) for s in range(12)]
    error = np.std(flows, axis=0, ddof=1)[1:-1] / math.sqrt(12)
    deviation = (np.mean(flows, axis=0) - exact_flow(p))[1:-1] / error
    assert np.abs(deviation).max() < 4.0
    assert np.argmax(np.diff(exact_flow(p))) == 2  # the bottleneck is where the flow jumps


def test_flow_of_three_frames_by_hand():
    rungs = np.array([[0, 1, 2], [1, 0, 2], [2, 0, 1]])
    # Rung 1: unknown, then a replica from the bottom, then one from the top.
    np.testing.assert_array_equal(replica_flow(rungs), [0.0, 0.5, 1.0])
    assert np.isnan(replica_flow(rungs[:1])[1])


@pytest.mark.parametrize("p", [[1.0] * 4, [0.3, 0.6, 0.1, 0.5], [0.5]])
def test_round_trip_time_is_the_exact_one_of_alternating_exchanges(p):
    times = [round_trips(walks(p, 8_000, s)[0]).time for s in range(8)]
    exact = ideal_round_trip_time(p)
    error = max(np.std(times, ddof=1) / math.sqrt(8), 2e-3 * exact)
    assert np.mean(times) == pytest.approx(exact, abs=4 * error)
    assert error < 0.05 * exact


@pytest.mark.parametrize(
    ("p", "n_mapped", "every"),
    [([0.5] * 8, 8, 5), ([0.6] * 4 + [0.4] * 8, 4, 8), ([0.3, 0.6, 0.5], 1, 3)],
)
def test_pairs_that_are_tried_at_some_turns_hold_a_round_trip_up_by_as_much(p, n_mapped, every):
    """Of walks that do nothing but exchange, the verdict says no word of slow structures."""
    times = []
    for seed in range(8):
        rungs, outcome = walks(p, 16_000, seed, n_mapped, every)
        ladder = Ladder(tuple(np.linspace(300.0, 400.0, len(p) + 1)))
        found = diagnose_ladder(ladder, rungs, None, outcome, n_mapped=n_mapped, mapped_every=every)
        times.append(found.trips.time / found.ideal_time)
    error = np.std(times, ddof=1) / math.sqrt(8)
    assert np.mean(times) == pytest.approx(1.0, abs=4 * error + 0.04)
    assert error < 0.05


def test_certain_exchange_takes_a_replica_up_and_down_without_a_stop():
    rungs, _ = walks([1.0] * 4, 101)
    trips = round_trips(rungs)
    assert ideal_round_trip_time([1.0] * 4) == 10.0
    assert trips.counts.sum() == pytest.approx(5 * 10, abs=5)


def test_round_trips_count_both_directions_and_no_half_trip():
    rungs = np.array([[0, 2, 1], [1, 1, 1], [2, 0, 2], [1, 1, 1], [0, 2, 1], [2, 1, 1]])
    trips = round_trips(rungs)
    assert trips.counts.tolist() == [1, 1, 0]
    assert trips.crossings == 5
    assert trips.time == 2 * (5 + 5 + 3) / 5


def test_a_ladder_that_never_exchanges_has_no_round_trip_time():
    trips = round_trips(np.tile(np.arange(4), (50, 1)))
    assert trips.time == math.inf
    assert ideal_round_trip_time([0.5, 0.0]) == math.inf


def test_rungs_outside_the_ladder_are_refused():
    with pytest.raises(ValueError, match="below n_rungs = 2; got 2"):
        round_trips(np.array([[0, 1, 2]]), 2)


def test_unwritten_rungs_are_refused():
    with pytest.raises(ValueError, match="lowest index of -1"):
        replica_flow(np.array([[0, -1]]))


# -- exchanges and energies ------------------------------------------------------------------


def test_acceptance_counts_attempts_and_gives_wilsons_interval():
    result = acceptance(np.array([[1, -1], [0, -1], [0, -1], [0, -1]]))
    assert result.attempts.tolist() == [4, 0]
    assert result.share[0] == 0.25
    # Wilson at z = 1, by hand: (0.25 + 1/8)/1.25 ± sqrt(0.25·0.75/4 + 1/64)/1.25
    assert result.low[0] == pytest.approx(0.3 - 0.2)
    assert result.high[0] == pytest.approx(0.3 + 0.2)
    assert np.isnan(result.share[1])


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.5, 3.0, 40.0])
def test_overlap_of_normal_distributions_is_known(distance):
    n = 4_000
    found = [
        energy_overlap(*(rng.normal(size=n), rng.normal(distance, 1.0, n)))
        for rng in map(np.random.default_rng, range(10))
    ]
    exact = erfc(distance / (2.0 * math.sqrt(2.0)))
    # Smoothing widens each by its bandwidth, 0.17 σ here, and noise takes a hundredth or two.
    assert np.mean(found) == pytest.approx(exact, abs=0.025)


def test_overlap_without_energies_is_unknown():
    assert math.isnan(energy_overlap([math.nan, 1.0], [1.0, 2.0]))


def test_energies_are_ordered_by_temperature():
    ordered = by_rung([[1.0, 2.0], [3.0, 4.0]], [[1, 0], [0, 1]], 2)
    assert ordered.tolist() == [[2.0, 1.0], [3.0, 4.0]]


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_inefficiency_of_an_autoregressive_series_is_known(rho):
    found = [detect_equilibration(ar1(4_000, rho, seed)).inefficiency for seed in range(10)]
    exact = (1.0 + rho) / (1.0 - rho)
    # The sum ends at the first lag at which noise makes the correlation negative: a little early.
    error = np.std(found, ddof=1) / math.sqrt(10)
    assert np.mean(found) == pytest.approx(exact, abs=4 * error + 0.1 * exact)
    assert error < 0.05 * exact + 0.02


def test_the_end_of_a_drift_is_found():
    starts = []
    for seed in range(10):
        series = ar1(2_000, 0.5, seed)
        series += 8.0 * np.exp(-np.arange(2_000) / 60.0)
        found = detect_equilibration(series)
        starts.append(found.start)
        assert found.drift > 5.0
    # From 8 widths to half of one takes 166 samples.
    assert 120 <= np.median(starts) <= 320


def test_stationary_series_are_seldom_called_drifting():
    found = [detect_equilibration(ar1(500, 0.6, seed)) for seed in range(300)]
    share = np.mean([e.drift > 5.0 for e in found])
    print(f"false alarms: {share:.1%}")
    assert share <= 0.02


def test_a_series_that_says_nothing_gives_none():
    assert detect_equilibration(np.arange(9.0)) is None
    assert detect_equilibration(np.full(100, 2.0)) is None


# -- sentences -------------------------------------------------------------------------------


def harmonic(rungs, seed=0):
    """Independent energies (eV) of 13 atoms at the rungs' temperatures."""
    rng = np.random.default_rng(seed)
    T = np.array(LADDER.temperatures)[rungs]
    return -40.0 + 8.617e-5 * T * rng.gamma(33 / 2, 1.0, T.shape)


def test_a_good_ladder_has_no_findings_and_a_summary_with_numbers():
    rungs, outcome = walks([0.4] * 5, 2_000)
    diagnostics = diagnose_ladder(LADDER, rungs, harmonic(rungs), outcome)
    assert ladder_findings(diagnostics) == ()
    assert np.nanmax(diagnostics.inefficiency) < 1.3
    assert np.nanmax(diagnostics.replica_inefficiency) < 1.3
    summary = ladder_summary(replace(diagnostics, frame_time=0.25))
    assert "6 of 6 replicas made" in summary
    assert "; a round trip takes " in summary
    assert " ns on average" in summary
    assert "slowly" not in summary


@pytest.mark.parametrize(
    ("passages", "said"),
    [
        ([0, 0], ""),
        ([1, 0], "None of 2 replicas made a round trip, and there was 1 passage"),
        ([1, 1], "None of 2 replicas made a round trip, and there were 2 passages"),
        ([2, 0], "1 of 2 replicas made 1 round trip"),
        ([4, 3], "2 of 2 replicas made 3 round trips"),
    ],
)
def test_none_one_and_many_round_trips_are_said_plainly(passages, said):
    two = Ladder.geometric(300.0, 600.0, 2)
    rungs = np.zeros((60, 2), int)
    for replica, number in enumerate(passages):
        for k in range(number):
            rungs[8 * (k + 1) + replica :, replica] = (k + 1) % 2
    diagnostics = diagnose_ladder(two, rungs, None, None)
    if said:
        said += " from one end to the other" if "passage" in said else ""
        said += f"; a round trip takes {diagnostics.trips.time:.3g} frames on average."
    assert ladder_summary(diagnostics) == said


def test_a_single_round_trip_is_one():
    rungs, outcome = walks([0.4] * 5, 200)
    once = np.zeros_like(rungs)
    once[50:100, 0] = 5
    found = ladder_findings(diagnose_ladder(LADDER, once, None, outcome))
    assert any("only 1 round trip of 6 replicas" in sentence for sentence in found)


def test_a_ladder_cut_in_two_is_found_with_its_place_and_remedy():
    rungs, outcome = walks([0.4, 0.4, 0.0, 0.4, 0.4], 1_000)
    energies = harmonic(rungs) + 2.0 * (rungs >= 3)
    found = ladder_findings(diagnose_ladder(LADDER, rungs, energies, outcome))
    T = LADDER.temperatures
    assert found[0].startswith(
        f"The ladder is broken between {kelvin(T[2])} and {kelvin(T[3])} K, which never exchanged "
        "(0 of 500 attempts): add "
    )
    assert "--tune-ladder" in found[0]
    assert found[1].startswith("The ladder is not mixed: none of 6 replicas")
    assert f"turn back between {kelvin(T[2])} and {kelvin(T[3])} K" in found[1]
    assert len(found) == 2


def test_a_ladder_that_hardly_exchanges_is_found():
    rungs, outcome = walks([0.4, 0.4, 0.02, 0.4, 0.4], 1_000)
    found = ladder_findings(diagnose_ladder(LADDER, rungs, None, outcome))
    assert "hardly exchange" in found[0]
    assert "add temperatures between them" in found[0]


def test_a_few_attempts_are_no_verdict():
    rungs, outcome = walks([0.4, 0.4, 0.0, 0.4, 0.4], 30)
    found = ladder_findings(diagnose_ladder(LADDER, rungs, None, outcome))
    assert not any("broken" in sentence for sentence in found)


def test_a_short_run_of_a_good_ladder_is_told_how_long_a_round_trip_takes():
    rungs, outcome = walks([0.3] * 5, 60)
    found = ladder_findings(
        diagnose_ladder(LADDER, rungs, harmonic(rungs), outcome, frame_time=0.1)
    )
    assert len(found) == 1
    assert found[0].startswith("The ladder is not mixed")
    assert re.search(r" in 6 ns.*; one takes [\d.]+ ns .*run several times as long", found[0])


def test_a_drift_is_found_with_its_length():
    rungs, outcome = walks([0.4] * 5, 2_000)
    drift = 3.0 * np.exp(-np.arange(2_000) / 60.0)[:, None] * (rungs == 4)
    found = ladder_findings(
        diagnose_ladder(LADDER, rungs, harmonic(rungs) + drift, outcome, frame_time=0.25)
    )
    assert len(found) == 1
    assert f"the energy at {kelvin(LADDER.temperatures[4])} K drifts over the first" in found[0]
    assert "of 500 ns; discard that much more (tempering.discard)" in found[0]


def test_a_run_shorter_than_its_memory_is_found():
    rungs, outcome = walks([0.4] * 5, 2_000)
    slow = np.sin(np.arange(2_000) / 2_000 * 4.0)[:, None] * 5.0 * (rungs == 0)
    found = ladder_findings(diagnose_ladder(LADDER, rungs, harmonic(rungs) + slow, outcome))
    assert len(found) == 1
    assert found[0].startswith("The run is too short to tell")
    assert "at 300 K" in found[0]


def test_what_replicas_remember_is_seen_along_them_and_not_along_a_temperature():
    rungs, outcome = walks([0.6] * 5, 3_000)
    own = np.stack([ar1(3_000, 0.95, seed) for seed in range(6)], axis=1)
    width = np.array(LADDER.temperatures)[rungs] * 8.617e-5 * 4.0
    diagnostics = diagnose_ladder(LADDER, rungs, harmonic(rungs) * 0.0 + width * own, outcome)
    exact = 1.95 / 0.05
    assert np.median(diagnostics.replica_inefficiency) == pytest.approx(exact, rel=0.25)
    assert np.median(diagnostics.inefficiency) < 0.5 * exact


def test_slow_structures_are_told_from_a_slow_ladder():
    rungs, outcome = walks([0.5] * 5, 4_000)
    slow = np.repeat(rungs, 8, axis=0)
    said = ladder_summary(diagnose_ladder(LADDER, slow, None, np.repeat(outcome, 8, axis=0)))
    assert "8 times what exchange alone would need: the structure changes slowly" in said


def test_a_round_trip_shorter_than_a_frame_is_no_time_of_zero():
    """As where 200 exchanges lie between two frames."""
    three, (rungs, outcome) = Ladder.geometric(300.0, 400.0, 3), walks([0.5] * 2, 200 * 20)
    history = outcome.reshape(20, 200, 2)
    diagnostics = diagnose_ladder(three, rungs[::200], None, history)
    assert diagnostics.trips.time == pytest.approx(0.09, abs=0.02)
    said = ladder_summary(diagnostics)
    assert f"a round trip takes {diagnostics.trips.time:.3g} frames on average" in said


def test_energies_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape of rungs, \(frame, replica\); got \(5, 2\)"):
        diagnose_ladder(LADDER, np.zeros((5, 6), int), np.zeros((5, 2)))


def test_exchanges_of_another_ladder_are_refused():
    with pytest.raises(ValueError, match=r"shape \(frame, 5\), or .* 6 temperatures; got \(5, 2\)"):
        diagnose_ladder(LADDER, np.zeros((5, 6), int), None, np.zeros((5, 2), int))


def test_overlap_and_acceptance_of_normal_energies_agree_with_theory():
    # Two normal distributions of equal width s, Δ apart with Δβ Δ = (Δ/s)²: a constant heat
    # capacity. Both numbers are then complementary error functions of Δ/s alone.
    s, ratio, n = 0.3, 1.2, 4_000
    rng = np.random.default_rng(4)
    cold, hot = rng.normal(0.0, s, n), rng.normal(ratio * s, s, n)
    exponent = np.minimum(ratio / s * (cold - hot), 0.0)
    accepted = np.exp(exponent)
    error = accepted.std() / math.sqrt(n)
    assert accepted.mean() == pytest.approx(2.0 * norm.sf(ratio / math.sqrt(2.0)), abs=4 * error)
    assert energy_overlap(cold, hot) == pytest.approx(2.0 * norm.sf(ratio / 2.0), abs=0.03)
