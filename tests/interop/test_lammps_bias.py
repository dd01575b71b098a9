"""The bias of a run in a running LAMMPS: the same numbers, sound dynamics, and what is refused."""

import numpy as np
import pytest

import nanochart as nc
from helpers.biased import settings
from helpers.lammps_oracle import require_lammps
from nanochart.free_energy import free_energy_surface
from nanochart.interop import ChartBias, GrowingBias, LammpsBias
from nanochart.statistics import Weighted
from nanochart.workflow import bias_run, export_plumed

COPPER = nc.potentials.gupta("Cu")
X = nc.clusters.build("octahedron", "Cu", 38).positions


@pytest.fixture(scope="module")
def opes(charted):
    """Folder of a short OPES run, with the table of its potential beside it."""
    require_lammps()
    config = settings(charted, dynamics={"time_step": 5.0}, guard={})
    bias_run(config, charted / "opes.zarr")
    COPPER.write_setfl(charted / "Cu.eam.alloy")
    return charted / "opes.zarr"


@pytest.fixture(scope="module")
def frozen(opes):
    return ChartBias(opes)


def started(
    folder, *, dt=0.002, temperature=800.0, units="metal", boundary="m m m", mass=63.546, n=38,
    more="", at=X,
):  # fmt: skip
    """LAMMPS with a copper cluster, whose ids run against the order of its atoms."""
    lmp = nc.potentials.start_lammps()
    lmp.commands_string(
        f"units {units}\natom_style atomic\natom_modify map array\nboundary {boundary}\n"
        f"region b block -30 30 -30 30 -30 30\ncreate_box 1 b\nmass 1 {mass}"
    )
    lmp.create_atoms(n, list(range(n, 0, -1)), [1] * n, at[:n][::-1].ravel().tolist())
    pair = f"eam/alloy\npair_coeff * * {folder.parent}/Cu.eam.alloy Cu"
    if units != "metal":
        pair = "zero 5.0\npair_coeff * *"
    lmp.commands_string(
        f"pair_style {pair}\nmass 1 {mass}\ntimestep {dt}\n"
        f"velocity all create {temperature} 7 mom yes rot yes\n"
        f"fix move all nve\nneigh_modify every 1 delay 0 check yes\nthermo 1000000\n{more}"
    )
    return lmp


def gathered(lmp, name):
    return np.ctypeslib.as_array(lmp.gather_atoms(name, 1, 3)).reshape(-1, 3).copy()


@pytest.mark.parametrize("stride", [1, 3])
def test_energy_and_forces_are_those_of_the_bias_on_the_same_frame(opes, frozen, stride):
    lmp = started(opes)
    fix = LammpsBias(lmp, frozen, stride=stride)
    fix.run(30)
    x = gathered(lmp, "x")
    V, F = frozen.energy_forces(x)
    assert np.abs(F).max() > 1e-3
    assert lmp.extract_fix("nanochart", 0, 0) == pytest.approx(V, abs=1e-9)
    pushed, energy = gathered(lmp, "f"), lmp.get_thermo("pe")
    fix.close()
    lmp.command("run 0")
    np.testing.assert_allclose(pushed - gathered(lmp, "f"), stride * F, atol=1e-9)
    assert energy - lmp.get_thermo("pe") == pytest.approx(V, abs=1e-9)


@pytest.mark.parametrize(("stride", "least"), [(1, 20.0), (3, 6.0)])
def test_energy_is_conserved_under_a_frozen_bias(opes, frozen, stride, least):
    lmp = started(opes, dt=0.001)
    fix = LammpsBias(lmp, frozen, stride=stride)
    totals, unbiased = [], []
    for _ in range(60):
        fix.run(30)
        totals.append(lmp.get_thermo("etotal"))
        unbiased.append(totals[-1] - lmp.extract_fix("nanochart", 0, 0))
    # The bias takes and gives energy as the walk goes, and the total varies by little of that.
    assert np.std(totals) < np.std(unbiased) / least


