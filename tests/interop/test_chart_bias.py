"""The bias of a run, outside of it: what the compiled dynamics apply, for any engine."""

import shutil

import ase.units
import numpy as np
import pytest
from ase.calculators.emt import EMT
from ase.md.langevin import Langevin as ASELangevin

import nanochart as nc
from helpers.biased import settings
from nanochart.biasing import Bias, BiasedDynamics, BiasedState, FunctionCV, Restraint
from nanochart.dynamics import Langevin, initialize
from nanochart.interop import BiasedCalculator, ChartBias, ChartCoordinates
from nanochart.units import AMU
from nanochart.workflow import bias_run

COPPER = nc.potentials.gupta("Cu")
WALLS = [{"variable": "s1", "at": -0.2, "stiffness": 2.0}]
WINDOWS = {"low": [-1.0], "high": [1.0], "shape": [3], "stiffness": 1.0}
KINDS = {
    "opes": {"guard": {}},
    "metadynamics": {"opes": None, "metadynamics": {"height": 0.05, "bias_factor": 8.0},
                     "walls": WALLS},
    "umbrella": {"opes": None, "variables": ["s1"], "walkers": None, "umbrella": WINDOWS,
                 "time": 0.063},
    "energy": {"variables": ["energy", "coordination"], "opes": {"barrier": 0.3}},
}  # fmt: skip


@pytest.fixture(scope="module")
def runs(charted):
    """A short biased run of each kind, by name."""
    made = {}
    for name, changes in KINDS.items():
        config = settings(charted, dynamics={"time_step": 5.0}, **changes)
        made[name] = bias_run(config, charted / f"{name}.zarr")
    return made


def applied(bias, positions):
    """Force of a frozen bias in the compiled loop, by how far it moves a cluster in one step."""
    plan = bias.plan
    dynamics = Langevin(plan.dynamics.time_step, 0.0, plan.dynamics.sphere_radius)
    cvs, table = bias._frozen.cvs, bias._frozen.bias
    state = initialize(positions[None], COPPER, [1e-9], seed=0)
    walkers = BiasedState(state, np.zeros(1))
    moved = [
        BiasedDynamics(COPPER, dynamics, cvs)(walkers, pushed, 1, 1)
        for pushed in (table, Bias(len(cvs)))
    ]
    shift = moved[0][0].walkers.positions[0] - moved[1][0].walkers.positions[0]
    return shift * COPPER.mass * AMU / (0.5 * dynamics.time_step**2), moved[0][1], moved[0][0]


@pytest.mark.parametrize("name", KINDS)
def test_forces_are_those_of_the_compiled_segment_and_minus_the_gradient(runs, name):
    run = runs[name]
    bias = ChartBias(run.path, walker=0 if name == "umbrella" else None)
    x = run.frames().thermal.positions[-1, 0].astype(float)
    _, F = bias.energy_forces(x)
    assert np.abs(F).max() > 1e-4
    force, seen, after = applied(bias, x)
    np.testing.assert_allclose(F, force, atol=1e-9 + 1e-6 * np.abs(F).max())
    moved = bias.evaluate(after.walkers.positions[0])
    np.testing.assert_allclose(moved[0], seen.bias_energies[0, 0], atol=1e-9)
    np.testing.assert_allclose(moved[2], seen.values[0, 0], rtol=1e-9)
    random = np.random.default_rng(1)
    for _ in range(3):
        way = random.normal(size=x.shape)
        h = 1e-3 / np.abs(way).max()
        rise = np.diff(bias.energy_forces(np.stack([x - h * way, x + h * way]))[0])[0] / (2 * h)
        # The encoder is evaluated in single precision.
        assert rise == pytest.approx(-(F * way).sum(), rel=2e-3, abs=2e-3)


def test_frames_of_any_shape_are_biased_as_one_by_one(runs):
    bias = ChartBias(runs["opes"])
    x = runs["opes"].frames().thermal.positions[:3].astype(float)
    before = x.copy()
    E, F = bias.energy_forces(x)
    assert E.shape == x.shape[:2]
    assert F.shape == x.shape
    one = bias.energy_forces(x[1, 1])
    assert one[0].shape == ()
    np.testing.assert_array_equal(E[1, 1], one[0])
    np.testing.assert_array_equal(F[1, 1], one[1])
    np.testing.assert_array_equal(x, before)
    turned = x[1, 1] @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0] + [1, 2, 3]
    assert bias.energy_forces(turned)[0] == pytest.approx(E[1, 1], abs=1e-5)


def test_a_window_is_that_of_its_walker_and_the_run_saw_the_same_energies(runs):
    run = runs["umbrella"]
    frames = run.frames()
    for walker in range(3):
        E, _ = ChartBias(run, walker=walker).energy_forces(frames.thermal.positions[:, walker])
        # Positions are stored in single precision.
        np.testing.assert_allclose(E, frames.biased.energies[:, walker], atol=2e-5)
    with pytest.raises(nc.errors.StoreError, match=r"each in a window: .* 0 to 2; got None"):
        ChartBias(run)
    with pytest.raises(nc.errors.StoreError, match=r"all under one bias: .* must be 0 to 1; got 7"):
        ChartBias(runs["opes"], walker=7)


