"""Moves keep what they promise; point groups and their orders; frequencies with exact values."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

import nanochart as nc
from nanochart.search import MOVES, log_frequency_product, point_group_order
from nanochart.search.groups import point_groups
from nanochart.search.kernels_moves import is_whole, part, twist
from nanochart.search.kernels_sites import find_sites, most_sites, refill, relocate
from nanochart.search.kernels_symmetry import random_rotation, symmetrize
from nanochart.search.moves import fresh_start, propose, stream
from nanochart.testing import LennardJones
from nanochart.units import AMU

GOLD = nc.potentials.gupta("Au")
DISTANCE = GOLD.nearest_neighbour


@pytest.fixture
def octahedron():
    return nc.clusters.build("octahedron", "Au", 38).positions


@pytest.mark.parametrize("k", range(len(MOVES)))
def test_a_move_makes_a_trial_of_all_atoms_apart(octahedron, k):
    before = octahedron.copy()
    edges = np.cumsum([0.0, *MOVES.values()])
    draw = 0.5 * (edges[k] + edges[k + 1])
    trials = [propose(octahedron, GOLD, 1000.0, draw, stream(1, 0, hop)) for hop in (0, 0, 1)]
    assert [name for _, name in trials] == [list(MOVES)[k]] * 3
    np.testing.assert_array_equal(trials[0][0], trials[1][0])
    assert not np.array_equal(trials[0][0], trials[2][0])
    np.testing.assert_array_equal(octahedron, before)
    for x, _ in trials:
        assert x.shape == (38, 3)
        assert pdist(x).min() > 0.69 * DISTANCE


def test_shares_of_the_moves_add_up_to_one():
    assert sum(MOVES.values()) == pytest.approx(1.0)


def test_random_starts_are_apart_and_differ():
    starts = [fresh_start(38, DISTANCE, stream(seed, 0, 0)) for seed in (1, 2)]
    assert all(pdist(x).min() >= 0.7 * DISTANCE for x in starts)
    assert not np.array_equal(*starts)


@pytest.mark.parametrize("metal", ["Au", "Ag", "Cu"])
def test_random_starts_are_not_the_answer(metal):
    potential = nc.potentials.gupta(metal)
    octahedron = nc.clusters.build("octahedron", metal, 38).info["energy"]
    starts = [fresh_start(38, potential.nearest_neighbour, stream(s, 0, 0)) for s in range(100)]
    assert (nc.minimization.quench(starts, potential).energies > octahedron + 0.01).all()


def test_a_twist_turns_one_part_against_the_other(octahedron):
    x = octahedron.copy()
    twist(x, stream(3, 0, 0))
    moved = np.linalg.norm(x - octahedron, axis=1) > 1e-9
    assert 0 < moved.sum() < 38
    np.testing.assert_allclose(pdist(x[moved]), pdist(octahedron[moved]), atol=1e-9)
    np.testing.assert_array_equal(x[~moved], octahedron[~moved])


@pytest.mark.parametrize(("move", "count"), [(relocate, 1), (relocate, 3), (refill, 8)])
def test_atoms_that_change_places_are_the_least_bound(octahedron, move, count):
    """An atom that sits on a facet goes; the core stays, bit for bit."""
    sites, values = np.empty((most_sites(38), 3)), np.empty(most_sites(38))
    find_sites(octahedron, 38, DISTANCE, sites, values)
    x = np.vstack([octahedron, sites[:1]])
    before = x.copy()
    move(x, DISTANCE, count, stream(1, 0, 0))
    moved = np.linalg.norm(x - before, axis=1) > 1e-9
    assert moved[38] or move is refill  # which may put it back
    assert 0 < moved.sum() <= count
    core = np.linalg.norm(before - octahedron.mean(axis=0), axis=1) < 0.8 * DISTANCE
    assert not moved[core].any()


def test_the_sites_of_a_triangle_are_above_and_below():
    triangle = DISTANCE * np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.75**0.5, 0.0]])
    sites, values = np.empty((most_sites(3), 3)), np.empty(most_sites(3))
    assert find_sites(triangle, 3, DISTANCE, sites, values) == 2
    apex = DISTANCE * np.array([0.5, 0.75**0.5 / 3.0, (2.0 / 3.0) ** 0.5])
    np.testing.assert_allclose(np.sort(sites[:2], axis=0), [apex * [1, 1, -1], apex], atol=1e-9)
    np.testing.assert_allclose(values[:2], 3.0)


def test_a_missing_atom_is_the_best_site(octahedron):
    sites, values = np.empty((most_sites(38), 3)), np.empty(most_sites(38))
    inner = int(np.argmin(np.linalg.norm(octahedron, axis=1)))
    rest = np.delete(octahedron, inner, axis=0)
    found = find_sites(rest, 37, DISTANCE, sites, values)
    best = sites[np.argmax(values[:found])]
    assert np.linalg.norm(best - octahedron[inner]) < 0.15 * DISTANCE


def test_atoms_on_one_place_are_parted():
    x = np.zeros((8, 3))
    part(x, 2.0)
    assert pdist(x).min() >= 2.0


def test_a_cluster_in_two_pieces_is_not_whole(octahedron):
    assert is_whole(octahedron, 1.4 * DISTANCE)
    assert not is_whole(np.vstack([octahedron, octahedron + 30.0]), 1.4 * DISTANCE)


def test_rotations_are_rotations():
    turn = np.empty((3, 3))
    for hop in range(5):
        random_rotation(stream(1, 0, hop), turn)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1.0)


ORDERS = {"Cs": 2, "Ci": 2, "C3": 3, "C5v": 10, "D4": 8, "D5h": 20, "T": 12, "Td": 24, "O": 24,
          "Oh": 48, "I": 60, "Ih": 120}  # fmt: skip


@pytest.mark.parametrize("name", point_groups())
def test_point_groups_are_groups(name):
    group = point_groups()[name]
    assert len(group) == ORDERS.get(name, len(group))
    products = np.einsum("aij,bjk->abik", group, group).reshape(-1, 9)
    elements = group.reshape(-1, 9)
    assert all(np.abs(elements - p).max(axis=1).min() < 1e-9 for p in products)
    np.testing.assert_allclose(np.abs(np.linalg.det(group)), 1.0)


def test_a_cluster_is_made_symmetric():
    """Of 13 random atoms the centre and an orbit of twelve are left: an icosahedron."""
    group, orders = point_groups()["Ih"], []
    for hop in range(40):
        random = stream(1, 0, hop)
        x = fresh_start(13, DISTANCE, random)
        if symmetrize(x, group, DISTANCE, random):
            orders.append(point_group_order(nc.minimization.quench(x, GOLD).positions))
    assert 120 in orders


@pytest.mark.parametrize(
    ("motif", "n", "order"),
    [("icosahedron", 147, 120), ("decahedron", 75, 20), ("octahedron", 38, 48), ("random", 41, 1)],
)
def test_orders_of_known_clusters(motif, n, order):
    x = nc.clusters.build(motif, "Cu", n).positions
    assert point_group_order(x) == order
    rng = np.random.default_rng(0)
    turned = Rotation.random(random_state=1).apply(rng.permutation(x)) + np.array([1.0, -2.0, 3.0])
    assert point_group_order(turned) == order
    assert point_group_order(turned * [1.0, 1.0, -1.0]) == order


@pytest.mark.parametrize(
    ("points", "order"),
    [
        ([[0, 0, 0], [3, 0, 0], [1.5, 2.598076, 0]], 12),  # D3h
        (list(itertools.product([-1.5, 1.5], repeat=3)), 48),
        ([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], 24),
        ([[0, 0, 0], [3, 0, 0], [0, 4, 0]], 2),  # the plane that holds it
    ],
)
def test_orders_of_small_figures(points, order):
    assert point_group_order(points) == order


@pytest.mark.parametrize(
    ("points", "settings", "sentence"),
    [
        ([[0, 0, 0], [3, 0, 0], [6, 0, 0]], {}, "must not lie on a line .*; got 3 atoms on one"),
        (np.zeros((2, 4, 3)), {}, r"must have the shape \(atom, 3\); got \(2, 4, 3\)"),
        (np.eye(3), {"tolerance": 0.0}, "the tolerance of a symmetry must be above 0 Å; got 0.0"),
    ],
)
def test_what_has_no_order_is_said(points, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        point_group_order(points, **settings)


def test_frequencies_of_three_atoms_are_exact():
    """Springs k along the sides of a triangle: m ω² is 3k once and 3k/2 twice."""
    potential = LennardJones()
    side = potential.sigma * 2.0 ** (1.0 / 6.0)
    x = side * np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.75**0.5, 0.0]])
    k = 72.0 * potential.epsilon / side**2
    omega2 = np.array([3.0, 1.5, 1.5]) * k / (potential.mass * AMU) * 1e6  # 1/ps²
    assert log_frequency_product(x, potential) == pytest.approx(
        0.5 * np.log(omega2).sum(), abs=1e-4
    )


def test_a_saddle_has_no_product_of_frequencies():
    potential = LennardJones()
    side = potential.sigma * 2.0 ** (1.0 / 6.0)
    square = side * np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    assert np.isnan(log_frequency_product(square, potential))


def test_frequencies_are_of_one_cluster():
    with pytest.raises(ValueError, match=r"must have the shape \(atom, 3\) with 3 atoms or more"):
        log_frequency_product(np.eye(3)[:2], GOLD)
