import numpy as np
import pytest

import nanochart as nc
from nanochart.compiled import neighbours

CUTOFF = 5.9


def brute_force(x, reach):
    """Partners j > i of each i, from all distances."""
    distance = np.linalg.norm(x[:, :, None] - x[:, None, :], axis=0)
    return [np.flatnonzero(row[i + 1 :] < reach) + i + 1 for i, row in enumerate(distance)]


def listed(x, reach):
    n = x.shape[1]
    workspace = neighbours.make_workspace(n, 10)
    workspace = neighbours.rebuild_list(x, reach, workspace)
    start = workspace.start
    rows = [workspace.neighbour[start[i] : start[i + 1]].tolist() for i in range(n)]
    for row in rows:
        # Filled up to whole vectors by an atom that is not there, and no further.
        assert len(row) % 4 == 0
        assert row.count(n) < 4
    return [[j for j in row if j < n] for row in rows]


def gas(n, seed):
    return np.random.default_rng(seed).normal(size=(3, n)) * 2.0 * n ** (1 / 3)


@pytest.mark.parametrize("n", [2, 40, 599, 600, 900])
@pytest.mark.parametrize("reach", [4.0, CUTOFF, 9.0])
def test_the_list_holds_all_pairs_in_reach_in_order(n, reach):
    x = gas(n, seed=n)
    expected = [partners.tolist() for partners in brute_force(x, reach)]
    assert listed(x, reach) == expected
    assert n == 2 or sum(map(len, expected)) > 0


def test_an_atom_far_away_is_alone():
    x = gas(700, seed=1)
    x[:, 350] = [900.0, -40.0, 0.0]
    found = listed(x, CUTOFF)
    assert found == [partners.tolist() for partners in brute_force(x, CUTOFF)]
    assert found[350] == []


def test_atoms_in_one_plane_and_on_one_line_are_found():
    for axes in ([2], [1, 2]):
        x = gas(650, seed=2)
        x[axes] = 0.0
        assert listed(x, 4.0) == [partners.tolist() for partners in brute_force(x, 4.0)]


@pytest.mark.parametrize("n", [599, 600, 700])
def test_atoms_that_are_all_in_reach_fit(n):
    x = 0.02 * gas(n, seed=3)
    assert [len(partners) for partners in listed(x, CUTOFF)] == list(range(n - 1, -1, -1))


def test_a_large_cluster_in_wrong_units_is_refused():
    x = nc.clusters.build("icosahedron", "Au", 923).positions
    with pytest.raises(ValueError, match="check that the coordinates are in Å"):
        nc.potentials.gupta("Au").energy_forces(0.1 * x)
