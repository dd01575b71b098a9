"""Errors that know what they do not know: laws, known answers, coverage, and broken methods."""

import numpy as np
import pytest
from scipy.stats import binom

from nanochart.statistics import (
    Weighted,
    blocks,
    growth,
    lasting_changes,
    make_blocks,
    slices_of,
    state_populations,
    statistical_inefficiency,
    weighted,
)
from nanochart.testing import HiddenSeries

FRAMES, WALKERS = 2_000, 4


def ratio(inside):
    """ln(p_A / p_B) of walkers without bias."""
    return ratio_of(Weighted(np.zeros(inside.shape)), inside)


def ratio_of(weighted, inside):
    """ln(p_A / p_B), A being inside."""
    return weighted.log_ratios(inside[..., None], ~inside[..., None], [("A", "B")])[0]


class Coverage:
    """What intervals do over seeded repeats: known, holding the truth, falsely confident, wide."""

    def __init__(self, make, truth, n, ideal=None):
        found = [ratio(make(np.random.default_rng(seed))) for seed in range(n)]
        values = np.array([float(f.value) for f in found])
        known = np.array([bool(f.known) for f in found])
        held = np.array([float(f.low) <= truth <= float(f.high) for f in found])
        half = np.array([0.5 * float(f.high - f.low) if f.known else np.inf for f in found])
        if ideal is None:  # 95 % of a normal distribution of the estimates themselves
            ideal = 1.96 * float(values[np.isfinite(values)].std())
        self.n = n
        self.known = float(known.mean())
        self.covered = float(held[known].mean()) if known.any() else np.nan
        self.false = float((known & ~held).mean())
        self.useful = float((half <= 1.5 * ideal).mean())

    def __repr__(self):
        return (
            f"known {self.known:.3f}, of these covered {self.covered:.3f}, falsely confident "
            f"{self.false:.3f}, known within 1.5 of the ideal width {self.useful:.3f}"
        )


def hidden(time, coupling=np.inf):
    series = HiddenSeries(time, coupling)
    truth = np.log(series.share / (1.0 - series.share))
    return (lambda rng: series.draw(FRAMES, WALKERS, rng)), truth


def frozen(rng, flicker=0.0, first=2):
    """Walkers that never leave: the first in A, the others in B, with labels that flicker."""
    inside = np.zeros((FRAMES, WALKERS), dtype=bool)
    inside[:, :first] = True
    return inside ^ (rng.random(inside.shape) < flicker)


# ------------------------------------------------------------------------------ inefficiency


def test_inefficiency_is_that_of_an_autoregressive_series():
    for time in (2.0, 20.0):
        h = HiddenSeries(time).hidden(20_000, 4, np.random.default_rng(1))
        a = np.exp(-1.0 / time)
        assert statistical_inefficiency(h) == pytest.approx((1 + a) / (1 - a), rel=0.15)
    assert statistical_inefficiency(np.random.default_rng(2).normal(size=(4000, 4))) < 1.2


def test_walkers_that_stay_apart_are_worth_one_sample_each():
    rng = np.random.default_rng(3)
    inside = frozen(rng, flicker=0.002)
    assert statistical_inefficiency(inside) == pytest.approx(FRAMES, rel=0.05)
    # About each walker's own mean the same series would look independent.
    assert statistical_inefficiency(inside - inside.mean(axis=0)) < 1.5


def test_a_slow_share_of_the_variance_shows_in_the_halves_of_walkers():
    series = HiddenSeries(1_000.0, coupling=0.3)
    inside = series.draw(FRAMES, WALKERS, np.random.default_rng(4))
    assert make_blocks(inside / inside.sum() - 1 / inside.size).inefficiency > 100


