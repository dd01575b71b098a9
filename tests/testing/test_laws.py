"""Every variable, method and engine obeys its laws; whatever is registered is under test."""

import sys
from importlib import import_module
from pathlib import Path

import numba
import numpy as np
import pytest

import nanochart as nc
from helpers.models import untrained
from nanochart.biasing import (
    METHODS,
    OPES,
    VARIABLES,
    Bias,
    BiasedDynamics,
    BiasedState,
    ChartCoordinate,
    Coordination,
    CVs,
    FunctionCV,
    Metadynamics,
    PotentialEnergy,
    RDFDistance,
    Restraint,
    Steered,
    SteinhardtQ6,
    Umbrella,
    Unbiased,
    Wall,
)
from nanochart.config.bias import METHODS as CONFIGURED
from nanochart.dynamics import Langevin, initialize, run_segment
from nanochart.errors import ConfigError, DynamicsError
from nanochart.testing import (
    CVLaws,
    EmbeddedAtomLaws,
    LennardJones,
    MethodLaws,
    PotentialLaws,
    SegmentLaws,
    WellMixture,
)

GOLD = nc.potentials.gupta("Au")
RELAXED = nc.clusters.build("decahedron", "Au", 38).positions
LIQUID = nc.clusters.build("random", "Au", 38, seed=3).positions
LIQUID = LIQUID + np.random.default_rng(9).normal(0, 0.15, LIQUID.shape)
MODEL = untrained(n_atoms=38, n_bins=200, bottleneck=2, r_max=15.0)


# --------------------------------------------------------------------------------- variables


@numba.njit
def coordination_in_numba(x, low, high):
    n = x.shape[0]
    total, gradient = 0.0, np.zeros((n, 3))
    for i in range(n):
        for j in range(i + 1, n):
            d = x[j] - x[i]
            r = np.sqrt((d * d).sum())
            if r >= high:
                continue
            t = max(0.0, (r - low) / (high - low))
            total += 1.0 - t**3 * (10.0 + t * (6.0 * t - 15.0))
            slope = -30.0 * t * t * (1.0 - t) ** 2 / (high - low) * 2.0 / (n * r)
            gradient[j] += slope * d
            gradient[i] -= slope * d
    return 2.0 * total / n, gradient


LOW, HIGH = 1.15 * GOLD.nearest_neighbour, 1.40 * GOLD.nearest_neighbour


@numba.njit
def compiled_coordination(x):
    return coordination_in_numba(x, LOW, HIGH)


def plain_coordination(x):
    d = x[:, None] - x[None]
    r = np.linalg.norm(d, axis=-1)
    np.fill_diagonal(r, np.inf)
    t = np.clip((r - LOW) / (HIGH - LOW), 0.0, 1.0)
    value = (1.0 - t**3 * (10.0 + t * (6.0 * t - 15.0))).sum() / len(x)
    slope = -30.0 * t**2 * (1.0 - t) ** 2 / (HIGH - LOW) * 2.0 / (len(x) * r)
    return value, (slope[..., None] * d).sum(axis=1)


COMPILED = FunctionCV("bonds", "1", compiled_coordination)
PLAIN = FunctionCV("bonds", "1", plain_coordination)


class OfGold(CVLaws):
    potential = GOLD
    relaxed = RELAXED
    liquid = LIQUID


class TestPotentialEnergy(OfGold):
    variable = PotentialEnergy()


class TestCoordination(OfGold):
    variable = Coordination()


class TestSteinhardtQ6(OfGold):
    variable = SteinhardtQ6()


class TestCompiledFunction(OfGold):
    variable = COMPILED


class TestPlainFunction(OfGold):
    variable = PLAIN


class TestChartCoordinate(OfGold):
    """In single precision."""

    variable = ChartCoordinate(1)
    model = MODEL
    step, tolerance, noise = 5e-3, 2e-2, 1e-4