def test_a_bias_grows_as_in_nanochart_and_writes_its_colvar(opes, tmp_path):
    growing = GrowingBias(opes)
    lmp = started(opes, dt=0.005)
    fix = LammpsBias(lmp, growing, colvar=tmp_path / "COLVAR")
    plan = growing.plan
    assert (fix.stride, fix.pace) == (plan.stride, plan.steps_per_round)
    for steps in (0, 250, 150, 600):  # where runs begin and end is of no consequence
        fix.run(steps)
    assert len(fix.values) == 1000 // fix.pace
    # The method's own functions, fed with the same values, one walker.
    state = plan.biasing.initialize(2)
    for s, V, weight in zip(fix.values, fix.bias_energies, fix.log_weights, strict=True):
        energy = plan.biasing.bias(state, 0, 2).energy(s)[0]
        assert pytest.approx(V, abs=1e-9) == energy
        assert weight == pytest.approx(plan.biasing.log_weights(state, np.array([V]))[0])
        state = plan.biasing.update(state, s[None], np.array([V]))
    np.testing.assert_array_equal(state.energies, growing.state.energies)
    assert state.sums[2] > 0
    # As export writes it: the same columns, units and pace.
    theirs = export_plumed(nc.store.open(opes), tmp_path / "export")[0].read_text().splitlines()
    ours = (tmp_path / "COLVAR").read_text().splitlines()
    assert ours[:2] == theirs[:2]
    table, other = (np.array([row.split() for row in t[2:]], float) for t in (ours, theirs))
    np.testing.assert_allclose(table[:, 0], other[: len(table), 0])
    np.testing.assert_allclose(table[:, 1:3], fix.values, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(table[:, 3], fix.bias_energies, rtol=1e-7, atol=1e-9)
    with pytest.raises(nc.errors.StoreError, match="COLVAR is there already"):
        LammpsBias(started(opes), growing, colvar=tmp_path / "COLVAR")


def test_a_grown_bias_is_saved_and_goes_on(opes, charted, tmp_path):
    growing = GrowingBias(opes)
    LammpsBias(started(opes, dt=0.005), growing).run(400)
    growing.save(tmp_path / "grown.npz")
    again = GrowingBias(opes, state=tmp_path / "grown.npz")
    np.testing.assert_array_equal(again.energy_forces(X)[1], growing.energy_forces(X)[1])
    config = settings(charted, dynamics={"time_step": 5.0}, opes={"barrier": 0.4})
    other = bias_run(config, tmp_path / "other.zarr")
    with pytest.raises(nc.errors.StoreError, match="must hold the bias of the plan"):
        GrowingBias(other, state=tmp_path / "grown.npz")
    (tmp_path / "bad.npz").write_text("x")
    with pytest.raises(nc.errors.StoreError, match=r"no state of a bias that GrowingBias\.save"):
        GrowingBias(opes, state=tmp_path / "bad.npz")


def test_a_bias_that_does_not_grow_is_said_to(charted, tmp_path):
    config = settings(charted, dynamics={"time_step": 5.0}, opes=None, variables=["s1"],
                      walkers=None, time=0.063, umbrella={"low": [-1.0], "high": [1.0],
                      "shape": [3], "stiffness": 1.0})  # fmt: skip
    run = bias_run(config, tmp_path / "windows.zarr")
    with pytest.raises(nc.errors.StoreError, match="is umbrella, which does not grow"):
        GrowingBias(run)
    config = settings(charted, dynamics={"time_step": 5.0}, temperature=None,
                      temperatures=[400, 420], walkers=2, starts=None)  # fmt: skip
    run = bias_run(config, tmp_path / "heated.zarr")
    with pytest.raises(nc.errors.StoreError, match="has a bias at each of 2 temperatures"):
        GrowingBias(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": "real"}, "takes LAMMPS in units metal .* got units real"),
        ({"boundary": "p p m"}, "box that is periodic along x, y: write `boundary s s s`"),
        ({"mass": 196.97}, "takes atoms of Cu, of 63.55 amu; LAMMPS has 38 of 196.97 amu"),
        ({"n": 37}, "bias of Cu38 takes 38 atoms; LAMMPS has 37"),
    ],
)
def test_what_the_bias_is_not_made_for_is_refused(opes, frozen, changes, message):
    with pytest.raises(ValueError, match=message):
        LammpsBias(started(opes, **changes), frozen)


def test_atoms_without_ids_are_refused(frozen):
    lmp = nc.potentials.start_lammps()
    lmp.commands_string(
        "units metal\natom_style atomic\natom_modify id no\nboundary m m m\nlattice fcc 3.6\n"
        "region b block -30 30 -30 30 -30 30\ncreate_box 1 b\nmass 1 63.546"
    )
    for x, y, z in X.tolist():
        lmp.command(f"create_atoms 1 single {x} {y} {z} units box")
    with pytest.raises(ValueError, match="in the order of their ids; LAMMPS has none"):
        LammpsBias(lmp, frozen)


