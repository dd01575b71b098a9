"""Free energies of parallel tempering: the same numbers as `nanochart thermo`, or none."""

import numpy as np
import pytest

import nanochart as nc
from helpers.command import nanochart
from nanochart.workflow import fes_run, thermo_run


def test_parallel_tempering_has_a_surface_in_its_chart(charted):
    run = nc.store.open(charted / "cu38.zarr")
    thermo = thermo_run(run, labels="motif", seed=0)
    T = float(thermo.temperatures[20])
    found = fes_run(run, by="motif", temperature=T, geometric=True)
    assert found.method == "parallel tempering"
    assert found.variables == ("s1", "s2")
    assert found.geometric.gauge_invariant
    assert any(state for state, _, _ in found.basins)
    cold = fes_run(run, by="motif", temperature=310)
    at = found.states.names.index("fcc")  # the truncated octahedron
    assert cold.populations.shares.value[at] > found.populations.shares.value[at]


def test_thermo_and_fes_give_equal_numbers_for_one_thing(charted):
    run = nc.store.open(charted / "cu38.zarr")
    thermo = thermo_run(run, labels="motif", seed=0)
    found = fes_run(run, by="motif", temperature=float(thermo.temperatures[20]))
    shares = found.populations.shares
    for k, name in enumerate(found.states.names):
        if name not in thermo.populations:
            assert shares.value[k] == 0.0
            continue
        for part in ("value", "error", "low", "high", "known"):
            theirs = getattr(thermo.populations[name], part)[20]
            np.testing.assert_allclose(getattr(shares, part)[k], theirs, rtol=1e-9, atol=1e-12)
    for (a, b), gap in thermo.free_energy_differences.items():
        mine = fes_run(run, by="motif", temperature=found.temperature, between=(a, b)).difference
        assert mine.value == pytest.approx(float(gap.value[20]), rel=1e-9)
        assert bool(mine.known) == bool(gap.known[20])


def test_a_ladder_that_is_not_mixed_is_not_converged_in_either_command(charted, monkeypatch):
    said = "The ladder is not mixed: none of 6 replicas went from one end to the other and back"
    monkeypatch.setattr("nanochart.tempering.tempered.ladder_reservation", lambda _: said)
    for name, nothing in (("load_result", None), ("save_result", False)):  # not of that run
        monkeypatch.setattr(nc.store.Run, name, lambda *_, nothing=nothing: nothing)
    run = nc.store.open(charted / "cu38.zarr")
    thermo = thermo_run(run, labels="motif", seed=0)
    assert said in thermo.warnings
    assert not any(p.known.any() for p in thermo.populations.values())
    done = nanochart("fes", run.path, "--by", "motif", "--temperature", "400", "-q")
    folders = sorted(path.name for path in charted.glob("cu38-fes*"))
    assert folders == ["cu38-fes-400K"]  # each temperature has its own
    assert "not converged: unknown is the share of" in done.stdout
    assert "not mixed" in done.stdout
    assert "\nconverged" not in done.stdout
    assert "the surface is unknown\n" in done.stdout  # why stands in the verdict
    assert "%  (" not in done.stdout  # no digits where nothing is known


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "need a temperature (--temperature) from 300 to 500 K"),
        (["--temperature", "900"], "need a temperature (--temperature) from 300 to 500 K"),
    ],
)
def test_a_temperature_off_the_ladder_is_one_sentence(charted, options, sentence):
    done = nanochart("fes", charted / "cu38.zarr", *options, code=1)
    assert sentence in " ".join(done.stderr.split())