def test_a_series_that_rounding_alone_moves_does_not_vary():
    series = np.full((200, 1), 1.0 / 3.0)
    series[100:] = np.nextafter(1.0 / 3.0, 1.0)
    assert statistical_inefficiency(series) == 1.0
    assert statistical_inefficiency(1e9 * series) == 1.0
    # What truly varies counts, however small it is.
    moving = 1e-9 * np.repeat(np.random.default_rng(3).normal(size=40), 10)[:, None]
    assert statistical_inefficiency(moving) > 5.0


# ------------------------------------------------------------------------------------ blocks


def test_blocks_are_whole_slices_and_their_sums_the_total():
    rng = np.random.default_rng(5)
    z = rng.normal(size=(203, 3, 2))
    blocks = make_blocks(z)
    np.testing.assert_allclose(blocks.sums(z).sum(axis=0), z.sum(axis=(0, 1)))
    np.testing.assert_allclose(slices_of(z).sum(axis=0), z.sum(axis=0))
    assert blocks.of_samples.shape == (203, 3)
    assert blocks.of_samples.max() == blocks.n - 1


def test_the_variance_of_independent_samples_is_their_number_times_their_variance():
    rng = np.random.default_rng(6)
    found = [make_blocks(z).variance(z)[0] for z in rng.normal(size=(200, 640, 4))]
    assert np.mean(found) == pytest.approx(640 * 4, rel=0.05)


def test_blocks_taken_together_and_draws_have_the_same_variance():
    rng = np.random.default_rng(7)
    z = rng.normal(size=(640, 16))
    blocks = make_blocks(z)
    few = blocks.merged(64)
    assert few.n <= 80 < blocks.n
    assert few.variance(z)[0] == pytest.approx(blocks.variance(z)[0], rel=0.5)
    draws = blocks.draws(blocks.sums(z), 4_000, seed=1)
    assert draws.var() == pytest.approx(blocks.variance(z)[0], rel=0.1)


def test_what_replicas_do_together_counts():
    rng = np.random.default_rng(8)
    together = np.repeat(rng.normal(size=(2_000, 1)), 8, axis=1)
    alone, shared = make_blocks(together), make_blocks(together, "replicas")
    assert alone.variance(together)[0] == pytest.approx(16_000, rel=0.4)
    assert shared.variance(together)[0] == pytest.approx(8 * 16_000, rel=0.5)
    assert shared.decisive(together).n < shared.n


def test_each_window_has_its_own_mean_and_memory():
    rng = np.random.default_rng(9)
    z = rng.normal(size=(1_000, 6)) + 100.0 * np.arange(6)
    blocks = make_blocks(z, "windows")
    assert blocks.known
    assert blocks.variance(z)[0] == pytest.approx(6_000, rel=0.4)
    z[:, 2] += 10.0 * HiddenSeries(400.0).hidden(1_000, 1, rng)[:, 0]
    slow = make_blocks(z, "windows")
    assert not slow.known  # one window of six is enough
    assert slow.inefficiency > 100


def test_a_window_that_saw_a_state_for_a_single_while_is_not_known():
    """Its share, memory and error are those of that while, and each of them looks well known."""
    rng = np.random.default_rng(19)
    z = rng.normal(size=(1_000, 6))
    z[400:440, 3] += 10.0
    found = make_blocks(z, "windows")
    assert found.independent > 16
    assert not found.known
    assert found.why.startswith("window 4 was on one side of its mean for")
    for start in range(0, 1_000, 70):  # as often as slices allow
        z[start : start + 40, 3] += 10.0
    assert make_blocks(z, "windows").known
    # A single sample is chance, and no while.
    z[:] = rng.normal(size=z.shape)
    z[500, 2] = 40.0
    assert make_blocks(z, "windows").known


# ---------------------------------------------------------------------------------- coverage

