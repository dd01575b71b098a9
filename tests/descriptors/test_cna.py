"""Common neighbour analysis: known lattices, an independent program, and what it refuses."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

import nanochart as nc
from helpers.ovito_oracle import fixed_cutoff_types, require_ovito
from nanochart.descriptors import atom_types, bond_signatures, bonding_cutoff

METALS = ("Au", "Ag", "Cu")


def counts(motif, n, metal="Au"):
    positions = nc.clusters.build(motif, metal, n).positions
    return Counter(atom_types(positions, metal).tolist())


@pytest.mark.parametrize(
    ("motif", "n", "expected"),
    [
        # Mackay icosahedron of three shells: the centre, 12 axes of two inner atoms, and the edges
        # of the second shell, which lie on twin planes.
        ("icosahedron", 147, {"ico": 1, "axis": 24, "hcp": 30, "other": 92}),
        ("icosahedron", 55, {"ico": 1, "axis": 12, "other": 42}),
        # Marks decahedra: an axis, five twin planes and five grains.
        ("decahedron", 146, {"axis": 4, "hcp": 25, "fcc": 20, "other": 97}),
        ("decahedron", 75, {"axis": 3, "hcp": 10, "fcc": 5, "other": 57}),
        # Truncated octahedra: all but the surface is fcc.
        ("octahedron", 38, {"fcc": 6, "other": 32}),
        ("octahedron", 201, {"fcc": 79, "other": 122}),
    ],
)
def test_complete_shapes(motif, n, expected):
    assert counts(motif, n) == expected


def test_definition_of_a_signature_by_sets():
    x = nc.clusters.build("random", "Cu", 60, seed=5).positions
    cutoff = bonding_cutoff("Cu")
    near = np.linalg.norm(x[:, None] - x[None], axis=-1) <= cutoff
    np.fill_diagonal(near, val=False)
    pairs, signatures = bond_signatures(x, "Cu")
    assert sorted(map(tuple, pairs.tolist())) == sorted(map(tuple, np.argwhere(np.triu(near))))
    for (i, j), signature in zip(pairs, signatures.tolist(), strict=True):
        common = np.flatnonzero(near[i] & near[j])
        bonds = [pair for pair in combinations(common.tolist(), 2) if near[pair]]
        groups = []
        for a, b in bonds:
            touching = [g for g in groups if {a, b} & set().union(*g)]
            groups = [g for g in groups if g not in touching]
            groups.append([{a, b}, *[bond for g in touching for bond in g]])
        longest = max((len(g) for g in groups), default=0)
        assert signature == [len(common), len(bonds), longest]


def test_types_do_not_depend_on_numbering_place_or_orientation():
    x = nc.clusters.build("decahedron", "Ag", 101).positions
    rng = np.random.default_rng(4)
    order = rng.permutation(len(x))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    before = atom_types(x, "Ag")
    after = atom_types((x @ turn + [5.0, -3.0, 40.0])[order], "Ag")
    assert (after == before[order]).all()


def test_batches_equal_single_frames_and_the_input_stays():
    x = np.stack([nc.clusters.build("random", "Au", 70, seed=s).positions for s in range(3)])
    before = x.copy()
    together = atom_types(x[:, None], "Au")
    assert together.shape == (3, 1, 70)
    assert (together[:, 0] == [atom_types(frame, "Au") for frame in x]).all()
    assert (x == before).all()


def frames_of(metal, n_replicas, n_steps, seed):
    """Hot and quenched frames of 147 atoms: solid, melting and liquid."""
    potential = nc.potentials.gupta(metal)
    motifs = ("icosahedron", "decahedron", "octahedron", "twin")
    starts = np.array([nc.clusters.build(m, metal, 147).positions for m in motifs])
    high = 900.0 if metal == "Au" else 1300.0
    temperatures = np.linspace(300.0, high, n_replicas)
    state = nc.dynamics.initialize(
        starts[np.arange(n_replicas) % 4], potential, temperatures=temperatures, seed=seed
    )
    dynamics = nc.dynamics.Langevin(time_step=3.0)
    state, _ = nc.dynamics.run_segment(state, potential, dynamics, n_steps=n_steps)
    return state.positions, nc.minimization.quench(state.positions, potential, 1e-2).positions


def assert_same_types(frames, metal):
    ours = atom_types(frames, metal)
    theirs = fixed_cutoff_types(frames, bonding_cutoff(metal))
    lattices = np.where(np.isin(ours, ["axis"]), "other", ours)
    assert (lattices == np.where(theirs == "bcc", "other", theirs)).all()
    return Counter(ours.ravel().tolist())


@pytest.mark.parametrize("metal", METALS)
def test_every_atom_has_the_type_that_ovito_gives(metal):
    require_ovito()
    hot, cold = frames_of(metal, 12, 4_000, seed=7)
    assert_same_types(hot, metal)
    found = assert_same_types(cold, metal)
    assert all(found[name] > 10 for name in ("fcc", "hcp", "axis", "other"))


@pytest.mark.slow
@pytest.mark.parametrize("metal", METALS)
def test_every_atom_of_thousands_of_frames_has_the_type_that_ovito_gives(metal):
    require_ovito()
    hot, cold = frames_of(metal, 2_000, 6_000, seed=8)
    assert_same_types(cold, metal)
    assert_same_types(hot[-500:], metal)


def test_a_metal_without_a_distance_is_refused():
    with pytest.raises(ValueError, match="it is for Au, Ag, Cu; got 'Pt': give nearest_neighbour"):
        atom_types(np.zeros((5, 3)), "Pt")


def test_a_distance_that_is_none_is_refused():
    with pytest.raises(ValueError, match="must be a positive length in Å; got -1"):
        atom_types(np.zeros((5, 3)), "Pt", nearest_neighbour=-1.0)


def test_atoms_on_top_of_each_other_are_refused():
    with pytest.raises(ValueError, match="at most 48 neighbours within a bond's length"):
        atom_types(np.random.default_rng(0).random((60, 3)), "Au")


def test_positions_that_are_not_finite_are_refused():
    x = nc.clusters.build("octahedron", "Au", 38).positions
    x[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"finite numbers in Å; got nan at index \(3, 1\)"):
        atom_types(x, "Au")


def test_signatures_are_of_one_frame():
    with pytest.raises(ValueError, match=r"shape \(atom, 3\); got \(2, 5, 3\)"):
        bond_signatures(np.zeros((2, 5, 3)), "Au")
