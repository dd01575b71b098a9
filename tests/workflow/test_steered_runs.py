"""Steered runs, from family to family, and the works of both directions that go together."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

import nanochart as nc
from helpers.biased import settings
from helpers.command import nanochart
from nanochart.config.bias import BiasConfig
from nanochart.config.run import validated
from nanochart.errors import ConfigError, StoreError
from nanochart.workflow import bias_run, fes_run, works_of_runs
from nanochart.workflow.bias.plans import plan_of
from nanochart.workflow.bias.resolve import resolve
from nanochart.workflow.fes.works import _drifts


def steer(folder, way, name, **changes):
    steered = {"along": way, "duration": 0.02, "hold": 0.01, "stiffness": 0.1}
    config = settings(
        folder, opes=None, time=None, stride=5.0, dynamics={"time_step": 5.0},
        **{"walkers": 10, **changes, "steered": {**steered, **changes.get("steered", {})}},
    )  # fmt: skip
    return bias_run(config, folder / name)


@pytest.fixture(scope="module")
def steered(charted):
    names = nc.store.open(charted / "cu38.zarr").info("families")["names"]
    ends = [names[1], names[2]]
    return [steer(charted, way, f"steered{k}.zarr") for k, way in enumerate((ends, ends[::-1]))]


def test_steered_walkers_go_from_family_to_family_and_works_are_compared(charted, steered):
    data = steered[0].to_xarray()
    assert data.sizes["frame"] == 60
    assert (data["work"][:20] == 0).all()  # at rest while it is held
    assert (data["work"][-1] != 0).all()
    moved = data["restraint"][-1, 0] - data["restraint"][0, 0]
    assert np.abs(moved).max() > 0.05
    done = nanochart("fes", steered[0].path, "--backward", steered[1].path, "--json")
    result = json.loads(done.stdout)
    names = nc.store.open(charted / "cu38.zarr").info("families")["names"]
    assert (result["from"], result["to"], result["works"]) == (names[1], names[2], [10, 10])
    assert (result["difference"] is None) == ("do not overlap" in result["advice"])
    assert imread(charted / "steered0-fes" / "works.png").std() > 0.01
    with pytest.raises(StoreError, match="is a steered run, which is out of equilibrium"):
        fes_run(steered[0])


def test_steered_walkers_start_from_different_frames_of_the_first_place(charted, steered):
    plan = plan_of(steered[0])
    assert len({x.tobytes() for x in plan.starts}) == 10
    source = nc.store.open(charted / "cu38.zarr")
    data = source.to_xarray()
    x = data["positions"].to_numpy().astype(float)
    known = (x - x.mean(axis=2, keepdims=True)).reshape(-1, 38, 3)
    codes = data["family"].to_numpy().ravel()
    for start in plan.starts:
        assert codes[np.abs(known - start).max(axis=(1, 2)).argmin()] == 1
    assert plan.start_names == (source.info("families")["names"][1],) * 10
    config = {**steered[0].metadata.config, "starts": list(plan.places[:1])}
    same = resolve(validated(BiasConfig, config, "the configuration"))
    assert same.plan.fingerprint == plan.fingerprint  # to name the first place changes nothing
    with pytest.raises(ConfigError, match=r"must start at its first place, .*; got starts: fcc"):
        steer(charted, plan.places, "never.zarr", starts=["fcc"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"steered": {"stiffness": 0.05}}, "the stiffness 0.1, 0.1 eV per unit² and 0.05, 0.05"),
        ({"steered": {"duration": 0.01}}, "moves of 20 ps and 10 ps"),
        ({"temperature": 420}, "the temperature 400 K and 420 K"),
        ({"variables": ["s1"]}, "the variables s1, s2 and s1"),
    ],
)
def test_works_of_another_protocol_are_not_combined(charted, steered, tmp_path, changes, sentence):
    way = plan_of(steered[1]).places
    other = steer(charted, way, "other.zarr", walkers=2, **changes)
    moved = shutil.move(other.path, tmp_path / "other.zarr")
    with pytest.raises(StoreError, match=f"must be the mirror of the forward .*{sentence}"):
        works_of_runs(steered[:1], [nc.store.open(moved)])


def test_works_that_go_elsewhere_or_are_taken_twice_are_not_combined(steered):
    with pytest.raises(StoreError, match=r"must be of one protocol, .* the way from"):
        works_of_runs(steered)
    with pytest.raises(StoreError, match=r"must be the mirror of the forward .* the way from"):
        works_of_runs(steered[:1], steered[:1])
    with pytest.raises(StoreError, match=r"must be independent; .* give each its own seed"):
        works_of_runs([steered[0], steered[0]])


@pytest.mark.parametrize(("trend", "moving"), [(0.0, False), (0.3, True)])
def test_walkers_that_still_move_when_the_hold_ends_are_told(trend, moving):
    rng = np.random.default_rng(0)
    rounds, walkers = 30, 12
    values = rng.normal(size=(40, walkers, 2)) + trend * np.arange(40)[:, None, None]
    values[rounds:] += 100.0  # what comes after the hold is no part of it
    run = SimpleNamespace(
        frames=lambda a, b: SimpleNamespace(biased=SimpleNamespace(variables=values[a:b]))
    )
    plan = SimpleNamespace(
        method=SimpleNamespace(steps=(rounds * 100, 4000)), steps_per_round=100, n_walkers=walkers
    )
    assert _drifts(run, plan) is moving


def test_few_works_say_that_nothing_is_known(charted, steered):
    few = steer(charted, plan_of(steered[0]).places, "few.zarr", walkers=4)
    works = works_of_runs([few])
    assert not works.estimate.known
    done = nanochart("fes", few.path, code=0)
    assert "unknown" in done.stdout
    assert "4 works are too few" in done.stdout