CASES = {
    "independent": hidden(0.0),
    "correlated, 2 frames": hidden(2.0),
    "correlated, 10 frames": hidden(10.0),
    "hidden, 2 frames": hidden(2.0, 0.3),
    "hidden, 50 frames": hidden(50.0, 0.3),
}
UNMIXED = {
    "correlated, 200 frames": hidden(200.0),
    "correlated, 1,000 frames": hidden(1_000.0),
    "correlated, 10,000 frames": hidden(10_000.0),
    "hidden, 200 frames": hidden(200.0, 0.3),
    "hidden, 1,000 frames": hidden(1_000.0, 0.3),
    "hidden, 10,000 frames": hidden(10_000.0, 0.3),
    "never leave": (frozen, 3.0),
    "never leave, flicker": (lambda rng: frozen(rng, 0.002), 3.0),
    "all in one, flicker": (lambda rng: frozen(rng, 0.002, first=4), 3.0),
}


@pytest.mark.parametrize("name", CASES)
def test_intervals_hold_the_truth_where_samples_suffice(name):
    found = Coverage(*CASES[name], n=60)
    print(name, found)
    assert found.known >= 0.95
    assert found.covered >= binom.ppf(1e-3, 60, 0.94) / 60
    assert found.useful >= binom.ppf(1e-3, 60, 0.92) / 60


@pytest.mark.parametrize("name", UNMIXED)
def test_walkers_that_hardly_mix_are_hardly_ever_falsely_confident(name):
    found = Coverage(*UNMIXED[name], n=60)
    print(name, found)
    assert found.false <= 0.10
    if "leave" in name or "flicker" in name:
        assert found.known == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", [*CASES, *UNMIXED, "hidden, 100 frames"])
def test_coverage_of_200_repeats(name):
    make, truth = {**CASES, **UNMIXED, "hidden, 100 frames": hidden(100.0, 0.3)}[name]
    found = Coverage(make, truth, n=200)
    print(name, found)
    assert found.false <= 0.10
    if name in CASES:
        assert 0.90 <= found.covered <= 0.98
        assert found.useful >= 0.90


def of_own_means(series, false_alarm=0.05):
    values = np.asarray(series, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    own = values - values.mean(axis=0)
    moving = own[:, own.std(axis=0) > 0]
    if not moving.size:
        return 1.0
    return float(np.median([statistical_inefficiency(c, false_alarm) for c in moving.T]))


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("never leave, flicker", {"statistical_inefficiency": of_own_means}),
        ("correlated, 1,000 frames", {"statistical_inefficiency": of_own_means}),
        ("hidden, 1,000 frames", {"statistical_inefficiency": of_own_means}),
        ("hidden, 1,000 frames", {"slice_number": lambda n, *_: np.arange(n)}),
        ("all in one, flicker", {"_VISITS": 0}),
    ],
)
def test_a_broken_method_is_falsely_confident(name, broken, monkeypatch):
    for what, how in broken.items():
        module = weighted if what == "_VISITS" else blocks
        monkeypatch.setattr(module, what, how)
    assert Coverage(*UNMIXED[name], n=40).false > 0.10


@pytest.mark.parametrize("n_walkers", [16, 48, 64])
def test_many_walkers_cannot_replace_time(n_walkers):
    """Walkers that never leave, however many, and walkers that all start in one state."""
    inside = np.zeros((FRAMES, n_walkers), dtype=bool)
    inside[:, : int(0.6 * n_walkers)] = True
    assert not ratio(inside).known
    rng = np.random.default_rng(14)
    wrong = 0
    for _ in range(20):
        h = HiddenSeries(2_000.0, bias=0.0).hidden(FRAMES, n_walkers, rng)
        decay = np.exp(-np.arange(FRAMES) / 2_000.0)[:, None]
        started = h - h[0] * decay + 1.5 * decay > 0.0  # all from one side
        gap = ratio(started)
        wrong += bool(gap.known and not gap.low <= 0.0 <= gap.high)
    assert wrong <= 2


def test_walkers_of_small_weight_do_not_count():
    series, wrong = HiddenSeries(150.0, bias=0.0), 0
    for seed in range(60):
        inside = series.draw(FRAMES, 8, np.random.default_rng(seed))
        logs = np.zeros(inside.shape)
        logs[:, 0] = 12.0
        gap = ratio_of(Weighted(logs), inside)
        wrong += bool(gap.known and not gap.low <= 0.0 <= gap.high)
    assert wrong <= 6