def test_several_ranks_and_an_empty_lammps_are_refused(frozen):
    lmp = nc.potentials.start_lammps()
    lmp.command("units metal")
    with pytest.raises(ValueError, match="it has no box yet"):
        LammpsBias(lmp, frozen)

    class Parallel:
        def extract_setting(self, name):
            return {"world_size": 2}[name]

    with pytest.raises(ValueError, match="on one MPI rank, which has all atoms; got 2"):
        LammpsBias(Parallel(), frozen)


@pytest.mark.parametrize(
    ("stride", "pace", "fix", "message"),
    [
        (0, None, "b", "stride of a bias must be at least 1 step"),
        (4, 10, "b", "its pace a multiple of that; got 4 and 10"),
        (1, 1, "a b", "must be letters, digits and _; got 'a b'"),
    ],
)
def test_steps_that_do_not_fit_are_refused(opes, frozen, stride, pace, fix, message):
    with pytest.raises(ValueError, match=message):
        LammpsBias(started(opes), frozen, stride=stride, pace=pace, fix=fix)


def test_an_atom_that_leaves_ends_the_run_at_that_step(opes, frozen):
    sentence = "all distances .* must be on the grid of the model's RDF"
    lmp = started(opes)
    fix = LammpsBias(lmp, frozen, pace=10)
    fix.run(50)
    lmp.command("set atom 1 x 25")
    with pytest.raises(ValueError, match=sentence):
        fix.run(1000)
    assert lmp.extract_global("ntimestep") <= 51
    assert len(fix.values) == 5
    with pytest.raises(ValueError, match=sentence):
        fix.run(1)
    lmp = started(opes)
    LammpsBias(lmp, frozen)
    lmp.command("set atom 1 x 25")
    with pytest.raises(Exception, match=sentence):
        lmp.command("run 1000")
    assert lmp.extract_global("ntimestep") <= 1


def test_atoms_and_time_steps_that_change_are_noticed(opes, frozen):
    lmp = started(opes)
    fix = LammpsBias(lmp, frozen, stride=1, pace=5)
    lmp.command("group g id 3")
    lmp.command("delete_atoms group g compress no")
    with pytest.raises(ValueError, match="takes 38 atoms; LAMMPS has 37"):
        fix.run(10)
    lmp = started(opes)
    fix = LammpsBias(lmp, frozen, stride=1, pace=5)
    lmp.command("timestep 0.004")
    with pytest.raises(ValueError, match=r"time step must stay 2 fs, .* it is 4 fs by now"):
        fix.run(10)


@pytest.mark.slow
def test_a_surface_by_lammps_dynamics_is_that_of_nanochart(opes, charted, tmp_path):
    """OPES along s1 of the octahedral basin, four walkers that share a bias, in both."""
    T, walkers, rounds = 300.0, 4, 1600
    wall = {"variable": "s1", "at": 0.6, "stiffness": 10.0, "side": "lower"}
    config = settings(charted, dynamics={"time_step": 4.0}, opes={"barrier": 0.15}, pace=0.248,
                      variables=["s1"], temperature=T, walkers=walkers, starts=["fcc"],
                      walls=[wall], time=0.248e-3 * rounds)  # fmt: skip
    run = bias_run(config, tmp_path / "own.zarr")
    growing = GrowingBias(run)
    thermostat = f"velocity all create {T} {{0}}\nfix warm all langevin {T} {T} 1 {{0}} gjf vhalf"
    start = growing.plan.starts[0] - growing.plan.starts[0].mean(axis=0)
    sims = [
        LammpsBias(started(opes, dt=0.004, more=thermostat.format(11 + k), at=start), growing)
        for k in range(walkers)
    ]
    for _ in range(rounds):
        for one in sims:
            one.run(one.pace)
    theirs = np.stack([one.values for one in sims], axis=1)
    weights = np.stack([one.log_weights for one in sims], axis=1)
    seen, skip = run.frames().biased, rounds // 5
    low, high = ([float(np.quantile(theirs, q))] for q in (0.01, 0.99))
    ours, found = (
        free_energy_surface(
            np.asarray(s)[skip:], Weighted(np.asarray(w)[skip:]), T, low=low, high=high, shape=[24]
        )
        for s, w in ((seen.variables, seen.log_weights), (theirs, weights))
    )
    known = np.flatnonzero(np.isfinite(ours.error) & np.isfinite(found.error))
    assert len(known) > 12
    middle = int(known[np.argmin(ours.energy[known])])
    off = []
    for k in known[known != middle].tolist():
        a, b = (surface.difference((middle,), (k,)) for surface in (ours, found))
        off.append((a.value - b.value) / np.hypot(a.error, b.error))
    assert np.sqrt(np.mean(np.square(off))) < 2.0
    assert np.abs(off).max() < 4.0
