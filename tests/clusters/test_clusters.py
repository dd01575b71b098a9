"""Clusters of every motif and size: exact counts, known shapes and energies, the motif itself."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from ase.cluster import Decahedron, Icosahedron, Octahedron
from scipy.spatial import cKDTree

import nanochart as nc
from nanochart.clusters import MOTIFS, build, confining_radius

NEAREST = {"Au": 2.88, "Ag": 2.89, "Cu": 2.56}
SIZES = (13, 14, 38, 75, 90, 146, 147, 148, 200)


@cache
def built(motif, n, metal="Au"):
    return build(motif, metal, n)


def neighbours(positions, cutoff=1.2 * 2.88):
    pairs = cKDTree(positions).query_pairs(cutoff)
    found = [set() for _ in positions]
    for i, j in pairs:
        found[i].add(j)
        found[j].add(i)
    return found


def signatures(positions):
    """Per atom, its bonds' signatures: common neighbours, bonds among these, longest chain."""
    near = neighbours(positions)

    def longest(bonds, at, used):
        onward = [b for b in bonds if at in b and b not in used]
        return max((1 + longest(bonds, sum(b) - at, used | {b}) for b in onward), default=0)

    def signature(i, j):
        common = near[i] & near[j]
        bonds = [(a, b) for a, b in combinations(sorted(common), 2) if b in near[a]]
        return (
            len(common),
            len(bonds),
            max((longest(bonds, a, frozenset()) for a in common), default=0),
        )

    return [sorted(signature(i, j) for j in near[i]) for i in range(len(near))]


FCC = [(4, 2, 1)] * 12
HCP = [(4, 2, 1)] * 6 + [(4, 2, 2)] * 6
AXIS = [(4, 2, 2)] * 10 + [(5, 5, 5)] * 2
ICO = [(5, 5, 5)] * 12


def of_kind(positions, kind):
    return np.array([s == kind for s in signatures(positions)])


def coordination_histogram(positions, cutoff):
    return np.bincount([len(near) for near in neighbours(positions, cutoff)], minlength=13).tolist()


# -- known answers ---------------------------------------------------------------------------------


def test_gold_147_reproduces_the_published_energy_of_icosahedron_against_decahedron():
    # Settem, Roncaglia, Ferrando, Giacomello, J. Chem. Phys. (2023): 1.8649 eV.
    icosahedron = built("icosahedron", 147).info["energy"]
    decahedron = built("decahedron", 147).info["energy"]
    assert icosahedron == pytest.approx(-530.9025, abs=2e-4)
    assert decahedron == pytest.approx(-532.7674, abs=2e-4)
    assert icosahedron - decahedron == pytest.approx(1.8649, abs=2e-4)


@pytest.mark.parametrize(("shells", "n", "n_bonds"), [(1, 13, 42), (2, 55, 234), (3, 147, 696)])
def test_mackay_sizes_have_the_contacts_of_a_mackay_icosahedron(shells, n, n_bonds):
    # A. L. Mackay, Acta Cryst. 15, 916 (1962): 20 k³ + 15 k² + 7 k contacts in k shells.
    near = neighbours(built("icosahedron", n).positions)
    assert sum(map(len, near)) // 2 == n_bonds == 20 * shells**3 + 15 * shells**2 + 7 * shells


@pytest.mark.parametrize(
    ("motif", "ideal"),
    [
        ("icosahedron", Icosahedron("Au", 3)),
        ("icosahedron", Icosahedron("Au", 4)),
        ("icosahedron", Icosahedron("Au", 5)),
        ("decahedron", Decahedron("Au", 2, 2, 1)),
        ("decahedron", Decahedron("Au", 2, 3, 1)),
        ("decahedron", Decahedron("Au", 3, 2, 1)),
        ("octahedron", Octahedron("Au", 4, 1)),
        ("octahedron", Octahedron("Au", 5, 1)),
        ("octahedron", Octahedron("Au", 6, 1)),
        ("octahedron", Octahedron("Au", 7, 2)),
    ],
    ids=lambda value: value if isinstance(value, str) else str(len(value)),
)
def test_complete_sizes_give_the_complete_shape(motif, ideal):
    atoms = built(motif, len(ideal))
    relaxed = nc.minimization.quench(ideal.positions, nc.potentials.gupta("Au"))
    assert atoms.info["energy"] == pytest.approx(float(relaxed.energies), abs=1e-5)
    assert coordination_histogram(atoms.positions, 1.2 * 2.88) == coordination_histogram(
        ideal.positions, 1.2 * 2.88
    )


