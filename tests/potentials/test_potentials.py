import math

import numpy as np
import pytest
from ase.build import bulk
from ase.cluster import Decahedron, Icosahedron

import nanochart as nc
from nanochart.compiled.neighbours import make_workspace, rebuild_list
from nanochart.potentials import GUPTA_PARAMETERS
from nanochart.potentials.setfl import hermite_coefficients, radial_functions
from nanochart.testing import EmbeddedAtomLaws


def rattled(symbol, amplitude=0.12, seed=0):
    cluster = Icosahedron(symbol, 3, latticeconstant=1.39 * nc.metals.NEAREST_NEIGHBOUR[symbol])
    noise = np.random.default_rng(seed).normal(0.0, amplitude, (len(cluster), 3))
    return cluster.positions + noise


class TestGold(EmbeddedAtomLaws):
    potential = nc.potentials.gupta("Au")
    positions = rattled("Au")


class TestSilver(EmbeddedAtomLaws):
    potential = nc.potentials.gupta("Ag")
    positions = rattled("Ag")


class TestCopper(EmbeddedAtomLaws):
    potential = nc.potentials.gupta("Cu")
    positions = rattled("Cu")


def direct_gupta(symbol, x):
    """The definition, written with dense arrays."""
    g = GUPTA_PARAMETERS[symbol]
    parameters = nc.potentials.gupta(symbol).parameters
    r_cs, r_ce = parameters["r_cs"], parameters["r_ce"]
    d = np.linalg.norm(x[:, None] - x[None], axis=-1)
    np.fill_diagonal(d, np.inf)

    def linked(amplitude, decay):
        t = r_cs - r_ce
        value = amplitude * math.exp(-decay * (r_cs / g.r0 - 1))
        slope, curvature = -decay / g.r0 * value, (decay / g.r0) ** 2 * value
        matrix = [
            [t**3, t**4, t**5],
            [3 * t**2, 4 * t**3, 5 * t**4],
            [6 * t, 12 * t**2, 20 * t**3],
        ]
        a = np.linalg.solve(matrix, [value, slope, curvature])
        s = np.minimum(d - r_ce, 0.0)
        tail = s**3 * (a[0] + a[1] * s + a[2] * s**2)
        return np.where(d < r_cs, amplitude * np.exp(-decay * (d / g.r0 - 1)), tail)

    repulsion, hopping = linked(g.A, g.p), linked(g.xi, g.q)
    return repulsion.sum() - np.sqrt((hopping**2).sum(axis=1)).sum()


@pytest.mark.parametrize("symbol", ["Au", "Ag", "Cu"])
def test_energy_equals_the_dense_definition(symbol):
    for amplitude in (0.05, 0.15, 0.25):
        x = rattled(symbol, amplitude, seed=1)
        energy = nc.potentials.gupta(symbol).energy(x)
        np.testing.assert_allclose(energy, direct_gupta(symbol, x), rtol=1e-12)


@pytest.mark.parametrize(("symbol", "cohesive"), [("Ag", 2.9500), ("Cu", 3.5000)])
def test_bulk_cohesive_energy(symbol, cohesive):
    # The parameters of Ag and Cu were fitted to these energies at a0 = r0 sqrt 2 (Baletto et al.,
    # J. Chem. Phys. 116, 3856 (2002)). The central atom of a block thicker than twice the cut-off
    # and its neighbours' environments are those of the crystal.
    r0 = GUPTA_PARAMETERS[symbol].r0
    block = bulk(symbol, "fcc", a=r0 * math.sqrt(2), cubic=True).repeat(6)
    centre = int(np.argmin(np.linalg.norm(block.positions - block.positions.mean(0), axis=1)))
    energies = nc.potentials.gupta(symbol).atom_energies(block.positions)
    assert energies[centre] == pytest.approx(-cohesive, abs=5e-5)


def test_gold_crystal_has_its_minimum_at_the_computed_lattice_constant():
    # -3.8181 eV/atom at 4.0735 Å, from relaxing the crystal with these parameters.
    gold = nc.potentials.gupta("Au")

    def per_atom(a):
        block = bulk("Au", "fcc", a=a, cubic=True).repeat(6)
        centre = int(np.argmin(np.linalg.norm(block.positions - block.positions.mean(0), axis=1)))
        return gold.atom_energies(block.positions)[centre]

    a = np.array([4.0735 - 0.01, 4.0735, 4.0735 + 0.01])
    e = [per_atom(value) for value in a]
    vertex = a[1] - 0.5 * 0.01 * (e[2] - e[0]) / (e[2] - 2 * e[1] + e[0])
    assert vertex == pytest.approx(4.0735, abs=1e-3)
    assert e[1] == pytest.approx(-3.8181, abs=5e-5)


