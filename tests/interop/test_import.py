"""Trajectories that another program wrote become a run, whole or not at all."""

import math
from pathlib import Path

import ase.io
import numpy as np
import pytest
import xarray as xr
from ase import Atoms
from ase.cluster import Icosahedron

import nanochart as nc
from helpers.files import ATOMS, BOX, FRAME, HEAD, centred, clusters
from helpers.lammps_oracle import energies_forces, minimize, run_lammps
from helpers.limits import file_size_limit
from nanochart.errors import StoreError

# Langevin dynamics of a gold cluster in a periodic box of 60 Å, across whose corner it lies.
DYNAMICS = """
units metal
atom_style atomic
atom_modify map array
boundary p p p
read_data cluster.data
pair_style eam/alloy
pair_coeff * * gold.setfl Au
velocity all create 600.0 12345 mom yes rot yes
timestep 0.005
fix integrate all nve
fix thermostat all langevin 600.0 600.0 1.0 4321
dump unwrapped all custom 20 unwrapped.lammpstrj id type element xu yu zu
dump wrapped all custom/gz 20 wrapped.lammpstrj.gz id type xs ys zs
dump_modify unwrapped element Au format float %.12g
dump_modify wrapped format float %.15g
fix energies all print 20 "$(step) $(pe:%.12f)" file energies.txt screen no
thermo_modify norm no
run 200
"""


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory) -> Path:
    """Folder with the dumps of one LAMMPS run and the energies it found."""
    folder = tmp_path_factory.mktemp("lammps")
    nc.potentials.gupta("Au").write_setfl(folder / "gold.setfl")
    positions = Icosahedron("Au", 3).positions
    lines = ["", "55 atoms", "1 atom types"]
    lines += [f"0 60 {axis}lo {axis}hi" for axis in "xyz"]
    lines += ["", "Masses", "", "1 196.97", "", "Atoms", ""]
    for number, position in enumerate(positions, start=1):
        inside = " ".join(f"{value:.15g}" for value in position % 60.0)
        images = " ".join(f"{value:.0f}" for value in position // 60.0)
        lines.append(f"{number} 1 {inside} {images}")
    return run_lammps(DYNAMICS, {"cluster.data": "\n".join(lines) + "\n"}, folder)


def test_a_lammps_run_is_imported_with_the_energies_lammps_found(trajectory, tmp_path):
    path = tmp_path / "run.zarr"
    run = nc.interop.import_trajectories(
        [trajectory / "wrapped.lammpstrj.gz"],
        path,
        element="Au",
        temperature=600.0,
        potential=nc.potentials.gupta("Au"),
        unwrap=True,
    )
    dataset = run.to_xarray()
    steps, energies = np.loadtxt(trajectory / "energies.txt").T
    assert len(steps) == 11
    np.testing.assert_array_equal(dataset.step, steps)
    np.testing.assert_allclose(dataset.energy[:, 0], energies, rtol=0.0, atol=1e-5)
    assert np.ptp(energies) > 1.0  # the trajectory is hot enough for this to mean something
    assert (dataset.temperature == 600.0).all()
    assert run.complete
    assert run.metadata.kind == "imported"
    assert run.metadata.potential["name"] == nc.potentials.gupta("Au").name
    assert run.metadata.provenance["files"] == ["wrapped.lammpstrj.gz"]
    assert xr.open_zarr(path).sizes == {"frame": 11, "replica": 1, "atom": 55, "xyz": 3}


def test_wrapped_and_unwrapped_dumps_give_the_same_clusters(trajectory, tmp_path):
    distances = []
    for name, element in (("unwrapped.lammpstrj", None), ("wrapped.lammpstrj.gz", "Au")):
        run = nc.interop.import_trajectories(
            [trajectory / name], tmp_path / name, element=element, unwrap=element is not None
        )
        positions = run.to_xarray().positions[:, 0].values.astype(np.float64)
        distances.append(np.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1))
        assert np.isnan(run.to_xarray().energy).all()
    np.testing.assert_allclose(distances[0], distances[1], rtol=0.0, atol=2e-5)


def write(path: Path, images: list[Atoms]) -> Path:
    ase.io.write(path, images)
    return path