@pytest.mark.parametrize("metal", ["Ag", "Cu"])
def test_other_metals_keep_the_complete_shapes(metal):
    for motif, ideal in (
        ("icosahedron", Icosahedron(metal, 3)),
        ("decahedron", Decahedron(metal, 2, 2, 1)),
        ("octahedron", Octahedron(metal, 4, 1)),
    ):
        relaxed = nc.minimization.quench(ideal.positions, nc.potentials.gupta(metal))
        atoms = built(motif, len(ideal), metal)
        assert atoms.info["energy"] == pytest.approx(float(relaxed.energies), abs=1e-5)
        assert set(atoms.get_chemical_symbols()) == {metal}


@pytest.mark.parametrize(("cut", "edge", "gain"), [(2, 6, 0.3), (3, 7, 1.0)])
def test_a_truncation_beats_a_complete_shape_with_large_square_facets(cut, edge, gain):
    # The (100) facets of these complete shapes cost more than the defects of another truncation.
    complete = Octahedron("Au", edge, cut)
    relaxed = nc.minimization.quench(complete.positions, nc.potentials.gupta("Au"))
    best = built("octahedron", len(complete))
    assert best.info["energy"] < relaxed.energies - gain
    inside = [bonds for bonds in signatures(best.positions) if len(bonds) == 12]
    assert inside == [FCC] * len(inside)
    assert len(inside) > 20


# -- every motif at every size ---------------------------------------------------------------------


@pytest.mark.parametrize("motif", MOTIFS)
@pytest.mark.parametrize("n", SIZES)
def test_cluster_is_whole_relaxed_and_centred(motif, n):
    atoms = built(motif, n)
    x = atoms.positions
    assert len(atoms) == n
    assert not atoms.pbc.any()
    assert atoms.cell.rank == 0
    assert atoms.info["motif"] == motif
    np.testing.assert_allclose(atoms.get_center_of_mass(), 0.0, atol=1e-10)
    nearest = cKDTree(x).query(x, k=2)[0][:, 1]
    assert nearest.min() > 0.8 * NEAREST["Au"]
    near = neighbours(x, 1.25 * NEAREST["Au"])
    reached, edge = {0}, {0}
    while edge:
        edge = set().union(*(near[i] for i in edge)) - reached
        reached |= edge
    assert len(reached) == n
    energy, forces = nc.potentials.gupta("Au").energy_forces(x)
    assert atoms.info["energy"] == pytest.approx(float(energy), abs=1e-8)
    assert np.linalg.norm(forces, axis=1).max() < 1e-4
    # Compact: a ball of n atoms and no more than about a layer around it.
    assert confining_radius(x, margin=0.0) < NEAREST["Au"] * (0.55 * n ** (1 / 3) + 1.0)


@pytest.mark.parametrize("motif", MOTIFS)
@pytest.mark.parametrize("n", [38, 90])
def test_cluster_is_a_minimum_not_a_saddle(motif, n):
    atoms = built(motif, n)
    kick = np.random.default_rng(1).normal(scale=0.01, size=(n, 3))
    again = nc.minimization.quench(atoms.positions + kick, nc.potentials.gupta("Au"))
    assert float(again.energies) == pytest.approx(atoms.info["energy"], abs=1e-5)


@pytest.mark.parametrize("motif", MOTIFS)
def test_same_arguments_give_the_same_bits(motif):
    one, two = build(motif, "Au", 60, seed=4), build(motif, "Au", 60, seed=4)
    np.testing.assert_array_equal(one.positions, two.positions)
    assert one.info == two.info


def test_seed_changes_the_random_cluster_only():
    assert (
        np.abs(build("random", "Au", 40, seed=1).positions - built("random", 40).positions).max()
        > 0.5
    )
    np.testing.assert_array_equal(
        build("twin", "Au", 40, seed=1).positions, built("twin", 40).positions
    )


def test_random_cluster_without_a_seed_is_that_of_seed_0():
    np.testing.assert_array_equal(
        build("random", "Au", 40, seed=0).positions, built("random", 40).positions
    )