def test_a_mean_that_a_few_samples_hold_is_not_known():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        weighted = Weighted(rng.normal(0.0, 30.0, (FRAMES, WALKERS)))
        found = weighted.mean(rng.normal(size=(FRAMES, WALKERS)))
        assert not found.known
        assert "all the weight is that of" in found.reason


# --------------------------------------------------------------------------------- questions


def test_the_mean_of_what_never_changed_is_not_known():
    weighted = Weighted(np.zeros((200, 2)))
    found = weighted.mean(np.full((200, 2), 3.0))
    assert not found.known
    assert found.value == pytest.approx(3.0)
    assert "nothing changed" in found.reason
    assert weighted.mean(np.random.default_rng(0).normal(size=(200, 2))).known


def test_a_reservation_leaves_nothing_known():
    rng = np.random.default_rng(10)
    inside = rng.random((FRAMES, WALKERS)) < 0.4
    assert ratio(inside).known
    held = Weighted(np.zeros(inside.shape), reservation="the ladder is not mixed")
    found = ratio_of(held, inside)
    assert not found.known
    assert found.reason == "the ladder is not mixed"
    assert found.summary()["value"] is None


def test_few_effective_samples_are_few():
    rng = np.random.default_rng(11)
    inside = rng.random((FRAMES, WALKERS)) < 0.4
    logs = np.zeros(inside.shape)
    logs[[100, 900], [0, 2]] = 20.0  # two frames hold all the weight
    found = ratio_of(Weighted(logs), inside)
    assert Weighted(logs).effective == pytest.approx(2.0, rel=0.01)
    assert not found.known


def test_weights_are_worth_what_kish_says():
    assert Weighted(np.zeros((50, 2))).effective == pytest.approx(100)
    assert Weighted(np.array([[0.0], [-800.0], [np.nan]])).effective == pytest.approx(1.0)
    with pytest.raises(ValueError, match="at least one finite value"):
        Weighted(np.array([[np.nan], [-np.inf]]))


def test_shares_of_states_keep_within_0_and_1_and_add_up():
    series = HiddenSeries(5.0)
    codes = np.where(series.draw(FRAMES, WALKERS, np.random.default_rng(12)), 1, 0)
    found = state_populations(codes, Weighted(np.zeros(codes.shape)), 300.0, ("B", "A", "never"))
    assert found.shares.value.sum() == pytest.approx(1.0)
    assert found.shares.low[1] < series.share < found.shares.high[1]
    assert not found.shares.known[2]
    assert found.shares[2].summary()["value"] is None
    assert found.converged
    gap = found.difference(0, 1)
    kT = 8.617333262e-5 * 300.0
    assert gap.value == pytest.approx(-kT * np.log(found.shares.value[1] / found.shares.value[0]))
    mirrored = found.difference(1, 0)
    assert (mirrored.low, mirrored.high) == pytest.approx((-gap.high, -gap.low))
    assert not found.difference(0, 2).known
    assert "never was never visited" in found.difference(0, 2).reason


def test_a_state_that_matters_and_is_not_known_is_not_converged():
    codes = np.where(frozen(np.random.default_rng(13)), 1, 0)
    found = state_populations(codes, Weighted(np.zeros(codes.shape)), 300.0, ("twin", "fcc"))
    assert not found.converged
    assert found.unknown == ("twin", "fcc")
    assert found.verdict.startswith("not converged: unknown is the share of twin, fcc")
    assert "hardly mix" in found.verdict