def test_files_of_equal_length_become_replicas(tmp_path):
    images = clusters(6)
    files = [write(tmp_path / "a.extxyz", images[:3]), write(tmp_path / "b.traj", images[3:])]
    reported = []
    run = nc.interop.import_trajectories(
        files, tmp_path / "run.zarr", temperature=[300, 500], progress=reported.append
    )
    dataset = run.to_xarray()
    assert dict(dataset.sizes) == {"frame": 3, "replica": 2, "atom": 13, "xyz": 3}
    expected = np.array([centred(atoms.positions) for atoms in images], dtype=np.float32)
    np.testing.assert_allclose(dataset.positions[:, 0], expected[:3], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(dataset.positions[:, 1], expected[3:])
    np.testing.assert_array_equal(dataset.source, [[0, 1]] * 3)
    np.testing.assert_array_equal(dataset.temperature, [[300.0, 500.0]] * 3)
    np.testing.assert_allclose(dataset.energy.T, [[-3.5, -4.5, -5.5], [-6.5, -7.5, -8.5]])
    assert (dataset.step == -1).all()  # the files disagree
    assert run.metadata.provenance == {
        "files": ["a.extxyz", "b.traj"],
        "as_replicas": True,
        "left_out": {},
    }
    assert reported == [3, 6]


def test_files_of_different_length_are_joined_end_to_end(tmp_path):
    images = clusters(9)
    cuts = [slice(0, 4), slice(4, 5), slice(5, 9)]
    files = [write(tmp_path / f"{k}.extxyz", images[cut]) for k, cut in enumerate(cuts)]
    run = nc.interop.import_trajectories(files, tmp_path / "run.zarr", chunk_frames=3)
    dataset = run.to_xarray()
    assert dict(dataset.sizes) == {"frame": 9, "replica": 1, "atom": 13, "xyz": 3}
    expected = [centred(atoms.positions) for atoms in images]
    np.testing.assert_allclose(dataset.positions[:, 0], expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(dataset.source[:, 0], [0, 0, 0, 0, 1, 2, 2, 2, 2])
    np.testing.assert_array_equal(dataset.step, 10 * np.arange(9))
    np.testing.assert_allclose(dataset.energy[:, 0], -3.5 - np.arange(9))
    assert np.isnan(dataset.temperature).all()
    assert run.metadata.provenance["as_replicas"] is False


def test_a_long_file_is_read_in_blocks(tmp_path):
    generator = np.random.default_rng(2)
    positions = Icosahedron("Au", 2).positions + generator.normal(scale=0.1, size=(600, 13, 3))
    write(tmp_path / "a.extxyz", [Atoms("Au13", positions=frame) for frame in positions])
    run = nc.interop.import_trajectories([tmp_path / "a.extxyz"], tmp_path / "run.zarr")
    stored = run.to_xarray().positions[:, 0]
    np.testing.assert_allclose(stored, centred(positions), rtol=0, atol=1e-6)


# -- faults: one sentence with the file and the frame, and nothing left behind -----------------


def _other_size(images: list[Atoms]) -> None:
    images[2] = Atoms(images[2].symbols[:12], positions=images[2].positions[:12])


def _other_element(images: list[Atoms]) -> None:
    images[2].symbols[:] = "Ag"


def _two_elements(images: list[Atoms]) -> None:
    images[2].symbols[5] = "Cu"


def _nan(images: list[Atoms]) -> None:
    images[2].positions[7, 1] = math.nan


def _infinite(images: list[Atoms]) -> None:
    images[2].positions[0, 0] = math.inf


def _cut_by_cell(images: list[Atoms]) -> None:
    for atoms in images:
        atoms.center()
        atoms.cell, atoms.pbc = [40.0, 40.0, 40.0], [False, False, True]
        atoms.positions += 20.0
    images[2].positions[:, 2] -= 20.0
    images[2].wrap()


def _small_cell(images: list[Atoms]) -> None:
    images[2].cell, images[2].pbc = np.ptp(images[2].positions, axis=0) + 3.0, True
    images[2].center()


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_other_size, "must have 13 atoms as the frames before it; got 12"),
        (_other_element, "must be of the element Au; got Ag"),
        (_two_elements, "must be of one element; got Au, Cu: nanochart handles"),
        (
            _nan,
            r"must have finite positions, within 1e.09 Å; got \(.*, nan, .*\) for atom 7: ",
        ),
        (_infinite, r"must have finite positions, within 1e.09 Å; got \(inf, .*\) for atom 0"),
        (_cut_by_cell, "is cut by the periodic boundary along z: write unwrapped coordinates"),
        (_small_cell, r"is periodic along x with only 3\.0 Å of vacuum in its cell"),
    ],
)
@pytest.mark.parametrize("name", ["bad.extxyz", "bad.traj"])
def test_a_bad_frame_is_named_and_nothing_is_imported(tmp_path, harm, message, name):
    good = write(tmp_path / "good.extxyz", clusters(4))
    images = clusters(4)
    harm(images)
    bad = write(tmp_path / name, images)
    with pytest.raises(ValueError, match=rf"{name}: frame 2 {message}"):
        nc.interop.import_trajectories([good, bad], tmp_path / "run.zarr")
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "good.extxyz"]