class TestRDFDistance(OfGold):
    """In single precision."""

    variable = RDFDistance(MODEL.rdf(nc.clusters.build("octahedron", "Au", 38).positions), "fcc/1")
    model = MODEL
    step, tolerance, noise = 5e-3, 2e-2, 1e-4


def under(suite):
    """Implementations that subclasses of a suite in this file test."""
    found, left = set(), [suite]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        found |= {
            type(getattr(kind, name)) for name in ("variable", "method") if hasattr(kind, name)
        }
    return found


def test_every_variable_is_under_the_laws():
    assert set(VARIABLES.values()) == under(CVLaws)


def test_a_function_of_the_users_is_the_built_in_variable():
    x = np.stack([RELAXED + np.random.default_rng(1).normal(0, 0.1, RELAXED.shape), LIQUID])
    built_in = CVs.compile([Coordination()], GOLD)
    s, gradient = built_in.with_gradient(x, GOLD, [1.0])
    for function in (COMPILED, PLAIN):
        values, gradients = CVs.compile([function], GOLD).with_gradient(x, GOLD, [1.0])
        np.testing.assert_allclose(values, s, rtol=0, atol=1e-10)
        np.testing.assert_allclose(gradients, gradient, rtol=0, atol=1e-10)


def biased(variables, potential=GOLD, n_steps=60, stride=2):
    """A short biased trajectory of two walkers, one of whose bonds a restraint pulls apart."""
    state = initialize(np.stack([RELAXED] * 2), GOLD, [400.0, 400.0], seed=4)
    cvs = CVs.compile(variables, GOLD)
    segment = BiasedDynamics(potential, Langevin(sphere_radius=9.0), cvs, stride)
    centre = cvs.values(RELAXED, GOLD) - 0.5
    moving = Restraint(np.full(len(cvs), 2.0), np.stack([centre, centre - 0.5]), np.array([0, 50]))
    return segment(BiasedState(state, np.zeros(2)), Bias(len(cvs), moving), n_steps, 10)


@pytest.mark.parametrize("function", [COMPILED, PLAIN], ids=["compiled", "plain"])
def test_dynamics_under_a_function_follow_those_under_the_built_in_variable(function):
    after, seen = biased([Coordination()])
    other, again = biased([function])
    np.testing.assert_allclose(other.walkers.positions, after.walkers.positions, rtol=0, atol=1e-7)
    np.testing.assert_allclose(again.values, seen.values, rtol=0, atol=1e-7)
    np.testing.assert_allclose(again.work, seen.work, rtol=0, atol=1e-7)
    assert np.abs(seen.work[-1]).min() > 1e-3


def test_variables_of_all_kinds_go_together():
    chosen = [ChartCoordinate(0), SteinhardtQ6(), COMPILED, Coordination(), PotentialEnergy()]
    cvs = CVs.compile(chosen, GOLD, MODEL)
    together = cvs.values(LIQUID, GOLD)
    alone = [CVs.compile([v], GOLD, MODEL).values(LIQUID, GOLD)[0] for v in chosen]
    np.testing.assert_array_equal(together, alone)


def fails(_x):
    raise RuntimeError("no such structure")


@pytest.mark.parametrize(
    ("f", "sentence"),
    [
        (fails, "the function of the variable mine failed.*no such structure"),
        (lambda x: (np.nan, x), "mine must return a finite number"),
        (lambda x: (1.0, x[0]), r"gradient of the shape \(38, 3\); got 1.0 and the shape \(3,\)"),
        (numba.njit(lambda x: (np.inf, x)), "a variable of mine has no value"),
    ],
)
def test_a_function_that_fails_is_one_sentence(f, sentence):
    cvs = CVs.compile([FunctionCV("mine", "1", f)], GOLD)
    with pytest.raises(DynamicsError, match=sentence):
        cvs.values(RELAXED, GOLD)


def test_a_function_that_fails_on_the_way_is_one_sentence():
    def sometimes(x):
        if abs(x[0, 0] - RELAXED[0, 0]) > 0.02:
            raise RuntimeError("too far")
        return float(x[0, 0]), np.eye(len(x), 3, k=0) * (np.arange(len(x)) == 0)[:, None]

    with pytest.raises(DynamicsError, match=r"failed at 400 K after \d+ steps.*too far"):
        biased([FunctionCV("mine", "1", sometimes)])