def test_the_bias_is_the_one_that_the_run_goes_on_with(runs, charted):
    path = charted / "longer.zarr"
    shutil.copytree(runs["opes"].path, path)
    frozen = ChartBias(path)
    config = settings(charted, dynamics={"time_step": 5.0}, time=0.061, **KINDS["opes"])
    run = bias_run(config, path, resume=True)
    first = runs["opes"].committed()
    x, seen = run.frames().thermal.positions[first, 0], run.frames().biased.energies[first, 0]
    assert frozen.energy_forces(x)[0] == pytest.approx(seen, abs=2e-4)
    assert frozen.energy_forces(x)[0] != pytest.approx(ChartBias(path).energy_forces(x)[0])


def test_a_rung_of_a_heated_run_is_chosen(charted, runs):
    config = settings(charted, dynamics={"time_step": 5.0}, temperature=None,
                      temperatures=[400, 420], walkers=2, starts=None)  # fmt: skip
    run = bias_run(config, charted / "heated.zarr")
    cold, hot = (ChartBias(run, rung=k) for k in (0, 1))
    x = run.frames().thermal.positions[-1, 0]
    assert cold.energy_forces(x)[0] != pytest.approx(hot.energy_forces(x)[0], abs=1e-6)
    heated = cold.plan.heated(0)
    state = nc.biasing.unpack_method(run.load_checkpoint().arrays, run.load_checkpoint().info)
    expected = heated.bias_energies(state, np.tile(cold.values(x), (2, 1)))[0]
    found = [bias.energy_forces(x)[0] for bias in (cold, hot)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    with pytest.raises(nc.errors.StoreError, match=r"chosen by rung \(0: 400 K, 1: 420 K\)"):
        ChartBias(run)
    with pytest.raises(nc.errors.StoreError, match=r"at 400 K alone, without a ladder; got rung=1"):
        ChartBias(runs["opes"], rung=1)


def test_a_window_and_a_rung_of_heated_umbrella_sampling_are_chosen(charted):
    config = settings(
        charted, dynamics={"time_step": 5.0}, opes=None, variables=["s1"], temperature=None,
        temperatures=[400, 420], walkers=None, starts=None, time=0.3,
        umbrella={"along": [[-0.5], [0.5]], "windows": 2, "stiffness": 1.0},
    )  # fmt: skip
    run = bias_run(config, charted / "heated-windows.zarr")
    x = run.frames().thermal.positions[-1, 0]
    for walker in range(4):  # two of each window
        bias = ChartBias(run, walker=walker, rung=1)
        s, centre = float(bias.values(x)[0]), (-0.5, 0.5)[int(bias.plan.windows[walker])]
        assert bias.energy_forces(x)[0] == pytest.approx(0.5 * (s - centre) ** 2, rel=1e-6)
    with pytest.raises(nc.errors.StoreError, match=r"each in a window: walker must be 0 to 3"):
        ChartBias(run, rung=0)


def test_a_moving_restraint_rests_where_it_is_asked_for(charted):
    config = settings(
        charted, dynamics={"time_step": 5.0}, opes=None, variables=["s1"], walkers=1, time=None,
        steered={"along": [[-0.5], [0.5]], "duration": 0.01, "hold": 0.005, "stiffness": 1.0},
    )  # fmt: skip
    run = bias_run(config, charted / "steered.zarr")
    x = run.frames().thermal.positions[-1, 0]
    for step, centre in ((0, -0.5), (None, 0.5)):
        bias = ChartBias(run, step=step)
        want = Restraint.at([centre], [1.0]).energy(bias.values(x))
        assert bias.energy_forces(x)[0] == pytest.approx(want)


def test_a_function_of_your_own_is_handed_over(charted):
    def height(x):
        gradient = np.zeros_like(x)
        gradient[0, 2] = 1.0
        return x[0, 2], gradient

    own = FunctionCV("height", "Å", height)
    config = settings(
        charted, dynamics={"time_step": 5.0}, opes=None, variables=["height"], walkers=None,
        time=0.063, umbrella={"low": [0.0], "high": [1.0], "shape": [2], "stiffness": 0.1},
    )  # fmt: skip
    run = bias_run(config, charted / "own.zarr", functions=[own])
    x = run.frames().thermal.positions[-1, 0]
    E, F = ChartBias(run, walker=1, functions=[own]).energy_forces(x)
    assert pytest.approx(0.05 * (x[0, 2] - 1.0) ** 2) == E
    assert F[0, 2] == pytest.approx(-0.1 * (x[0, 2] - 1.0))
    assert np.count_nonzero(F) == 1
    with pytest.raises(
        nc.errors.ConfigError, match="the variable height is a function of your own"
    ):
        ChartBias(run, walker=1)


def test_any_calculator_takes_the_bias_and_ase_runs_under_it(runs):
    run = runs["metadynamics"]
    bias = ChartBias(run)
    x = run.frames().thermal.positions[-1, 0]
    atoms = nc.interop.to_atoms(x, "Cu")
    atoms.calc = nc.interop.BiasedCalculator(EMT(), bias)
    plain = nc.interop.to_atoms(x, "Cu")
    plain.calc = EMT()
    E, F = bias.energy_forces(atoms.positions)
    assert atoms.get_potential_energy() == pytest.approx(plain.get_potential_energy() + E)
    np.testing.assert_allclose(atoms.get_forces(), plain.get_forces() + F, atol=1e-12)
    assert atoms.calc.bias_energy == pytest.approx(E)
    np.testing.assert_allclose(atoms.calc.values, bias.values(atoms.positions))
    dynamics = ASELangevin(
        atoms, 5 * ase.units.fs, temperature_K=400, friction=0.01 / ase.units.fs,
        fixcm=False, rng=np.random.default_rng(0),
    )  # fmt: skip
    dynamics.run(20)
    now = bias.evaluate(atoms.positions)
    assert atoms.calc.bias_energy == pytest.approx(now[0])
    assert np.abs(atoms.positions - x).max() > 0.05


def test_ases_dynamics_conserve_the_biased_energy(runs):
    from ase.md.verlet import VelocityVerlet

    x = runs["opes"].frames().thermal.positions[-1, 0]
    atoms = nc.interop.to_atoms(x, "Cu")
    base = nc.interop.PotentialCalculator(COPPER)
    atoms.calc = BiasedCalculator(base, ChartBias(runs["opes"]))
    atoms.set_momenta(np.random.default_rng(0).normal(size=x.shape))
    totals = []
    dynamics = VelocityVerlet(atoms, 1 * ase.units.fs)
    dynamics.attach(lambda: totals.append((atoms.get_total_energy(), atoms.calc.bias_energy)))
    dynamics.run(200)
    total, biases = np.array(totals).T
    assert np.ptp(biases) > 0.01
    assert np.ptp(total) < 0.05 * np.ptp(biases)


def test_what_is_no_such_cluster_is_refused(runs):
    bias = ChartBias(runs["opes"])
    assert repr(bias) == "ChartBias(opes along s1, s2 of Cu38)"
    with pytest.raises(ValueError, match=r"bias of Cu38 must have the shape \(..., 38, 3\); got"):
        bias.energy_forces(np.zeros((13, 3)))
    calculator = BiasedCalculator(EMT(), bias)
    gold = nc.clusters.build("octahedron", "Au", 38)
    copper = nc.clusters.build("octahedron", "Cu", 38)
    periodic = copper.copy()
    periodic.pbc = True
    for atoms in (gold, copper[:37], periodic):
        with pytest.raises(ValueError, match="the bias takes free clusters Cu38, without periodic"):
            calculator.get_property("energy", atoms)
    far = copper.positions.copy()
    far[0] += 500.0
    with pytest.raises(ValueError, match="must be on the grid of the model's RDF"):
        bias.energy_forces(far)


def test_only_a_biased_run_with_a_checkpoint_has_a_bias(charted, runs):
    with pytest.raises(nc.errors.StoreError, match="is no biased run"):
        ChartBias(charted / "cu38.zarr")
    path = charted / "lost.zarr"
    shutil.copytree(runs["opes"].path, path)
    for file in path.rglob("checkpoint-*"):
        file.unlink()
    with pytest.raises(
        nc.errors.StoreError, match=r"lost.zarr has no checkpoint, so what its bias"
    ):
        ChartBias(path)


# -- analysis ------------------------------------------------------------------------------------


def test_atoms_have_the_coordinates_of_their_positions(charted):
    model = nc.autoencoder.load(charted / "cu38.nanochart")
    frames = nc.store.open(charted / "cu38.zarr").frames().thermal.positions[:4, 0]
    many = [nc.interop.to_atoms(x, "Cu") for x in frames]
    coordinates = ChartCoordinates(charted / "cu38.nanochart")
    np.testing.assert_allclose(coordinates(iter(many)), model.encode(frames), atol=1e-6)
    np.testing.assert_allclose(coordinates(many[1]), coordinates(many)[1], rtol=1e-12)
    assert coordinates([]).shape == (0, 2)
    assert repr(coordinates) == "ChartCoordinates(2 of Cu38)"


@pytest.mark.parametrize(
    ("metal", "n", "message"),
    [("Cu", 13, r"model of Cu38 must have the shape"), ("Au", 38, "model charts Cu38; got Au")],
)
def test_other_clusters_have_no_coordinates(charted, metal, n, message):
    other = nc.clusters.build("random", metal, n, seed=0)
    whole = nc.clusters.build("octahedron", "Cu", 38)
    coordinates = ChartCoordinates(charted / "cu38.nanochart")
    with pytest.raises(nc.errors.ModelError, match=message):
        coordinates([whole, other])
