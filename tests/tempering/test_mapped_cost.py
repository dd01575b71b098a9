"""What mapped exchanges may cost: how many pairs, how often, and what is forecast."""

import re
from functools import partial

import numpy as np
import pytest

import nanochart as nc
from nanochart.config import load_config
from nanochart.dynamics import Langevin
from nanochart.tempering import (
    Ladder,
    MappedReach,
    TemperingConfig,
    initialize_tempering,
    langevin_segment,
    mapped_exchange,
    within_motif,
)
from nanochart.workflow import run_info, sample, sampling_progress
from nanochart.workflow.sampling_progress import Work

COLD = (20.0, 44.0, 77.0, 119.0, 170.0, 230.0, 300.0)
HOT = tuple(300.0 + 25.0 * k for k in range(1, 13))


def reach(plain, mapped, evaluations=50.0, temperatures=COLD, n_atoms=147):
    n = len(temperatures)
    plain, mapped = (np.broadcast_to(np.asarray(p, float), n - 1) for p in (plain, mapped))
    return MappedReach(Ladder(temperatures), plain, mapped, np.full(n, evaluations), n_atoms)


def share(found, steps, below, every):
    """Of a run, that of mapped exchanges."""
    n = found.ladder.pairs_below(below)
    cost = found.cost(n) / every
    return cost / (cost + len(found.ladder) * steps)


@pytest.mark.parametrize("steps", [24, 72, 360, 1800])
@pytest.mark.parametrize("evaluations", [50.0, 150.0])
def test_mapped_exchanges_take_at_most_a_seventh_of_a_run(steps, evaluations):
    ladder = (*COLD, *HOT)
    plain = [0.0] * 6 + [0.15] * 6 + [0.4] * 6
    found = reach(plain, [0.4] * 12 + [0.1] * 6, evaluations, ladder)
    below, every = found.best(steps)
    assert share(found, steps, below, every) <= 0.15
    # What would be lost without: cold pairs exchange in no other way.
    assert below >= 300.0
    assert below <= found.below == 450.0  # minima do not last above


def test_cold_pairs_are_tried_more_rarely_where_exchanges_come_often():
    found = reach(0.0, 0.4)
    assert found.best(1800) == (300.0, 1)
    below, every = found.best(72)
    assert below == 300.0
    assert every > 2
    assert share(found, 72, below, every - 1) > 0.15


def test_pairs_that_exchange_plainly_are_not_mapped_for_the_cost_of_all_others():
    """At 15 % of the run, all pairs could be tried at every fifth of their turns only."""
    found = reach([0.0] * 6 + [0.3] * 12, [0.4] * 6 + [0.5] * 12, temperatures=(*COLD, *HOT))
    assert found.below == 600.0
    assert found.best(10_000) == (600.0, 1)
    assert found.best(120)[0] == 300.0


def test_where_nothing_is_gained_nothing_is_mapped():
    assert reach(0.5, 0.5).best(1_000) == (0.0, 1)
    assert reach(0.3, 0.0).best(1_000) == (0.0, 1)


def settings(**tempering):
    return load_config(
        {
            "system": {"metal": "Cu", "n_atoms": 38},
            "starts": ["octahedron"],
            "tempering": {"temperatures": [40, 100, 200, 300, 320], "swap_interval": 0.2,
                          "time_per_replica": 0.02, **tempering},
        }
    )  # fmt: skip


def test_a_run_that_exchanges_often_tries_its_mapped_pairs_at_some_turns(tmp_path):
    whole = sample(settings(), tmp_path / "whole.zarr")
    exchange = run_info(whole)["exchange"]
    n, every = sum(pair["kind"] == "mapped" for pair in exchange["pairs"]), exchange["mapped_every"]
    assert n >= 2
    assert every > 1
    tried = whole.frames().thermal.exchanges[:, 0] >= 0
    rounds = np.arange(len(tried))
    for k in range(4):
        turn = rounds % 2 == k % 2
        expected = turn & ((rounds // 2) % every == 0) if k < n else turn
        np.testing.assert_array_equal(tried[:, k], expected)
    calls = iter([False] * 33 + [True] * 100)
    sample(settings(), tmp_path / "cut.zarr", stop=lambda: next(calls))
    cut = sample(settings(), tmp_path / "cut.zarr", resume=True)
    assert cut.to_xarray().equals(whole.to_xarray())


def test_a_limit_given_by_hand_is_kept_and_tried_as_rarely_as_it_costs(tmp_path):
    run = sample(settings(mapped_below=320), tmp_path / "run.zarr", stop=lambda: True)
    facts = run.metadata.provenance
    assert facts["mapped_below"] == facts["minima_last_to"] == 320.0
    assert facts["mapped_every"] > 1


def work(dynamics, ladder, *, within=None, below=0.0, every=1):
    potential = nc.potentials.gupta("Cu")
    free = langevin_segment(potential, dynamics)
    segment = within_motif(free, potential, dynamics, within) if within else free
    mapped = mapped_exchange(potential, dynamics, below, every) if below else None
    return Work(free, segment, TemperingConfig(ladder, 200), mapped, None)


def test_the_forecast_counts_the_quenches(monkeypatch):
    """Of which each is said to take a second here."""
    measured = []

    def second(piece):
        measured.append(piece())
        return 1.0

    monkeypatch.setattr(sampling_progress, "seconds_of", second)
    copper = nc.potentials.gupta("Cu")
    start = nc.clusters.build("octahedron", "Cu", 38).positions
    ladder = Ladder((40.0, 100.0, 200.0, 300.0, 320.0))
    dynamics = Langevin(5.0, 1e-3, nc.clusters.confining_radius(start, 4.0))
    state = initialize_tempering(start[None], copper, TemperingConfig(ladder, 200), 1)
    made = partial(work, dynamics, ladder)
    assert made().quenches(state) == 0.0
    assert made(within="fcc").quenches(state) == 2.0  # half-way and at the end, of each replica
    assert measured.pop().all()  # the quench of what has moved, and is still an octahedron
    assert made(below=300.0).quenches(state) == pytest.approx(0.5 * 3 / 5)
    assert measured.pop().accepted.all()  # with the second look at the basins
    assert made(below=300.0, every=3).quenches(state) == pytest.approx(0.5 / 5)
    both = made(within="fcc", below=300.0).quenches(state)
    assert both == pytest.approx(2.0 + 0.5 * 3 / 5)


def test_a_run_says_how_large_it_will_be(tmp_path):
    notes = []
    config = settings(time_per_replica=0.004, exchanges_per_frame=4)
    sample(config, tmp_path / "run.zarr", progress=lambda *told: notes.append(told[3]))
    assert re.match(r"5 replicas of [\d.]+ ns, 5 frames in about 11 kB: about ", notes[0])