XYZ = "2\n\nAu 1 2 3\nAu 2 4 5\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xyz", "", "a.xyz is empty: name a file with at least one"),
        ("a.xyz", "\n\n", "a.xyz holds no frames: name a file"),
        ("a.xyz", XYZ + "2\n\nAu 1 2 3\n", r"a.xyz: frame 1 is incomplete \(1 of 2 atoms\)"),
        ("a.xyz", XYZ + "nothing", "frame 1 must begin with its number of atoms; got 'nothing'"),
        ("a.xyz", XYZ + "2\n\nAu 1 2\nAu 4 5\n", "frame 1 must have the columns that its Prop"),
        ("a.xyz", XYZ + "2\n\nAu 1 2 3\nAu 4 5\n", "frame 1 must have the same number of col"),
        ("a.xyz", XYZ + "2\n\nAu 1 2 3\nAu 4 5 z\n", "frame 1 has something other than a number"),
        ("a.xyz", "2\nProperties=pos:R:3\n1 2 3\n4 5 6\n", "0 does not say of which element it is"),
        ("a.xyz", "2\n\nXx 1 2 3\nXx 4 5 6\n", "must be a chemical symbol .*; got 'Xx'"),
        ("a.unknown", "some text\n", "a.unknown: the format is unknown: give an extended XYZ"),
        ("a.pdb", "\x00\x01\x02", "a.pdb"),
        ("a.dump", FRAME + HEAD, r"a.dump: frame 1 is incomplete \(no atoms\), as a killed"),
        ("a.dump", FRAME + FRAME[:-12], r"frame 1 is incomplete \(1 of 2 atoms\)"),
        ("a.dump", FRAME + FRAME[:-2], "frame 1 must have the same number of columns"),
        ("a.dump", FRAME + "text\n", "frame 1 must begin with 'ITEM:'; got 'text'"),
        ("a.dump", HEAD + ATOMS, "frame 0 has an unreadable header .'BOX FLAGS'"),
        ("a.dump", HEAD + BOX.replace("ff ff ff", "abc origin"), "frame 0 is incomplete"),
        ("a.dump", FRAME.replace("ff ff ff", "abc origin"), "header .a general triclinic box"),
        ("a.dump", FRAME.replace("9", "x"), "frame 0 has an unreadable header"),
        ("a.dump", "ITEM: UNITS\nlj\n" + FRAME, "frame 0 is in LAMMPS units 'lj', and lengths"),
        ("a.dump", FRAME.replace("id ", ""), "frame 0 must have the columns element x y z; got 5"),
        ("a.dump", FRAME.replace("id ", "tag "), "frame 0 has no column id, so its atoms have no"),
        (
            "a.dump",
            FRAME.replace("x y z", "vx vy vz"),
            "must have columns x y z, .* got id",
        ),
        (
            "a.dump",
            FRAME.replace("element", "type").replace("1 Au", "1 1").replace("2 Au", "2 2"),
            "frame 0 must be of one element; got 1, 2: .* name it: --element Au",
        ),
        ("a.dump", FRAME.replace("element", "q"), "0 does not say of which element it is: name it"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_imported(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        nc.interop.import_trajectories([tmp_path / name], tmp_path / "run.zarr")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_truncated_gzip_file_is_named(trajectory, tmp_path):
    data = (trajectory / "wrapped.lammpstrj.gz").read_bytes()
    (tmp_path / "a.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(
        ValueError, match=r"a.gz: frame 5 is incomplete, .* before the end-of-stream marker"
    ):
        nc.interop.import_trajectories(
            [tmp_path / "a.gz"], tmp_path / "run.zarr", element="Au", unwrap=True
        )
    assert [path.name for path in tmp_path.iterdir()] == ["a.gz"]


def test_different_clusters_do_not_share_a_run(tmp_path):
    files = [write(tmp_path / "a.xyz", clusters(2)), write(tmp_path / "b.xyz", clusters(2, 3))]
    with pytest.raises(ValueError, match=r"b.xyz: frame 0 must be Au13 as in a.xyz; got Au55"):
        nc.interop.import_trajectories(files, tmp_path / "run.zarr")


def test_a_potential_of_another_metal_is_refused(tmp_path):
    (file,) = [write(tmp_path / "a.xyz", clusters(2))]
    with pytest.raises(ValueError, match=r"a.xyz: frame 0 must be of Cu .*; got Au"):
        nc.interop.import_trajectories(
            [file], tmp_path / "run.zarr", potential=nc.potentials.gupta("Cu")
        )


def test_atoms_on_top_of_each_other_are_refused(tmp_path):
    images = clusters(3)
    images[1].positions[1] = images[1].positions[0]
    with pytest.raises(ValueError, match=r"a.xyz: frame 1 has atoms 0 and 1 on top of each other"):
        nc.interop.import_trajectories(
            [write(tmp_path / "a.xyz", images)],
            tmp_path / "run.zarr",
            potential=nc.potentials.gupta("Au"),
        )
    assert [path.name for path in tmp_path.iterdir()] == ["a.xyz"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"files": []}, r"at least one file; got \[\]"),
        ({"files": "a.xyz"}, "files must be a list of at least one file; got 'a.xyz'"),
        ({"temperature": [300, 400]}, "one number or one for each of the 1 files; got 2"),
        ({"temperature": -1.0}, "temperature must be a finite number above 0 K; got -1.0"),
        ({"element": "Xy"}, "must be a chemical symbol"),
        ({"element": "Ag"}, "a.xyz: frame 0 must be of the element Ag; got Au"),
    ],
)
def test_bad_arguments_are_named(tmp_path, arguments, message):
    file = write(tmp_path / "a.xyz", clusters(1))
    with pytest.raises(ValueError, match=message):
        nc.interop.import_trajectories(**{"files": [file], "run_path": tmp_path / "r"} | arguments)
    assert not (tmp_path / "r").exists()


