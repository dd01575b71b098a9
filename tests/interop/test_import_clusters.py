"""What is imported, and what a simulation starts from, is one whole cluster of the metal."""

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.cluster import Icosahedron

import nanochart as nc
from helpers.files import clusters, gold, plain, read
from nanochart.config import load_config
from nanochart.errors import ConfigError
from nanochart.interop.pieces import bond_length, bonded_pieces, boxed, pieces
from nanochart.workflow.starts import make_starts

GOLD = nc.potentials.gupta("Au")


def shifted(positions: np.ndarray, *vector: float) -> np.ndarray:
    return positions + np.array(vector)


def energies(path, **options):
    """Energies that an import of a file computes."""
    run = nc.interop.import_trajectories(
        [path], path.with_suffix(".zarr"), potential=GOLD, **options
    )
    return run.to_xarray().energy.values.ravel()


# -- cut by a periodic box -------------------------------------------------------------------------


def test_a_plain_file_cut_by_a_periodic_box_is_refused_and_taken_with_the_box(tmp_path):
    whole = gold()
    path = plain(tmp_path / "a.xyz", shifted(whole, 1.0, 2.0, 3.0) % 40.0)
    with pytest.raises(
        ValueError,
        match=r"a.xyz: frame 0 is in 8 pieces, and looks cut by a periodic box of about 40 Å along "
        r"x and 40 Å along y and 40 Å along z: import it with --unwrap and the box that was "
        r"simulated, as --cell 40,40,40",
    ):
        energies(path)
    np.testing.assert_allclose(
        energies(path, unwrap=True, cell=40.0), GOLD.energy(whole), atol=1e-6
    )


@pytest.mark.parametrize("cell", [38.0, 43.0, [40.0, 40.0, 60.0]])
def test_another_box_than_the_one_that_cut_a_cluster_is_refused(tmp_path, cell):
    whole = [gold() + 20.0, shifted(gold(), 1.0, 2.0, 3.0) % 40.0]
    path = plain(tmp_path / "a.xyz", whole)
    with pytest.raises(
        ValueError, match=r"frame 1 was cut by a box of about 40 Å along [xz]; got --cell with"
    ):
        energies(path, unwrap=True, cell=cell)


@pytest.mark.parametrize("motif", ["icosahedron", "decahedron", "octahedron", "twin", "random"])
@pytest.mark.parametrize("edge", [32.0, 43.7])
def test_the_box_that_cuts_hot_clusters_is_estimated_well(motif, edge):
    generator = np.random.default_rng(len(motif))
    for n_atoms in (55, 147):
        hot = gold(motif, n_atoms) + generator.normal(0.0, 0.15, (n_atoms, 3))
        hot -= hot.mean(axis=0)
        box = np.array([edge, edge + 3.0, 2.0 * edge])
        cut = shifted(hot, 0.4, 15.0, 0.9) % box
        found = boxed(cut, "Au")
        assert set(found) == {"x", "z"}
        assert abs(found["x"] - edge) < 0.8
        assert abs(found["z"] - 2.0 * edge) < 0.8


def test_no_detached_atom_is_taken_for_a_box():
    generator = np.random.default_rng(3)
    whole = gold("decahedron", 75)
    for count in (1, 2, 3):
        for _ in range(40):
            away = generator.normal(size=3)
            away *= generator.uniform(14.0, 25.0) / np.linalg.norm(away)
            detached = away + 2.7 * np.arange(count)[:, None] * [0.0, 0.0, 1.0]
            assert boxed(np.concatenate([whole, detached]), "Au") == {}


def test_a_cell_that_is_not_called_periodic_still_mends_what_it_cut(tmp_path):
    whole = gold(n_atoms=55)
    cut = Atoms("Au55", positions=whole % 30.0, cell=[30.0] * 3, pbc=False)
    ase.io.write(tmp_path / "a.extxyz", cut)
    with pytest.raises(
        ValueError, match=r"in 8 pieces, cut by the boundary of its cell: .*--unwrap"
    ):
        energies(tmp_path / "a.extxyz")
    found = energies(tmp_path / "a.extxyz", unwrap=True)
    np.testing.assert_allclose(found, GOLD.energy(whole), atol=1e-5)


def test_a_cluster_that_is_whole_needs_no_box(tmp_path):
    whole = gold(n_atoms=55)
    path = plain(tmp_path / "a.xyz", whole)
    np.testing.assert_allclose(energies(path, unwrap=True), GOLD.energy(whole), atol=1e-6)


@pytest.mark.parametrize("cell", [-1.0, 0.0, np.inf, np.nan, [30.0, 30.0], "wide"])
def test_a_cell_that_is_no_box_is_refused(tmp_path, cell):
    path = plain(tmp_path / "a.xyz", gold(n_atoms=55))
    with pytest.raises(ValueError, match=r"cell must (be one edge or three|hold edges above 0 Å)"):
        energies(path, cell=cell)