def test_every_state_says_its_own_reason():
    rng = np.random.default_rng(15)
    codes = np.where(rng.random((FRAMES, WALKERS)) < 0.5, 0, 1)
    codes[500:503, 0] = 2
    found = state_populations(codes, Weighted(np.zeros(codes.shape)), 300.0, ("A", "B", "rare"))
    assert found.converged
    assert "why" not in found.shares[0].summary()
    assert "rare was entered" in found.shares[2].summary()["why"]
    assert "rare" in found.difference(0, 2).reason


def test_where_a_state_that_matters_is_unknown_no_share_is_known_and_differences_may_be():
    rng = np.random.default_rng(17)
    codes = np.where(rng.random((FRAMES, WALKERS)) < 0.5, 0, 1)
    codes[200:260, 0] = codes[900:960, 1] = 2  # two visits to a third state
    found = state_populations(codes, Weighted(np.zeros(codes.shape)), 300.0, ("A", "B", "twice"))
    assert not found.shares.known.any()
    assert "the share of twice is unknown" in found.shares[0].reason
    assert found.unknown == ("A", "B", "twice")
    assert found.difference(0, 1).known
    assert not found.difference(0, 2).known


def test_many_pairs_are_asked_a_few_at_a_time(monkeypatch):
    rng = np.random.default_rng(20)
    codes = rng.integers(0, 6, (400, 2))
    codes[:, 0] = np.where(codes[:, 0] == 5, 0, codes[:, 0])
    pairs = [(a, b) for a in range(6) for b in range(a)]
    judged, most = Weighted.judged, []

    def counted(self, value, influence):
        most.append(np.asarray(influence).size)
        return judged(self, value, influence)

    def found():
        populations = state_populations(codes, Weighted(np.zeros(codes.shape)), 300.0)
        return populations.shares, populations.differences(pairs)

    whole = found()
    monkeypatch.setattr(Weighted, "judged", counted)
    monkeypatch.setattr(weighted, "_MOST_NUMBERS", 4 * codes.size)
    for part, all_at_once in zip(found(), whole, strict=True):
        for name in ("value", "error", "low", "high", "known"):
            np.testing.assert_array_equal(getattr(part, name), getattr(all_at_once, name))
        assert part.why == all_at_once.why
    assert max(most) == 4 * codes.size


def test_of_one_state_alone_there_are_no_differences():
    codes = np.zeros((200, 2), dtype=int)
    found = state_populations(codes, Weighted(np.zeros(codes.shape)), 300.0, ("A",))
    assert found.differences([]).value.shape == (0,)


def test_a_membership_without_any_state_is_not_converged():
    codes = np.full((200, 2), -1)
    found = state_populations(codes, Weighted(np.zeros(codes.shape)), 300.0, ("A", "B"))
    assert not found.converged
    assert "no sample is in any" in found.verdict


def test_the_error_of_a_membership_widens_what_is_known_and_nothing_else():
    rng = np.random.default_rng(16)
    codes = np.where(rng.random((FRAMES, WALKERS)) < 0.4, 0, 1)
    weighted, names = Weighted(np.zeros(codes.shape)), ("A", "B", "never")
    own = state_populations(codes, weighted, 300.0, names)
    more = state_populations(codes, weighted, 300.0, names, beside=[0.05, 0.05, 0.05])
    assert more.shares.error[0] == pytest.approx(np.hypot(own.shares.error[0], 0.05), rel=1e-6)
    assert more.shares.low[0] < own.shares.low[0]
    assert not more.shares.known[2]
    assert more.difference(0, 1).error > own.difference(0, 1).error


def test_a_label_that_flickers_has_not_changed():
    quiet = np.zeros((400, 2))
    quiet[[50, 200, 300], 0] = 1.0
    assert lasting_changes(quiet, 1.0 - quiet) == 0
    quiet[100:110, 1] = 1.0
    assert lasting_changes(quiet, 1.0 - quiet) == 2
    grown = growth(
        state_populations(quiet.astype(int), Weighted(np.zeros(quiet.shape)), 300.0), 0, 1
    )
    assert grown.changes == 2
    assert not any(bool(e.known) for e in grown.estimates)
