"""Structures come out of a file, and go into one, as an independent program has them."""

import gzip
import math

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import nanochart as nc
from helpers.files import CELL, ORIGIN, clusters, lammps_dump, read
from helpers.stored import fill, frames, new_run, quenched

EXACT = {"rtol": 0.0, "atol": 1e-12}
PRINTED = {"rtol": 0.0, "atol": 1e-7}  # ASE writes eight decimals


# -- ASE -----------------------------------------------------------------------------------------


def test_atoms_and_positions_return():
    positions = clusters(1)[0].positions
    atoms = nc.interop.to_atoms(positions, "Au", {"replica": 3}, energy=-1.25)
    assert atoms.get_chemical_formula() == "Au13"
    assert not atoms.pbc.any()
    assert atoms.info == {"replica": 3}
    assert atoms.get_potential_energy() == -1.25
    back = nc.interop.from_atoms(atoms, "Au")
    np.testing.assert_array_equal(back, positions)
    back[0] = 0.0
    np.testing.assert_array_equal(atoms.positions, positions)  # a copy
    assert nc.interop.to_atoms(positions, "Au", energy=math.nan).calc is None


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms("AuCu", positions=[[0, 0, 0], [0, 0, 3]]), "must be of one element; got Au, Cu"),
        (Atoms(), "must be of one element; got no atoms"),
        (bulk("Au"), "must be free; got atoms that are periodic"),
        (Atoms("Au", positions=[[0, math.nan, 0]]), "must have finite positions"),
    ],
)
def test_atoms_that_are_no_free_cluster_are_refused(atoms, message):
    with pytest.raises(ValueError, match=message):
        nc.interop.from_atoms(atoms)


def test_atoms_of_another_element_are_refused():
    with pytest.raises(ValueError, match="must be of Ag; got Au"):
        nc.interop.from_atoms(clusters(1)[0], "Ag")
    with pytest.raises(ValueError, match=r"must be those of one cluster, \(atom, 3\); got"):
        nc.interop.to_atoms(np.zeros((2, 13, 3)), "Au")


# -- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.extxyz", "a.xyz", "a.extxyz.gz", "a.xyz.gz"])
def test_extended_xyz_is_read_as_ase_wrote_it(tmp_path, name):
    written = clusters()
    path = tmp_path / name
    ase.io.write(path, written, format="extxyz")
    element, positions, (block,) = read(path)
    assert element == "Au"
    np.testing.assert_allclose(positions, [atoms.positions for atoms in written], **PRINTED)
    np.testing.assert_allclose(block.energies, -3.5 - np.arange(5))
    np.testing.assert_array_equal(block.steps, 10 * np.arange(5))
    assert np.isnan(block.temperatures).all()


def test_plain_xyz_is_read(tmp_path):
    written = clusters(3)
    ase.io.write(tmp_path / "a.xyz", written, format="xyz", fmt="%22.15f")
    element, positions, (block,) = read(tmp_path / "a.xyz")
    assert element == "Au"
    np.testing.assert_allclose(positions, [atoms.positions for atoms in written], **EXACT)
    assert np.isnan(block.energies).all()
    assert (block.steps == -1).all()


def test_other_columns_and_comments_do_not_matter(tmp_path):
    (tmp_path / "a.xyz").write_text(
        "2\nProperties=id:I:1:species:S:1:forces:R:3:pos:R:3 energy=-1.5 Temperature=9 note=x\n"
        "1 Au 9 9 9 0.0 1.0 2.0\n2 Au 9 9 9 2.0 3.0 4.0\n"
        "2\nno keys here\nAu 0 1 2 7\nAu 2 3 4 7\n"
    )
    _, positions, (block,) = read(tmp_path / "a.xyz")
    np.testing.assert_array_equal(positions, [[[0, 1, 2], [2, 3, 4]]] * 2)
    np.testing.assert_array_equal(block.energies, [-1.5, math.nan])


@pytest.mark.parametrize("name", ["a.traj", "a.db", "a.pdb", "a.json"])
def test_what_ase_reads_is_read(tmp_path, name):
    written = clusters(3)
    if name == "a.db":
        for atoms in written:
            ase.io.write(tmp_path / name, atoms, append=True)
    else:
        ase.io.write(tmp_path / name, written)
    element, positions, _ = read(tmp_path / name)
    assert element == "Au"
    tolerance = 1e-3 if name == "a.pdb" else 1e-12
    np.testing.assert_allclose(positions, [a.positions for a in written], rtol=0, atol=tolerance)