# -- units -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "per_angstrom"), [("bohr", 1.8897261), ("nm", 0.1), ("pm", 100)])
def test_lengths_in_another_unit_are_refused_and_taken_with_the_unit(tmp_path, unit, per_angstrom):
    whole = gold(n_atoms=55)
    path = plain(tmp_path / "a.xyz", whole, scale=per_angstrom)
    with pytest.raises(
        ValueError,
        match=rf"a.xyz: frame 0 must have neighbours about 2.88 Å apart, as Au has; got .* \(median"
        rf"\): its lengths look like {unit}: import it with --unit {unit}",
    ):
        energies(path)
    np.testing.assert_allclose(energies(path, unit=unit), GOLD.energy(whole), atol=1e-3)


def test_a_unit_that_is_wrong_is_refused(tmp_path):
    path = plain(tmp_path / "a.xyz", gold(n_atoms=55))
    with pytest.raises(
        ValueError, match=r"its lengths look like angstrom: import it without --unit"
    ):
        energies(path, unit="bohr")
    with pytest.raises(ValueError, match=r"unit must be one of angstrom, bohr, nm, pm; got 'feet'"):
        energies(path, unit="feet")


def test_a_dump_that_states_its_unit_names_the_option(tmp_path):
    text = "ITEM: UNITS\nelectron\nITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\n"
    text += "ITEM: BOX BOUNDS ff ff ff\n0 9\n0 9\n0 9\nITEM: ATOMS id element x y z\n"
    (tmp_path / "a.dump").write_text(text + "1 Au 1 2 3\n2 Au 1 2 8\n")
    with pytest.raises(
        ValueError, match=r"a.dump: frame 0 says .* are in bohr: import it with --unit bohr"
    ):
        read(tmp_path / "a.dump")
    _, positions, _ = read(tmp_path / "a.dump", unit="bohr")
    np.testing.assert_allclose(np.ptp(positions[0, :, 2]), 5 * 0.529177210903)


# -- pieces and isolated atoms ---------------------------------------------------------------------


def with_a_detached_atom(n_atoms=55):
    return np.concatenate([gold(n_atoms=n_atoms), [[20.0, 3.0, 0.0]]])


def test_a_detached_atom_is_refused_and_left_behind_on_demand(tmp_path):
    path = plain(tmp_path / "a.xyz", with_a_detached_atom())
    with pytest.raises(
        ValueError,
        match=r"frame 0 is in 2 pieces, of 55, 1 atoms, 1\d\.\d Å apart at least: "
        r"import it with --largest-fragment, which keeps the largest piece, or with --skip-bad-",
    ):
        energies(path)
    found = energies(path, largest_fragment=True)
    np.testing.assert_allclose(found, GOLD.energy(gold(n_atoms=55)), atol=1e-6)


def test_the_energy_of_a_file_is_not_that_of_its_largest_piece(tmp_path):
    images = [
        Atoms("Au56", positions=with_a_detached_atom()),
        Atoms("Au55", positions=gold(n_atoms=55)),
    ]
    for atoms in images:
        atoms.info["energy"] = -190.0
    ase.io.write(tmp_path / "a.extxyz", images)
    run = nc.interop.import_trajectories(
        [tmp_path / "a.extxyz"], tmp_path / "run.zarr", largest_fragment=True
    )
    np.testing.assert_array_equal(run.to_xarray().energy[:, 0], [np.nan, -190.0])


def test_largest_pieces_of_different_sizes_are_told_apart(tmp_path):
    path = tmp_path / "a.xyz"
    plain(path, with_a_detached_atom())
    with path.open("a") as file:
        file.write(plain(tmp_path / "b.xyz", gold(n_atoms=54)).read_text())
    with pytest.raises(
        ValueError, match=r"frame 1 must have 55 atoms .* got 54: import with --n-atoms"
    ):
        energies(path, largest_fragment=True)
    assert len(energies(path, largest_fragment=True, n_atoms=54)) == 1


def test_a_cut_cluster_is_not_made_smaller_by_keeping_its_largest_piece(tmp_path):
    path = plain(tmp_path / "a.xyz", shifted(gold(), 6.0, 20.0, 20.0) % 40.0)
    with pytest.raises(ValueError, match=r"looks cut by a periodic box of about 40 Å along x: "):
        energies(path, largest_fragment=True)


def test_two_equal_pieces_are_no_cluster(tmp_path):
    whole = gold(n_atoms=13)
    path = plain(tmp_path / "a.xyz", np.concatenate([whole, shifted(whole, 0.0, 30.0, 17.0)]))
    with pytest.raises(
        ValueError, match=r"2 pieces, of 13, 13 atoms, .*no piece holds most of its"
    ):
        energies(path, largest_fragment=True)


def test_isolated_atoms_are_refused(tmp_path):
    grid = 11.3 * np.stack(np.meshgrid(*[np.arange(3)] * 3), axis=-1).reshape(-1, 3)
    with pytest.raises(ValueError, match=r"got 11.3 Å \(median\): its atoms are isolated, or its"):
        energies(plain(tmp_path / "a.xyz", grid))
    with pytest.raises(ValueError, match=r"must have two atoms at least; got 1"):
        energies(plain(tmp_path / "b.xyz", np.zeros((1, 3))))