def test_a_full_disk_ends_an_import_without_a_trace(tmp_path):
    file = write(tmp_path / "a.xyz", clusters(9))
    with (
        file_size_limit(500),
        pytest.raises(StoreError, match=r"no space is left for .*: free some and resume"),
    ):
        nc.interop.import_trajectories([file], tmp_path / "run.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["a.xyz"]


def test_the_oracle_knows_two_lennard_jones_atoms():
    # E = 4 eps [(s/r)^12 - (s/r)^6]: the minimum -eps at r = 2^(1/6) s; zero at r = s with
    # the repulsion 24 eps / s.
    pair = "pair_style lj/cut 30.0\npair_coeff * * 0.25 2.5\n"
    positions = np.zeros((2, 2, 3))
    positions[:, 1, 2] = 2.5 * 2 ** (1 / 6), 2.5
    energies, forces = energies_forces(positions, pair)
    np.testing.assert_allclose(energies, [-0.25, 0.0], atol=1e-12)
    np.testing.assert_allclose(forces[:, 1, 2], [0.0, 24 * 0.25 / 2.5], atol=1e-12)
    found = minimize(positions[1], pair, max_force=1e-8)
    assert found.energies == pytest.approx(-0.25, abs=1e-12)
    assert found.max_forces < 1e-8


def test_missing_files_and_existing_runs_are_named(tmp_path):
    file = write(tmp_path / "a.xyz", clusters(1))
    with pytest.raises(FileNotFoundError, match=r"b.xyz does not exist or is not a file: name"):
        nc.interop.import_trajectories([file, tmp_path / "b.xyz"], tmp_path / "run.zarr")
    nc.interop.import_trajectories([file], tmp_path / "run.zarr")
    with pytest.raises(StoreError, match=r"run.zarr exists already: choose another folder"):
        nc.interop.import_trajectories([file], tmp_path / "run.zarr")