def test_blocks_cover_the_file_in_order(tmp_path):
    written = clusters(7)
    ase.io.write(tmp_path / "a.extxyz", written)
    _, positions, blocks = read(tmp_path / "a.extxyz", block_frames=3)
    assert [len(block.positions) for block in blocks] == [3, 3, 1]
    np.testing.assert_allclose(positions, [atoms.positions for atoms in written], **PRINTED)


MIDDLE = np.array([20.0, 30.0, 20.0])


COLUMNS = [
    "id type element x y z",
    "id type xu yu zu",
    "element c_pe zs ys xs id",
    "id type xsu ysu zsu",
    "id type x y z ix iy iz xu yu zu",
]


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_lammps_dump_is_read_in_every_kind_of_coordinates(tmp_path, columns, compressed):
    expected = np.stack([atoms.positions for atoms in clusters(3)]) + MIDDLE
    path = tmp_path / ("dump" if compressed else "a.lammpstrj")
    data = lammps_dump(expected, columns).encode()
    path.write_bytes(gzip.compress(data) if compressed else data)
    element, positions, (block,) = read(path, "Au")
    assert element == "Au"
    np.testing.assert_allclose(positions, expected, **EXACT)
    np.testing.assert_array_equal(block.steps, [0, 250, 500])
    assert np.isnan(block.energies).all()


def test_a_dump_is_read_as_ase_reads_it(tmp_path):
    expected = np.stack([atoms.positions for atoms in clusters(2)]) + MIDDLE
    path = tmp_path / "a.lammpstrj"
    path.write_text(lammps_dump(expected, "id type element xs ys zs", "pp pp pp"))
    _, positions, _ = read(path)
    images = ase.io.read(path, ":", format="lammps-dump-text")
    for ours, theirs in zip(positions, images, strict=True):
        np.testing.assert_allclose(
            ours[:, None] - ours, theirs.positions[:, None] - theirs.positions, rtol=0, atol=1e-9
        )


# -- periodic cells ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns", ["id type xu yu zu", "id type xsu ysu zsu", "id type x y z ix iy iz"]
)
def test_unwrapped_coordinates_keep_a_cluster_whole(tmp_path, columns):
    expected = np.stack([atoms.positions for atoms in clusters(2)]) + ORIGIN + CELL.sum(axis=0)
    (tmp_path / "a.dump").write_text(lammps_dump(expected, columns, "pp pp pp"))
    _, positions, _ = read(tmp_path / "a.dump", "Au")
    np.testing.assert_allclose(positions, expected, **EXACT)


def test_a_cluster_that_the_boundary_cuts_is_put_together_on_demand(tmp_path):
    expected = np.stack([atoms.positions for atoms in clusters(2)]) + ORIGIN + CELL.sum(axis=0)
    path = tmp_path / "a.dump"
    path.write_text(lammps_dump(expected, "id type x y z", "pp pp pp"))
    with pytest.raises(
        ValueError,
        match="a.dump: frame 0 is cut by the periodic boundary along x: write unwrapped "
        r"coordinates \(LAMMPS: xu yu zu\) or import it with --unwrap",
    ):
        read(path, "Au")
    _, positions, _ = read(path, "Au", unwrap=True)
    np.testing.assert_allclose(
        positions[:, :, None] - positions[:, None],
        expected[:, :, None] - expected[:, None],
        rtol=0,
        atol=1e-11,
    )


def test_a_periodic_cell_with_room_is_free_and_one_without_is_not(tmp_path):
    (atoms,) = clusters(1)
    size = np.ptp(atoms.positions, axis=0)
    for vacuum, free in ((8.1, True), (7.9, False)):
        atoms.cell, atoms.pbc = size + np.array([30.0, vacuum, 30.0]), True
        atoms.center()
        ase.io.write(tmp_path / "a.extxyz", atoms)
        if free:
            read(tmp_path / "a.extxyz")
        else:
            with pytest.raises(
                ValueError, match=r"frame 0 is periodic along y with only 7.9 Å of vacuum in its"
            ):
                read(tmp_path / "a.extxyz", unwrap=True)
    ase.io.write(tmp_path / "b.extxyz", bulk("Au", cubic=True) * (4, 4, 4))
    with pytest.raises(ValueError, match=r"frame 0 is periodic along x with only \d.\d Å"):
        read(tmp_path / "b.extxyz", unwrap=True)


# -- writing -------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    fill(run)
    fill(run, "quench", quenched)
    return run