@pytest.mark.parametrize("motif", ["decahedron", "octahedron", "twin", "hcp"])
def test_energy_grows_smoothly_with_size(motif):
    # An atom more binds with 3 to 4 eV whatever its place: a badly finished size would stand out.
    steps = np.diff([built(motif, n).info["energy"] for n in range(84, 93)])
    assert steps.max() < -3.0
    assert steps.min() > -4.5


# -- the motif -------------------------------------------------------------------------------------


def test_icosahedron_147_has_one_centre_and_twelve_axes():
    x = built("icosahedron", 147).positions
    assert of_kind(x, ICO).sum() == 1
    # On each of the twelve axes the corners of the inner two of three shells lie inside.
    assert of_kind(x, AXIS).sum() == 24


@pytest.mark.parametrize("n", [90, 200])
def test_open_icosahedron_keeps_its_centre(n):
    assert of_kind(built("icosahedron", n).positions, ICO).sum() >= 1


@pytest.mark.parametrize("n", [75, 146, 147, 200])
def test_decahedron_has_one_straight_five_fold_axis_near_its_centre(n):
    x = built("decahedron", n).positions
    axis = x[of_kind(x, AXIS)]
    assert len(axis) >= 3
    assert of_kind(x, ICO).sum() == 0
    middle = axis.mean(axis=0)
    _, spread, directions = np.linalg.svd(axis - middle)
    assert spread[1] < 0.15
    from_centre = middle - middle @ directions[0] * directions[0]
    assert np.linalg.norm(from_centre) < 0.6 * NEAREST["Au"]


@pytest.mark.parametrize("n", [38, 75, 90, 147, 200])
def test_octahedron_is_one_fcc_crystal(n):
    x = built("octahedron", n).positions
    inside = np.array([len(s) for s in neighbours(x)]) == 12
    assert inside.any()
    np.testing.assert_array_equal(of_kind(x, FCC), inside)


@pytest.mark.parametrize("n", [75, 90, 147, 200])
def test_twin_has_one_plane_of_hcp_atoms_with_fcc_on_both_sides(n):
    x = built("twin", n).positions
    plane, fcc = x[of_kind(x, HCP)], x[of_kind(x, FCC)]
    assert len(plane) >= 3
    middle = plane.mean(axis=0)
    _, spread, directions = np.linalg.svd(plane - middle)
    assert spread[2] < 0.3
    normal = directions[2]
    layer = NEAREST["Au"] * np.sqrt(2.0 / 3.0)
    assert abs(middle @ normal) < layer
    heights = (fcc - middle) @ normal / layer
    assert heights.min() < -0.9
    assert heights.max() > 0.9
    assert len(plane) + len(fcc) == (np.array([len(s) for s in neighbours(x)]) == 12).sum()


@pytest.mark.parametrize("n", [38, 90, 147, 200])
def test_hcp_is_hcp_inside(n):
    x = built("hcp", n).positions
    inside = np.array([len(s) for s in neighbours(x)]) == 12
    np.testing.assert_array_equal(of_kind(x, HCP), inside)
    assert inside.sum() >= 4


def test_random_cluster_is_no_crystal():
    x = built("random", 200).positions
    assert of_kind(x, FCC).sum() + of_kind(x, HCP).sum() < 0.1 * len(x)


@pytest.mark.parametrize("metal", ["Au", "Ag", "Cu"])
def test_random_clusters_are_not_packed_into_the_best_crystal(metal):
    # 38 spheres that are parted until they touch pack into the truncated octahedron.
    gupta = nc.potentials.gupta(metal)
    found = [build("random", metal, 38, seed=seed).positions for seed in range(40)]
    energies = gupta.energy(np.stack(found))
    crystal = float(gupta.energy(build("octahedron", metal, 38).positions))
    assert (energies < crystal + 1e-3).sum() <= 1
    assert (nc.motifs.classify(np.stack(found), metal) == "fcc").sum() <= 1
    assert len(np.unique(np.round(energies, 3))) >= 36


# -- metals and potentials -------------------------------------------------------------------------


def test_tabulated_potential_builds_the_same_cluster(tmp_path):
    nc.potentials.gupta("Cu").write_setfl(tmp_path / "Cu.eam.alloy")
    table = nc.potentials.eam(tmp_path / "Cu.eam.alloy", "Cu")
    atoms = build("octahedron", "Cu", 38, potential=table)
    assert atoms.info["energy"] == pytest.approx(
        built("octahedron", 38, "Cu").info["energy"], abs=1e-3
    )


