"""Biased dynamics: variables, bias, segments, methods, on clusters and on exact surfaces."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.special import logsumexp, sph_harm_y

import nanochart as nc
from helpers.models import untrained
from helpers.surfaces import WELL, run
from nanochart.biasing import (
    OPES,
    Bias,
    BiasedDynamics,
    BiasedState,
    BiasingState,
    ChartCoordinate,
    Coordination,
    CVs,
    Grid,
    Metadynamics,
    PotentialEnergy,
    RDFDistance,
    Restraint,
    Steered,
    SteinhardtQ6,
    Umbrella,
    Wall,
    along,
    biased_round,
    windows_on_grid,
)
from nanochart.biasing.cv.switch import switch
from nanochart.dynamics import Langevin, initialize, run_segment
from nanochart.errors import DynamicsError
from nanochart.testing import WellMixture
from nanochart.units import BOLTZMANN

GOLD = nc.potentials.gupta("Au")


@pytest.fixture(scope="module")
def cluster():
    """Au38, warm."""
    x = nc.clusters.build("octahedron", "Au", 38).positions
    return x + np.random.default_rng(0).normal(0, 0.12, x.shape)


@pytest.fixture(scope="module")
def variables():
    model = untrained(n_atoms=38, n_bins=200, bottleneck=2, r_max=15.0)
    reference = model.rdf(nc.clusters.build("decahedron", "Au", 38).positions)
    chosen = [ChartCoordinate(0), ChartCoordinate(1), PotentialEnergy(), Coordination(),
              SteinhardtQ6(), RDFDistance(reference, "dh/1")]  # fmt: skip
    return CVs.compile(chosen, GOLD, model), model, reference


# --------------------------------------------------------------------------------- variables


def test_names_and_units(variables):
    assert variables[0].names == ("s1", "s2", "energy", "coordination", "q6", "distance_to_dh1")
    assert variables[0].units[2] == "eV"


def test_values_are_those_of_plain_formulas(cluster, variables):
    cvs, model, reference = variables
    s1, s2, energy, coordination, q6, distance = cvs.values(cluster, GOLD)
    np.testing.assert_allclose([s1, s2], model.encode(cluster), atol=1e-5)
    assert energy == pytest.approx(float(GOLD.energy(cluster)), abs=1e-12)
    i, j = np.triu_indices(38, 1)
    d = cluster[j] - cluster[i]
    r = np.linalg.norm(d, axis=1)
    low, high = 1.15 * GOLD.nearest_neighbour, 1.40 * GOLD.nearest_neighbour
    w = np.array([switch(x, low, high)[0] for x in r])
    assert coordination == pytest.approx(2 * w.sum() / 38, abs=1e-12)
    theta, phi = np.arccos(d[:, 2] / r), np.arctan2(d[:, 1], d[:, 0])
    q = [(w * sph_harm_y(6, m, theta, phi)).sum() / w.sum() for m in range(-6, 7)]
    exact = np.sqrt(4 * np.pi / 13 * (np.abs(q) ** 2).sum())
    assert q6 == pytest.approx(exact, abs=1e-12)
    width = (model.rdf.r_max - model.rdf.r_min) / model.rdf.n_bins
    exact = np.sqrt(((model.rdf(cluster) - reference) ** 2).sum() * width)
    assert distance == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("which", range(6))
def test_gradients_are_finite_differences(cluster, variables, which):
    cvs = variables[0]
    slope = np.eye(6)[which]
    _, gradient = cvs.with_gradient(cluster, GOLD, slope)
    rng = np.random.default_rng(which)
    h = 1e-5 if which in (2, 3, 4) else 2e-3
    for _ in range(3):
        direction = rng.normal(size=cluster.shape)
        ahead = cvs.values(cluster + h * direction, GOLD)[which]
        behind = cvs.values(cluster - h * direction, GOLD)[which]
        size = np.sqrt((gradient**2).sum())
        limit = 1e-6 if which in (2, 3, 4) else 1e-2
        assert abs((ahead - behind) / (2 * h) - (gradient * direction).sum()) < limit * size * 10


def test_q6_of_fcc_is_that_of_the_bulk_where_bonds_keep_its_symmetry():
    n = np.arange(-3, 4)
    lattice = np.stack(np.meshgrid(n, n, n), axis=-1).reshape(-1, 3)
    lattice = lattice[(lattice.sum(axis=1) % 2 == 0) & ((lattice**2).sum(axis=1) <= 9)]
    x = lattice * GOLD.nearest_neighbour / np.sqrt(2.0)
    cvs = CVs.compile([SteinhardtQ6()], GOLD)
    # (Steinhardt, Nelson, Ronchetti 1983, table I)
    assert cvs.values(x, GOLD)[0] == pytest.approx(0.57452, abs=1e-5)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ([], "at least one collective variable is needed"),
        ([ChartCoordinate(0)], "the variable s1 needs a trained model"),
        ([Coordination(), Coordination()], "variables must differ; got coordination, coordination"),
    ],
)
def test_variables_that_cannot_be_are_one_sentence(chosen, sentence):
    with pytest.raises(ValueError, match=sentence):
        CVs.compile(chosen, GOLD)


def test_a_coordinate_beyond_the_chart_is_one_sentence(variables):
    with pytest.raises(ValueError, match="the chart has the coordinates s1 to s2; got s5"):
        CVs.compile([ChartCoordinate(4)], GOLD, variables[1])


# -------------------------------------------------------------------------------------- bias


def curved(*axes):
    return sum(np.sin(1.3 * a + k) for k, a in enumerate(axes))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_grid_is_interpolated_and_its_slope_is_the_derivative(d):
    n = (60, 50, 40)[:d]
    nodes = [np.linspace(-2, 2, k) for k in n]
    values = curved(*np.meshgrid(*nodes, indexing="ij"))
    bias = Bias(3, grid=Grid(np.full(d, -2.0), np.full(d, 2.0), values, (2, 0, 1)[:d]))
    s = np.random.default_rng(0).uniform(-1.6, 1.6, (40, 3))
    energy, slope = bias.energy(s)
    np.testing.assert_allclose(energy, curved(*(s[:, a] for a in (2, 0, 1)[:d])), atol=1e-3)
    h = 1e-6
    for a in range(3):
        step = h * np.eye(3)[a]
        numeric = (bias.energy(s + step)[0] - bias.energy(s - step)[0]) / (2 * h)
        np.testing.assert_allclose(slope[:, a], numeric, atol=1e-6)


def test_value_and_slope_of_a_grid_are_continuous_at_the_nodes():
    rng = np.random.default_rng(1)
    grid = Grid(np.array([0.0]), np.array([9.0]), rng.normal(size=10), (0,))
    bias = Bias(1, grid=grid)
    for node in range(1, 9):
        (left, right), slopes = bias.energy([[node - 1e-9], [node + 1e-9]])
        assert abs(left - right) < 1e-7
        assert abs(slopes[0, 0] - slopes[1, 0]) < 1e-6
        assert left == pytest.approx(grid.values[node], abs=1e-7)


def test_walls_and_restraints_are_what_they_say():
    walls = (Wall(0, 1.0, 2.0), Wall(1, -1.0, 4.0, "lower"))
    bias = Bias(2, Restraint.at([0.5, 0.0], [3.0, 0.0]), walls=walls)
    energy, slope = bias.energy([[2.0, -1.5]])
    assert energy[0] == pytest.approx(0.5 * 3 * 1.5**2 + 0.5 * 2 * 1.0 + 0.5 * 4 * 0.25)
    np.testing.assert_allclose(slope[0], [3 * 1.5 + 2.0, -4 * 0.5])


def test_a_moving_centre_is_linear_between_its_knots():
    restraint = Restraint(np.ones(1), np.array([[0.0], [2.0], [1.0]]), np.array([10, 20, 40]))
    assert [float(restraint.centre(k)[0]) for k in (0, 10, 15, 20, 30, 90)] == [
        0.0, 0.0, 1.0, 2.0, 1.5, 1.0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Wall(0, 1.0, -2.0), "a stiffness above 0 eV per unit²; got 1.0 and -2.0"),
        (lambda: Bias(1, walls=[Wall(3, 1.0, 2.0)]), "one of the 1 that there are, from 0; got 3"),
        (lambda: Restraint.at([np.nan], [1.0]), "must be finite"),
        (lambda: Grid(np.zeros(1), np.ones(1), np.zeros(2), (0,)), "at least four nodes"),
        (lambda: Metadynamics(300, 0.01, (0.1,), 1.0, (0,), (1,)), "bias_factor .* above 1"),
        (lambda: Metadynamics(300, 0.01, (0.1,), 8.0, (1,), (0,)), "a range from low to high"),
        (lambda: OPES(300, 0.01, (0.1,), (0,), (1,)), "barrier of OPES must be above kT"),
        (lambda: Umbrella(((0.0,),), (1.0, 2.0)), "a centre for each of the 2 stiffnesses"),
        (lambda: Steered(((0.0,),), (0,), (1.0,)), "at least two points"),
        (lambda: along([[0.0], [0.0]], 3), "must differ from one to the next"),
    ],
)
def test_what_cannot_be_is_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_windows_lie_along_lines_and_on_grids():
    np.testing.assert_allclose(along([[0, 0], [3, 0], [3, 1]], 5)[:, 0], [0, 1, 2, 3, 3])
    assert windows_on_grid((0, 0), (1, 2), (2, 3)).shape == (6, 2)


# ------------------------------------------------------------------------------------ segment


def start(cluster, n=1, T=300.0):
    return BiasedState(initialize(np.repeat(cluster[None], n, 0), GOLD, [T] * n, 1), np.zeros(n))


@pytest.fixture(scope="module")
def dynamics(variables):
    return BiasedDynamics(GOLD, Langevin(sphere_radius=12.0), variables[0], stride=5)


RESTRAINT = Restraint(np.array([0.2, 0.2, 0.001, 0.1, 0.5, 0.5]),
                      np.array([[0.1] * 6, [0.3] * 6]), np.array([0, 1000]))  # fmt: skip


def test_a_segment_may_be_cut_anywhere(cluster, dynamics):
    bias = Bias(6, RESTRAINT)
    whole, _ = dynamics(start(cluster), bias, 200, 100)
    half, _ = dynamics(start(cluster), bias, 85, 85)
    other, samples = dynamics(half, bias, 115, 115)
    for name in ("positions", "velocities", "random", "steps"):
        np.testing.assert_array_equal(getattr(whole.walkers, name), getattr(other.walkers, name))
    np.testing.assert_array_equal(whole.work, other.work)
    assert samples.work[-1, 0] == whole.work[0] != 0.0


def test_without_a_bias_the_trajectory_is_that_of_plain_dynamics(cluster, dynamics):
    plain, _ = run_segment(start(cluster).walkers, GOLD, dynamics.dynamics, 100)
    free, _ = dynamics(start(cluster), Bias(6), 100, 100)
    np.testing.assert_allclose(free.walkers.positions, plain.positions, atol=1e-12)


def test_state_and_dynamics_can_be_pickled(cluster, dynamics):
    state, moved = pickle.loads(pickle.dumps((start(cluster), dynamics)))  # noqa: S301
    a, _ = moved(state, Bias(6, RESTRAINT), 50, 50)
    b, _ = dynamics(start(cluster), Bias(6, RESTRAINT), 50, 50)
    np.testing.assert_array_equal(a.walkers.positions, b.walkers.positions)


@pytest.mark.parametrize("stride", [1, 5, 10])
def test_energy_is_conserved_without_friction_at_every_stride(cluster, variables, stride):
    cvs = CVs.compile([ChartCoordinate(0), SteinhardtQ6()], GOLD, variables[1])
    quiet = BiasedDynamics(GOLD, Langevin(2.0, 0.0, 14.0), cvs, stride)
    s = cvs.values(cluster, GOLD)
    bias = Bias(2, Restraint.at(s - 0.05, [5.0, 20.0]))
    _, seen = quiet(start(cluster, T=200.0), bias, 6000, 20)
    total = seen.potential_energies + seen.kinetic_energies + seen.bias_energies
    kinetic = float(seen.kinetic_energies.mean())
    slope = np.polyfit(np.linspace(0, 1, len(total)), total[:, 0], 1)[0]
    assert abs(slope) < 0.003 * kinetic  # over 12 ps
    assert total.std() < 0.02 * kinetic
    assert seen.bias_energies.std() > 20 * abs(slope)  # the bias does exchange energy


def test_a_stride_that_does_not_divide_is_one_sentence(cluster, dynamics):
    with pytest.raises(ValueError, match="multiples of the stride, 5; got 12 and 12"):
        dynamics(start(cluster), Bias(6), 12, 12)


def test_a_bias_that_tears_the_cluster_apart_is_one_sentence(cluster, dynamics):
    strong = Restraint.at([0, 0, 0, 2.0, 0, 0], [0, 0, 0, 3000.0, 0, 0])
    with pytest.raises(DynamicsError, match="the bias is too strong"):
        dynamics(start(cluster), Bias(6, strong), 2000, 100)


# ------------------------------------------------------------------------------------ methods


METADYNAMICS = Metadynamics(300.0, 0.01, (0.1,), 8.0, (-2.2,), (2.2,))
METHODS = {"metadynamics": METADYNAMICS, "opes": OPES(300.0, 0.3, (0.2,), (-2.2,), (2.2,))}


def test_unbiased_walkers_follow_the_distribution():
    broad = WellMixture(((0.0, 0.5),), (1.0,), sigma=0.3)
    free = Umbrella(((0.0, 0.0),), (0.0, 0.0))
    _, values, _ = run(broad, free, 2000, walkers=2, steps=50)
    np.testing.assert_allclose(values[100:].mean(axis=(0, 1)), [0.0, 0.5], atol=0.03)
    np.testing.assert_allclose(values[100:].std(axis=(0, 1)), 0.3, rtol=0.06)


def test_a_restraint_narrows_a_harmonic_well_as_it_must():
    broad = WellMixture(((0.0,),), (1.0,), sigma=0.3)
    kappa = 2.0
    _, values, _ = run(broad, Umbrella(((0.4,),), (kappa,)), 2000, steps=50)
    k = broad.kT / 0.3**2
    exact = np.sqrt(broad.kT / (k + kappa))
    assert values[50:].std() == pytest.approx(exact, rel=0.05)
    assert values[50:].mean() == pytest.approx(kappa * 0.4 / (k + kappa), abs=0.02)


@pytest.mark.parametrize("name", METHODS)
def test_reweighted_populations_are_exact_ones(name):
    _, values, logs = run(WELL, METHODS[name], 1500)
    weights = np.exp(logs[300:] - logs[300:].max())
    share = weights[WELL.well(values[300:]) == 0].sum() / weights.sum()
    assert share == pytest.approx(0.7, abs=0.06)
    crossings = (np.diff(WELL.well(values), axis=0) != 0).sum()
    assert crossings > 100  # unbiased, the barrier of 8 kT is hardly ever crossed


def test_metadynamics_flattens_by_its_bias_factor():
    state, _, _ = run(WELL, METADYNAMICS, 3000)
    grid = METADYNAMICS.grid(state.method)
    x = np.linspace(-1.3, 1.3, 60)
    V, F = grid(x[:, None]), WELL.free_energy(x[:, None])
    found = -V / (1 - 1 / 8.0)
    assert np.std(found - F) < 0.015


def test_a_grid_in_three_variables_has_a_limit():
    wide = OPES(300.0, 0.3, (0.1,) * 3, (-3.0,) * 3, (3.0,) * 3)
    assert np.prod(wide.shape) <= 2.1e6
    assert min(wide.shape) > 2 * 60
    assert max(OPES(300.0, 0.3, (0.1,) * 2, (-3.0,) * 2, (3.0,) * 2).shape) == 361
    with pytest.raises(ValueError, match=r"take widths 3\.17 times as large"):
        Metadynamics(300.0, 0.01, (0.03,) * 3, 8.0, (-3.0,) * 3, (3.0,) * 3)


def test_the_offset_in_time_is_that_of_the_whole_grid():
    state, _, _ = run(WELL, METADYNAMICS, 400)
    V, kT, gamma = state.method.values, WELL.kT, 8.0
    whole = logsumexp(gamma / (gamma - 1) * V / kT) - logsumexp(V / ((gamma - 1) * kT))
    assert METADYNAMICS.offset(state.method) == pytest.approx(kT * whole, rel=1e-10)
    assert state.method.values.max() > 5 * kT


def test_the_bias_of_opes_ends_at_the_barrier():
    method = METHODS["opes"]
    state, _, _ = run(WELL, method, 300)
    values = method.grid(state.method).values
    assert values.min() > -1e-9
    assert np.abs(np.diff(values)).max() < 0.05  # no cliff anywhere
    assert len(state.method.centres) < 80  # kernels are merged


@pytest.mark.parametrize("name", METHODS)
def test_walkers_run_anywhere_and_restart_with_equal_bits(name):
    whole, values, _ = run(WELL, METHODS[name], 12)
    half, _, _ = run(WELL, METHODS[name], 5)
    half = pickle.loads(pickle.dumps(half))  # noqa: S301
    with ThreadPoolExecutor(3) as pool:
        other, later, _ = run(WELL, METHODS[name], 7, executor=pool, state=half)
    np.testing.assert_array_equal(later, values[5:])
    for a, b in zip(whole.method, other.method, strict=True):
        np.testing.assert_array_equal(a, b)


def test_work_obeys_jarzynski_and_crooks_for_a_moved_harmonic_well():
    """A trap moved through a harmonic well: the work is Gaussian, dF known in closed form."""
    from nanochart.free_energy import bar, jarzynski

    broad = WellMixture(((0.0,),), (1.0,), sigma=0.5)
    k, kappa = broad.kT / 0.25, 0.5
    stiff = k * kappa / (k + kappa)
    exact = 0.5 * stiff * (1.0**2 - 0.0)
    works = []
    for points in (((0.0,), (1.0,)), ((1.0,), (0.0,))):
        method = Steered(points, (4000, 12_000), (kappa,))
        start = broad.start(300, 1)
        state = BiasingState(start, method.initialize(1), 0)
        for _ in range(3):
            state, observed = biased_round(state, broad, method, 4000)
        works.append(observed.work)
    found = bar(works[0], works[1], broad.temperature)
    assert abs(found.value - exact) < 4 * found.error
    assert found.error < 0.1 * exact
    one = jarzynski(works[0], broad.temperature)
    assert abs(one.value - exact) < 4 * one.error + 0.1 * broad.kT
    # Of Gaussian works the dissipated part is half of their variance over kT.
    dissipated = works[0].var() / (2 * BOLTZMANN * broad.temperature)
    error = works[0].std() / np.sqrt(len(works[0]))
    assert abs(works[0].mean() - exact - dissipated) < 4 * error