def test_an_exported_file_returns_through_ase(run, tmp_path):
    path = tmp_path / "out.extxyz"
    assert nc.interop.export_extxyz(run, path) == 30
    images = ase.io.read(path, ":")
    dataset = run.to_xarray()
    assert len(images) == 30
    for k, atoms in enumerate(images):
        frame, replica = divmod(k, 3)
        here = dataset.isel(frame=frame, replica=replica)
        assert atoms.get_chemical_formula() == "Au13"
        assert not atoms.pbc.any()
        np.testing.assert_array_equal(atoms.positions.astype(np.float32), here.positions)
        assert atoms.get_potential_energy() == float(here.energy)
        assert atoms.info == {
            "frame": frame,
            "replica": replica,
            "step": 50 * frame,
            "temperature": float(here.temperature),
        }
    assert [item.name for item in tmp_path.iterdir() if item.name[0] == "."] == []


def test_inherent_structures_and_chart_coordinates_are_exported(run, tmp_path):
    chart = np.arange(60.0).reshape(10, 3, 2) / 7.0
    run.write("chart", 0, {"chart": -chart, "inherent_chart": chart})
    path = tmp_path / "out.extxyz"
    assert nc.interop.export_extxyz(run, path, "inherent", frames=[7, 2]) == 6
    images = ase.io.read(path, ":")
    assert [(atoms.info["frame"], atoms.info["replica"]) for atoms in images] == [
        (frame, replica) for frame in (7, 2) for replica in range(3)
    ]
    dataset = run.to_xarray()
    for atoms in images:
        here = dataset.isel(frame=atoms.info["frame"], replica=atoms.info["replica"])
        np.testing.assert_array_equal(
            atoms.positions.astype(np.float32), here.inherent_positions.values
        )
        assert atoms.get_potential_energy() == float(here.inherent_energy)
        np.testing.assert_allclose(atoms.info["chart"], here.inherent_chart, rtol=1e-7)


def test_an_export_is_imported_again(tmp_path):
    path = tmp_path / "out.extxyz"
    run = nc.store.create(tmp_path / "run.zarr", element="Au", n_atoms=13, n_frames=6, n_replicas=2)
    positions = np.stack([atoms.positions for atoms in clusters(12)]).astype(np.float32)
    expected = {
        "positions": positions.reshape(6, 2, 13, 3),
        "energy": -40.0 - np.arange(12.0).reshape(6, 2) / 7.0,
        "temperature": 300.0 + np.arange(12.0).reshape(6, 2) / 3.0,
        "step": 50 * np.arange(6),
    }
    run.write_frames(0, expected)
    nc.interop.export_extxyz(run, path, frames=slice(2, 6))
    _, positions, (block,) = read(path)
    np.testing.assert_array_equal(
        positions.astype(np.float32), expected["positions"][2:].reshape(-1, 13, 3)
    )
    np.testing.assert_array_equal(block.energies, expected["energy"][2:].ravel())
    np.testing.assert_array_equal(block.temperatures, expected["temperature"][2:].ravel())
    np.testing.assert_array_equal(block.steps, np.repeat(expected["step"][2:], 2))


def test_what_is_not_known_is_left_out(tmp_path):
    run = new_run(tmp_path / "run.zarr")
    for block in run.pending():
        positions = frames(block.start, block.stop)["positions"]
        run.write_frames(
            block.start, {"positions": positions, "energy": np.full((positions.shape[:2]), np.nan)}
        )
    nc.interop.export_extxyz(run, tmp_path / "out.extxyz", frames=[0])
    atoms = ase.io.read(tmp_path / "out.extxyz")
    assert atoms.calc is None
    assert atoms.info == {"frame": 0, "replica": 2}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"structures": "cold"}, "structures must be 'thermal' or 'inherent'; got 'cold'"),
        ({"frames": [10]}, r"among the 10 that .* has of the stage 'frames'; got \[10\]"),
        ({"frames": slice(4, 4)}, r"among the 10 that"),
        ({"frames": [-1]}, r"among the 10 that"),
    ],
)
def test_what_a_run_does_not_have_is_not_exported(run, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        nc.interop.export_extxyz(run, tmp_path / "out.extxyz", **arguments)
    assert not (tmp_path / "out.extxyz").exists()


def test_an_export_that_fails_leaves_the_file_that_was_there(run, tmp_path):
    path = tmp_path / "out.extxyz"
    path.write_text("before")
    chunk = run.path / "positions/c.1.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    with pytest.raises(nc.errors.StoreError, match=r"damaged in chunk 1 \(frames 4 to 7\)"):
        nc.interop.export_extxyz(run, path)
    assert path.read_text() == "before"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["out.extxyz", "run.zarr"]
    run.clear("quench")
    with pytest.raises(
        ValueError, match=r"among the 0 .* 'quench'; got None: run that stage first"
    ):
        nc.interop.export_extxyz(run, path, "inherent")