def test_energies_of_icosahedron_and_decahedron():
    # Difference published in Settem et al., J. Chem. Phys. (2023): 1.8649 eV for Au147.
    gold = nc.potentials.gupta("Au")
    icosahedron = Icosahedron("Au", 4, latticeconstant=4.0).positions
    marks = Decahedron("Au", 3, 2, 1, latticeconstant=4.07).positions
    assert len(marks) == 146
    # The best site of the 147th atom, among all positions above the surface.
    directions = np.random.default_rng(0).normal(size=(600, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    starts = []
    for u in directions:
        along = marks @ u
        across = np.linalg.norm(marks - along[:, None] * u, axis=1)
        height = np.max(
            np.where(across < 2.6, along + np.sqrt(np.maximum(2.6**2 - across**2, 0)), -99)
        )
        starts.append(np.concatenate([marks, [height * u]]))
    decahedron = nc.minimization.quench(np.array(starts), gold, max_force=1e-2).energies.min()
    e_ico = nc.minimization.quench(icosahedron, gold).energies
    assert e_ico == pytest.approx(-530.9025, abs=1e-4)
    assert e_ico - decahedron == pytest.approx(1.8649, abs=2e-4)


@pytest.mark.parametrize("symbol", ["Au", "Ag", "Cu"])
def test_radial_functions_are_twice_differentiable_at_both_ends_of_the_link(symbol):
    potential = nc.potentials.gupta(symbol)
    parameters = potential.parameters
    h = 1e-4
    for joint in (parameters["r_cs"], parameters["r_ce"]):
        # One-sided stencils around the joint: value, first and second derivative agree.
        sides = []
        for side in (-1, 1):
            # In double precision the nearest point lies just to one side of the joint.
            r = joint + side * (1e-9 + h * np.arange(4))
            value = np.array(radial_functions(potential.model, r))
            first = (-11 * value[:, 0] + 18 * value[:, 1] - 9 * value[:, 2] + 2 * value[:, 3]) / 6
            second = 2 * value[:, 0] - 5 * value[:, 1] + 4 * value[:, 2] - value[:, 3]
            sides.append((value[:, 0], side * first / h, second / h**2))
        scale = np.array(radial_functions(potential.model, np.array([parameters["r_cs"]])))[:, 0]
        for order, (left, right) in enumerate(zip(*sides, strict=True)):
            # The third derivative jumps, so the stencils differ by O(h) in the second.
            tolerance = (1e-7, 1e-6, 2e-2)[order]
            np.testing.assert_allclose(left / scale, right / scale, atol=tolerance)


def test_batches_of_any_leading_shape():
    gold = nc.potentials.gupta("Au")
    assert gold.energy(rattled("Au")).shape == ()
    assert gold.energy(np.stack([rattled("Au")] * 2)[None]).shape == (1, 2)


def test_overlapping_atoms_are_refused():
    x = np.array([[0.0, 0, 0], [10.0, 0, 0], [10.5, 0, 0]])
    with pytest.raises(ValueError, match=r"atoms 1 and 2 are 0\.500 Å apart.*separate"):
        nc.potentials.gupta("Au").energy(x)


def test_nan_is_refused():
    x = rattled("Au")
    x[4, 1] = np.nan
    with pytest.raises(ValueError, match=r"finite numbers in Å; got nan at index \(4, 1\)"):
        nc.potentials.gupta("Au").energy(x)


def test_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"shape \(\.\.\., atom, 3\); got \(5,\)"):
        nc.potentials.gupta("Au").energy(np.zeros(5))


def test_unknown_metal_is_refused():
    with pytest.raises(ValueError, match=r"one of Au, Ag, Cu; got 'Xx'.*EAM table"):
        nc.potentials.gupta("Xx")


def test_hermite_interpolation_is_exact_for_a_parabola_inside():
    x = np.linspace(0.0, 1.0, 11)
    c = hermite_coefficients(3.0 * x**2 - x)
    s = 0.37
    middle = c[4] @ [1, s, s**2, s**3]
    at = x[4] + s * 0.1
    assert middle == pytest.approx(3.0 * at**2 - at, abs=1e-13)


@pytest.mark.parametrize("n", [55, 923])
def test_forces_do_not_depend_on_when_the_list_was_built(n):
    model = nc.potentials.gupta("Au").model
    x = np.ascontiguousarray(nc.clusters.build("icosahedron", "Au", n).positions.T)
    x += np.random.default_rng(5).normal(0.0, 0.1, x.shape)
    energies, forces = [], np.zeros((3, 3, n))
    for k, skin in enumerate((0.0, 0.4, 1.5)):
        ws = rebuild_list(x, model.cutoff + skin, make_workspace(n, 10))
        # The list of other positions holds the same pairs in reach.
        moved = x + 0.05 * skin * np.random.default_rng(k).uniform(-1.0, 1.0, x.shape)
        ws = rebuild_list(moved, model.cutoff + skin, ws)
        energy, overlapping = nc.potentials.evaluate(model, x, ws, forces[k])
        assert not overlapping
        energies.append(energy)
    assert energies[0] == energies[1] == energies[2]
    assert (forces[0] == forces[1]).all()
    assert (forces[0] == forces[2]).all()