def test_an_interrupt_in_a_function_is_an_interrupt():
    def interrupted(_x):
        raise KeyboardInterrupt

    cvs = CVs.compile([FunctionCV("mine", "1", interrupted)], GOLD)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        cvs.values(RELAXED, GOLD)


def test_a_function_that_no_record_holds_must_be_handed_over():
    again = nc.biasing.cv.variable_of(COMPILED.to_record())
    with pytest.raises(ConfigError, match=r"bonds is a function of your own.*hand it over again"):
        CVs.compile([again], GOLD)


def test_a_name_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"must have a name of letters.*got 'my cv'"):
        FunctionCV("my cv", "1", plain_coordination)


# ----------------------------------------------------------------------------------- methods

WELLS = WellMixture(((-1.0,), (1.0,)), (0.7, 0.3), sigma=0.4)
KT = WELLS.kT


class OnWells(MethodLaws):
    surface = WELLS


class TestUnbiased(OnWells):
    method = Unbiased(300.0, (Wall(0, 1.6, 0.2),))


class TestMetadynamics(OnWells):
    method = Metadynamics(300.0, 0.3 * KT, (0.2,), 6.0, (-3.5,), (3.5,))


class TestOPES(OnWells):
    method = OPES(300.0, 6.0 * KT, (0.3,), (-3.5,), (3.5,))


class TestUmbrella(OnWells):
    method = Umbrella(((-1.0,), (0.0,), (1.0,)), (0.3,))
    weighs = False


class TestSteered(OnWells):
    method = Steered(((-1.0,), (1.0,)), (200, 1_000), (0.3,))
    weighs = False


def test_every_method_is_under_the_laws():
    assert set(METHODS.values()) == under(MethodLaws)


def test_every_method_has_the_section_that_a_configuration_reads():
    sections = {kind.section for kind in METHODS.values() if kind.section}
    assert sections == set(CONFIGURED)
    assert sections <= set(nc.config.BiasConfig.model_fields)


# ------------------------------------------------------------------------ potentials, engines


class Called:
    """Gupta's potential, written again as one that is not nanochart's own."""

    def __init__(self):
        self.name, self.symbol = "Gupta in NumPy", "Au"
        self.mass, self.nearest_neighbour = GOLD.mass, GOLD.nearest_neighbour

    def energy_forces(self, positions):
        return GOLD.energy_forces(positions)


CALLED, LJ = Called(), LennardJones()


class TestCalledGupta(PotentialLaws):
    potential = CALLED
    positions = RELAXED + np.random.default_rng(0).normal(0, 0.1, RELAXED.shape)


class TestLennardJones(PotentialLaws):
    potential = LJ
    positions = RELAXED + np.random.default_rng(0).normal(0, 0.1, RELAXED.shape)
    exact = False


class TestCalculator(PotentialLaws):
    potential = nc.potentials.ase(nc.interop.PotentialCalculator(GOLD), "Au")
    positions = RELAXED[:13] + np.random.default_rng(0).normal(0, 0.1, (13, 3))


class TestCompiledEngine(SegmentLaws):
    potential = GOLD
    start = RELAXED


class TestCalledEngine(SegmentLaws):
    potential = CALLED
    start = RELAXED


class TestLennardJonesEngine(SegmentLaws):
    potential = LJ
    start = nc.minimization.quench(RELAXED[:13], LJ).positions
    exact = False
    temperature = 100.0