@pytest.mark.parametrize("n_atoms", [13, 55, 147])
def test_built_clusters_are_of_one_piece(n_atoms):
    for motif in ("icosahedron", "decahedron", "octahedron", "twin", "hcp", "random"):
        x = gold(motif, n_atoms)
        assert bonded_pieces(x, "Au", "angstrom", motif).max() == 0
        assert pieces(x, "Au").max() == 0


@pytest.mark.parametrize("metal", ["Au", "Ag", "Cu"])
def test_hot_liquids_pass(tmp_path, metal):
    x = Icosahedron(metal, 3).positions
    state = nc.dynamics.initialize(x, nc.potentials.gupta(metal), [900.0, 1400.0], seed=1)
    _, samples = nc.dynamics.run_segment(
        state,
        nc.potentials.gupta(metal),
        nc.dynamics.Langevin(time_step=3.0, friction=5e-3),
        2000,
        200,
    )
    path = plain(tmp_path / f"{metal}.xyz", samples.positions[:, 0], metal)
    assert len(read(path)[1]) == 10


def test_large_clusters_are_looked_over_like_small_ones():
    x = Icosahedron("Au", 6).positions  # 561 atoms
    assert bonded_pieces(x, "Au", "angstrom", "it").max() == 0
    assert bonded_pieces(np.concatenate([x, x[:1] + 60.0]), "Au", "angstrom", "it").max() == 1
    with pytest.raises(ValueError, match=r"it has atoms 0 and 561 on top of each other"):
        bonded_pieces(np.concatenate([x, x[:1]]), "Au", "angstrom", "it")
    with pytest.raises(ValueError, match=r"look like bohr"):
        bonded_pieces(x / 0.529, "Au", "angstrom", "it")


def test_a_dimer_of_each_metal_passes(tmp_path):
    lengths = {"Au": 2.472, "Ag": 2.531, "Cu": 2.220, "Ni": 2.155, "Pt": 2.333, "Fe": 2.02}
    for symbol, length in lengths.items():
        path = plain(tmp_path / f"{symbol}.xyz", [[0.0, 0.0, 0.0], [0.0, 0.0, length]], symbol)
        element, positions, _ = read(path)
        assert element == symbol
        assert np.linalg.norm(positions[0, 1] - positions[0, 0]) == pytest.approx(length, abs=1e-5)


@pytest.mark.parametrize(("symbol", "expected"), [("Ni", 2.49), ("Pt", 2.77), ("Fe", 2.48)])
def test_bond_lengths_of_other_metals_are_those_of_their_crystals(symbol, expected):
    assert bond_length(symbol) == pytest.approx(expected, abs=0.01)


# -- starting structures ---------------------------------------------------------------------------


def config_of(path, n_atoms):
    return load_config(
        {
            "system": {"metal": "Au", "n_atoms": n_atoms},
            "starts": [str(path)],
            "tempering": {
                "temperatures": [300.0, 400.0],
                "swap_interval": 10.0,
                "time_per_replica": 0.1,
            },
        }
    )


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ((gold() + 3.0) % 40.0, r"frame 0 is in 8 pieces, and looks cut by .* about 40 Å along x"),
        (gold() / 0.529177, r"its lengths look like bohr: import it with --unit bohr"),
        (with_a_detached_atom(146), r"frame 0 is in 2 pieces, of 146, 1 atoms"),
        (gold() * 5.0, r"its atoms are isolated"),
    ],
)
def test_a_start_that_is_no_whole_cluster_is_refused(tmp_path, positions, message):
    path = plain(tmp_path / "mine.xyz", positions)
    with pytest.raises(ConfigError, match=rf"starts: .*mine.xyz: .*{message}.*nanochart import"):
        make_starts(config_of(path, 147), GOLD)


def test_a_start_is_the_last_frame_of_its_file(tmp_path):
    path = plain(tmp_path / "mine.xyz", [gold(n_atoms=55) + 0.1, gold("decahedron", 55)])
    (start,) = make_starts(config_of(path, 55), GOLD).positions
    assert GOLD.energy(start) == pytest.approx(GOLD.energy(gold("decahedron", 55)), abs=1e-6)


def test_positions_far_from_the_origin_keep_their_digits(tmp_path):
    images = clusters(2)
    expected = np.array([atoms.positions - atoms.positions.mean(axis=0) for atoms in images])
    path = plain(tmp_path / "a.xyz", expected + 1e6)
    run = nc.interop.import_trajectories([path], tmp_path / "run.zarr")
    stored = run.to_xarray().positions[:, 0].values
    np.testing.assert_allclose(stored, expected, rtol=0.0, atol=2e-6)


def test_atoms_of_ase_are_one_whole_cluster_too():
    with pytest.raises(ValueError, match=r"the cluster is in 2 pieces, of 55, 1 atoms"):
        nc.interop.from_atoms(Atoms("Au56", positions=with_a_detached_atom()))
    with pytest.raises(ValueError, match=r"the cluster must have neighbours about 2.88 Å apart"):
        nc.interop.from_atoms(Icosahedron("Au", 2, latticeconstant=12.0))