def test_metal_without_published_parameters_takes_a_potential(tmp_path):
    path = tmp_path / "Ni.eam.alloy"
    nc.potentials.gupta("Cu").write_setfl(path)
    # Copper's table under nickel's name: the builder asks only for a potential of its metal.
    path.write_text(path.read_text().replace("Cu", "Ni"))
    atoms = build("decahedron", "Ni", 75, potential=nc.potentials.eam(path, "Ni"))
    assert set(atoms.get_chemical_symbols()) == {"Ni"}
    assert of_kind(atoms.positions * 2.88 / 2.56, AXIS).sum() == 3


# -- bad input -------------------------------------------------------------------------------------


def test_unknown_motif_is_refused():
    with pytest.raises(ValueError, match=r"must be one of icosahedron, .*random; got 'cube'"):
        build("cube", "Au", 147)


def test_unknown_metal_is_refused():
    with pytest.raises(ValueError, match=r"chemical symbol such as 'Au'.*got 'Gold'"):
        build("icosahedron", "Gold", 147)


def test_metal_without_potential_is_refused():
    with pytest.raises(ValueError, match=r"cluster of Ni needs a potential.*eam\(path, 'Ni'\)"):
        build("icosahedron", "Ni", 147)


@pytest.mark.parametrize("n", [12, 3001, 147.0, "147", True])
def test_sizes_out_of_range_are_refused(n):
    with pytest.raises(ValueError, match="must be an integer from 13 to 3000; got"):
        build("icosahedron", "Au", n)


@pytest.mark.parametrize("seed", [-1, 0.5])
def test_bad_seed_is_refused(seed):
    with pytest.raises(ValueError, match="seed of a cluster must be an integer of 0 or more; got"):
        build("random", "Au", 40, seed=seed)


def test_potential_of_another_metal_is_refused():
    with pytest.raises(ValueError, match="cluster of Au must be one for Au; got Gupta Cu"):
        build("random", "Au", 40, potential=nc.potentials.gupta("Cu"))


# -- the confining sphere --------------------------------------------------------------------------


def test_confining_radius_is_the_outermost_distance_from_the_centre_of_mass():
    x = np.array([[1.0, 0.0, 0.0], [5.0, 0.0, 0.0], [3.0, 3.0, 0.0], [3.0, -3.0, 0.0]])
    assert confining_radius(x, margin=1.5) == 4.5
    assert confining_radius(x) == 8.0
    assert confining_radius(np.stack([x, 2.0 * x]) + 7.0) == 11.0


def test_confining_radius_refuses_a_bad_shape():
    with pytest.raises(ValueError, match=r"must have the shape \(..., atom, 3\); got \(4,\)"):
        confining_radius(np.zeros(4))


def test_confining_radius_refuses_nan():
    with pytest.raises(ValueError, match="positions must be finite"):
        confining_radius(np.full((2, 3), np.nan))


def test_confining_radius_refuses_a_negative_margin():
    with pytest.raises(
        ValueError, match="margin of a confining sphere must be 0 Å or more; got -1"
    ):
        confining_radius(np.zeros((2, 3)), margin=-1)


# -- large clusters --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("motif", MOTIFS)
@pytest.mark.parametrize("n", [1000, 3000])
def test_large_cluster(motif, n):
    test_cluster_is_whole_relaxed_and_centred(motif, n)
    x = built(motif, n).positions
    inside = np.array([len(s) for s in neighbours(x)]) == 12
    kinds = signatures(x)
    share = {
        name: sum(s == kind for s in kinds) / inside.sum()
        for name, kind in (("fcc", FCC), ("hcp", HCP), ("axis", AXIS), ("ico", ICO))
    }
    if motif == "octahedron":
        assert share["fcc"] == 1.0
    elif motif == "hcp":
        assert share["hcp"] == 1.0
    elif motif == "twin":
        assert share["fcc"] + share["hcp"] == pytest.approx(1.0)
        assert 0.05 < share["hcp"] < 0.25
    elif motif == "decahedron":
        assert 0.005 < share["axis"] < 0.03
        assert share["ico"] == 0.0
    elif motif == "icosahedron":
        assert of_kind(x, ICO).sum() == 1
    else:
        assert share["fcc"] < 0.1
