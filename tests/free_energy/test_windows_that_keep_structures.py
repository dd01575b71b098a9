"""Windows on a ladder whose walkers keep their structure, or do not: what is known, and what not.

Two structures are equally likely at all temperatures. Each walker draws its own anew in a share of
the frames, at the temperatures where that is crossed; all else is drawn exactly in every frame, and
rungs are exchanged by the exact criterion.
"""

import numpy as np
import pytest

from nanochart.biasing import exchange_walkers
from nanochart.free_energy import heated_weights
from nanochart.statistics import state_populations
from nanochart.tempering import Ladder

T = (300.0, 400.0, 530.0, 700.0)
BETAS = Ladder(T).betas
CENTRES, STIFFNESS, WELL = np.linspace(-1.0, 1.0, 5), 0.3, 0.1
#: Window of each walker, of which each window has one at each temperature.
WINDOWS = np.tile(np.arange(5), len(T))


def drawn(n_times, rng, *, crossing, apart=0.0, by_window=False):
    """Energies, log-weights, rungs, and structure of each walker.

    ``crossing`` is the probability of a new structure in a frame at each temperature; minima of
    the two structures are ``apart`` along the variable, so that windows tell them from each other;
    walkers start in structures of their own, or ``by_window``.
    """
    rungs, minima = np.repeat(np.arange(len(T)), 5), np.array([-0.5, 0.5]) * apart
    structure = rng.integers(0, 2, 5)[WINDOWS] if by_window else rng.integers(0, 2, len(rungs))
    series = []
    for t in range(n_times):
        kT = 1.0 / BETAS[rungs]
        joint = WELL * STIFFNESS / (WELL + STIFFNESS)
        cost = 0.5 * joint * (CENTRES[WINDOWS][:, None] - minima) ** 2
        share = 1.0 / (1.0 + np.exp((cost[:, 1] - cost[:, 0]) / kT))
        anew = rng.random(len(rungs)) < np.array(crossing)[rungs]
        structure = np.where(anew, rng.random(len(rungs)) < share, structure)
        middle = WELL * minima[structure] + STIFFNESS * CENTRES[WINDOWS]
        s = rng.normal(middle / (WELL + STIFFNESS), np.sqrt(kT / (WELL + STIFFNESS)))
        energy = 0.5 * WELL * (s - minima[structure]) ** 2 + rng.gamma(3.0, kT)
        V = 0.5 * STIFFNESS * (s[:, None] - CENTRES) ** 2
        series.append((energy, V[..., None] * BETAS, rungs, structure))
        reduced = BETAS * (energy + V[np.arange(len(rungs)), WINDOWS])[:, None]
        rungs, _ = exchange_walkers(reduced, rungs, t % 2, rng, WINDOWS)
    return [np.array(column) for column in zip(*series, strict=True)]


def told(*samples):
    """The difference of the two structures, which is 0."""
    energies, logs, rungs, structure = samples
    weighted = heated_weights(energies, logs, rungs, T, 300.0, windows=WINDOWS)
    return state_populations(structure, weighted, 300.0, ("A", "B")).difference(0, 1)


def coverage(repeats, n_times, **what):
    """Shares of repeats that are known, and that are falsely confident."""
    known = false = 0
    for seed in range(repeats):
        gap = told(*drawn(n_times, np.random.default_rng(seed), **what))
        known += bool(gap.known)
        false += bool(gap.known and not gap.low <= 0.0 <= gap.high)
    print("known", known / repeats, "falsely confident", false / repeats)
    return known / repeats, false / repeats


QUICK, HOT, NEVER = (0.5,) * 4, (0.0, 0.0, 0.0, 0.5), (0.0,) * 4
KEPT = [
    {"crossing": NEVER},
    {"crossing": NEVER, "apart": 1.0},
    {"crossing": NEVER, "by_window": True},
    {"crossing": NEVER, "apart": 1.0, "by_window": True},
    {"crossing": (0.0, 0.0, 0.0, 0.01), "apart": 1.0},
]
NAMES = ["kept", "kept, apart", "kept by windows", "kept by windows, apart", "hardly crossed"]


def test_structures_that_change_at_the_hottest_temperature_are_known():
    known, false = coverage(5, 600, crossing=HOT, apart=1.0)
    assert known >= 0.8
    assert false <= 0.2


@pytest.mark.parametrize("what", KEPT, ids=NAMES)
def test_structures_that_walkers_keep_are_unknown(what):
    assert coverage(3, 500, **what) == (0.0, 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("crossing", [QUICK, HOT], ids=["everywhere", "at the hottest"])
@pytest.mark.parametrize("apart", [0.0, 1.0])
def test_coverage_of_100_heated_windows(crossing, apart):
    known, false = coverage(100, 600, crossing=crossing, apart=apart)
    assert known >= 0.90
    assert false <= 0.10


@pytest.mark.slow
@pytest.mark.parametrize("what", KEPT, ids=NAMES)
def test_structures_that_walkers_keep_are_hardly_ever_falsely_known(what):
    assert coverage(60, 600, **what)[1] <= 0.05


def test_windows_whose_shares_are_not_compared_make_the_check_fail(monkeypatch):
    module = "nanochart.statistics.weighted.window_agreement"
    monkeypatch.setattr(module, lambda *_, **__: "")
    assert coverage(3, 500, crossing=NEVER, by_window=True)[1] > 0.5


def test_the_window_whose_ladder_is_not_mixed_is_named():
    samples = drawn(200, np.random.default_rng(0), crossing=QUICK)
    samples[2][:, WINDOWS == 3] = np.arange(len(T))
    energies, logs, rungs, _ = samples
    found = heated_weights(energies, logs, rungs, T, 300.0, windows=WINDOWS)
    assert "the ladder of window 4 is not mixed: 4 walkers made 0 round" in found.reservation


def test_windows_of_another_shape_are_one_sentence():
    samples = drawn(10, np.random.default_rng(0), crossing=QUICK)
    with pytest.raises(
        ValueError, match=r"\(time, walker, window, rung\) of 5 windows and 4 rungs"
    ):
        heated_weights(samples[0], samples[1][..., 0], samples[2], T, 300.0, windows=WINDOWS)