@pytest.mark.parametrize("radius", [None, 6.0], ids=["free", "confined"])
@pytest.mark.parametrize("n", [37, 38])
def test_a_potential_that_is_called_gives_the_trajectory_of_the_compiled_one(n, radius):
    x = RELAXED[:n]
    state = initialize(x, GOLD, [300.0, 500.0], seed=2)
    config = Langevin(sphere_radius=radius)
    after, seen = run_segment(state, GOLD, config, 60, 20)
    other, again = run_segment(state, CALLED, config, 60, 20)
    np.testing.assert_allclose(other.positions, after.positions, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.velocities, after.velocities, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(other.random, after.random)
    np.testing.assert_allclose(again.potential_energies, seen.potential_energies, rtol=1e-11)


def test_it_does_so_under_a_bias():
    after, seen = biased([Coordination(), SteinhardtQ6()])
    other, again = biased([Coordination(), SteinhardtQ6()], CALLED)
    np.testing.assert_allclose(other.walkers.positions, after.walkers.positions, rtol=0, atol=1e-8)
    np.testing.assert_allclose(again.values, seen.values, rtol=0, atol=1e-8)
    np.testing.assert_allclose(again.bias_energies, seen.bias_energies, rtol=0, atol=1e-8)
    np.testing.assert_allclose(again.work, seen.work, rtol=0, atol=1e-8)
    np.testing.assert_allclose(other.work, after.work, rtol=0, atol=1e-8)


def test_its_quench_ends_in_the_same_minimum():
    x = RELAXED + np.random.default_rng(0).normal(0, 0.1, (3, *RELAXED.shape))
    compiled, called = nc.minimization.quench(x, GOLD), nc.minimization.quench(x, CALLED)
    assert called.converged.all()
    np.testing.assert_allclose(called.energies, compiled.energies, rtol=0, atol=1e-7)
    np.testing.assert_allclose(called.positions, compiled.positions, rtol=0, atol=1e-3)
    assert (called.n_evaluations < 1.3 * compiled.n_evaluations).all()


def test_the_octahedron_of_38_lennard_jones_atoms_has_its_known_energy():
    """(Wales, Doye, J. Phys. Chem. A 101, 5111 (1997), table 1)."""
    start = nc.clusters.build("octahedron", "Au", 38).positions
    found = nc.minimization.quench(start, LJ, max_force=1e-6)
    assert bool(found.converged)
    assert float(found.energies) / LJ.epsilon == pytest.approx(-173.928427, abs=1e-6)


def test_every_compiled_potential_is_under_the_laws():
    # Their suites stand with the tests of their package.
    sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
    try:
        eam, gupta = import_module("test_eam"), import_module("test_potentials")
    finally:
        del sys.path[0]
    assert issubclass(eam.TestNickelTable, EmbeddedAtomLaws)
    suites = [c for c in vars(gupta).values() if isinstance(c, type)]
    tested = [getattr(c, "potential", None) for c in suites if issubclass(c, EmbeddedAtomLaws)]
    assert {p.symbol for p in tested if p} == set(nc.potentials.GUPTA_PARAMETERS)


class Wrong(Called):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def energy_forces(self, positions):
        energy, forces = GOLD.energy_forces(positions)
        return energy, self.factor * forces


@pytest.mark.parametrize(
    ("potential", "sentence"),
    [
        (Wrong(27.2114 / 0.529177), "minus the gradient of its energy.*got forces that are 51.42"),
        (Wrong(np.nan), "energies and forces of Gupta in NumPy must be finite"),
        (Wrong(0.0), "must not vanish in a strained cluster"),
    ],
)
def test_forces_that_cannot_be_are_one_sentence(potential, sentence):
    with pytest.raises(ValueError, match=sentence):
        nc.potentials.check_forces(potential, RELAXED)


def test_a_calculator_without_forces_is_one_sentence():
    from ase.calculators.calculator import Calculator

    class EnergyAlone(Calculator):
        implemented_properties = ("energy",)

        def calculate(self, *_arguments):
            self.results = {"energy": 1.0}

    with pytest.raises(ValueError, match="the calculator EnergyAlone must give energies and force"):
        nc.potentials.ase(EnergyAlone(), "Au")


def test_what_is_no_calculator_is_refused():
    with pytest.raises(TypeError, match="an ASE calculator has energies and forces; got dict"):
        nc.potentials.ase({}, "Au")
