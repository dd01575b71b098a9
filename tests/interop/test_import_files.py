"""Files that are odd: their comment lines, names, metals and numbers of frames."""

import gzip
import json
import resource
from contextlib import contextmanager
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms

import nanochart as nc
from helpers.command import nanochart
from helpers.files import centred, clusters, gold, lammps_dump, plain, read

# -- comment lines and numbers of frames ----------------------------------------------------------


def one_frame(path: Path, comment: str) -> Path:
    path.write_text(f"2\n{comment}\nAu 1 2 3\nAu 2 4 5\n")
    return path


@pytest.mark.parametrize(
    "comment",
    [
        "=",
        "= energy of a run",
        "=====",
        '""=5',
        "a == b = c",
        "E = -5 = x",
        "'",
        '{"a": 1}',
        "_JSON=",
    ],
)
def test_a_comment_of_plain_text_is_passed_over(tmp_path, comment):
    _, _, (block,) = read(one_frame(tmp_path / "a.xyz", comment))
    assert np.isnan(block.energies).all()


def test_keys_behind_an_equals_sign_are_read(tmp_path):
    _, _, (block,) = read(one_frame(tmp_path / "a.xyz", "= energy=-3.5 step=7 temperature=300"))
    assert (block.energies, block.steps, block.temperatures) == (-3.5, 7, 300.0)


def test_a_bare_word_is_no_number(tmp_path):
    _, _, (block,) = read(one_frame(tmp_path / "a.xyz", "final energy step temperature pbc=F"))
    assert np.isnan(block.energies).all()
    assert block.steps == -1


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("step=1e400", r"frame 0 must have a whole number as its step; got inf"),
        ("step=inf", r"frame 0 must have a whole number as its step; got inf"),
        ("step=nan", r"frame 0 must have a whole number as its step; got nan"),
        ("step=0.5", r"frame 0 must have a whole number as its step; got 0.5"),
        (f"step={2**70}", r"frame 0 must have a whole number as its step; got 1.18"),
        ("step=" + "9" * 500, r"frame 0 must have a whole number as its step; got inf"),
        ("energy=inf", r"frame 0 must have a finite energy; got inf eV"),
        ("energy=-1e400", r"frame 0 must have a finite energy; got -inf eV"),
        ("temperature=-5", r"frame 0 must have a temperature of 0 K or above; got -5 K"),
        ("temperature=inf", r"frame 0 must have a temperature of 0 K or above; got inf K"),
        ('Lattice="1 2 3"', r"frame 0 must have a comment line of keys and values; got 'Lattice="),
        ('Lattice="1 0 0 0 nan 0 0 0 1"', r"frame 0 must have a finite cell; got NaN or infinity"),
        ('pbc="T F"', r"frame 0 must have nine numbers in Lattice and three of T or F in pbc"),
        ("pbc=maybe", r"frame 0 must have nine numbers in Lattice and three of T or F in pbc"),
        ("Properties=species:S:1:pos:R:2:x:R:1", r"frame 0 must have the columns that its Prop"),
        ("Properties=species:S:0:pos:R:3", r"frame 0 must have the columns that its Properties"),
        ("Properties=species:S:-1:pos:R:3", r"frame 0 must have the columns that its Properties"),
    ],
)
def test_what_no_frame_can_state_is_refused(tmp_path, comment, message):
    with pytest.raises(ValueError, match=rf"a.xyz: {message}") as caught:
        read(one_frame(tmp_path / "a.xyz", comment))
    assert "\n" not in str(caught.value)


def test_a_temperature_of_zero_is_that_of_a_minimum(tmp_path):
    _, _, (block,) = read(one_frame(tmp_path / "a.xyz", "temperature=0.0"))
    assert np.isnan(block.temperatures).all()


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 0.0])
def test_a_temperature_of_a_file_is_a_finite_number(tmp_path, value):
    path = one_frame(tmp_path / "a.xyz", "")
    with pytest.raises(ValueError, match=r"temperature must be a finite number above 0 K"):
        nc.interop.import_trajectories([path], tmp_path / "run.zarr", temperature=value)


# -- many files, and their names ------------------------------------------------------------------


@contextmanager
def open_file_limit(count: int):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("equal", [True, False])
def test_more_files_than_a_process_may_open(tmp_path, equal):
    images = [atoms.positions for atoms in clusters(300)]
    files = [plain(tmp_path / f"{k}.xyz", x) for k, x in enumerate(images)]
    if not equal:
        files[-1].write_text(files[-1].read_text() * 2)
        images.append(images[-1])
    with open_file_limit(200):
        run = nc.interop.import_trajectories(files, tmp_path / "run.zarr", chunk_frames=100)
    stored = run.to_xarray().positions.values.reshape(-1, 13, 3)
    np.testing.assert_allclose(stored, centred(np.array(images)), rtol=0, atol=1e-6)


def test_files_of_one_name_in_two_folders_stay_two(tmp_path):
    files = []
    for k in (1, 2):
        folder = tmp_path / f"run{k}"
        folder.mkdir()
        files.append(plain(folder / "movie.xyz", gold(n_atoms=13)))
    run = nc.interop.import_trajectories(files, tmp_path / "run.zarr")
    assert run.metadata.provenance["files"] == ["run1/movie.xyz", "run2/movie.xyz"]


def test_a_file_given_twice_is_refused(tmp_path):
    path = plain(tmp_path / "a.xyz", gold(n_atoms=13))
    (tmp_path / "b.xyz").symlink_to(path)
    with pytest.raises(ValueError, match=r"files must be given once; got .*a.xyz 2 times"):
        nc.interop.import_trajectories([path, tmp_path / "b.xyz"], tmp_path / "run.zarr")


@pytest.mark.parametrize("name", ["x::y.xyz", "x@1.xyz", "x::y.traj", "x@1.traj", "x@:1.json"])
def test_the_whole_name_of_a_file_and_of_a_run_is_a_name(tmp_path, name):
    ase.io.write(tmp_path / "a.traj", clusters(3))
    images = ase.io.read(tmp_path / "a.traj", ":")
    suffix = name.rpartition(".")[2]
    ase.io.write(tmp_path / f"plain.{suffix}", images, format={"xyz": "extxyz"}.get(suffix, suffix))
    (tmp_path / f"plain.{suffix}").rename(tmp_path / name)
    path = tmp_path / f"{name}.zarr"
    nc.interop.import_trajectories([tmp_path / name], path)
    run = nc.store.open(path)
    assert run.committed() == 3
    assert run.metadata.provenance["files"] == [name]
    assert dict(run.to_xarray().sizes)["frame"] == 3


def test_frames_are_numbered_within_their_file(tmp_path):
    images = [atoms.positions for atoms in clusters(600)]
    images[500] = images[500] + 0.0
    images[500][1] = images[500][0] + [0.0, 0.0, 1.0]
    path = plain(tmp_path / "a.xyz", images)
    with pytest.raises(
        ValueError, match=r"a.xyz: frame 500 has atoms 0 and 1 on top of each other"
    ):
        nc.interop.import_trajectories([path], tmp_path / "run.zarr")
    blocks = list(nc.interop.read_trajectory(path, skip_bad_frames=True))
    numbers = np.concatenate([block.frames for block in blocks])
    np.testing.assert_array_equal(numbers, np.delete(np.arange(600), 500))
    assert blocks[-1].left_out.bad == 1


def test_a_frame_without_an_energy_is_named_by_its_number(tmp_path):
    images = [atoms.positions for atoms in clusters(300)]
    images[290] = gold(n_atoms=13).copy()
    images[290][1] = images[290][0] + [0.0, 0.0, 1.5]
    path = plain(tmp_path / "a.xyz", images, "Cu", scale=0.885)
    wide = nc.potentials.gupta("Cu")
    wide = type(wide)(
        name="wide", symbol="Cu", mass=wide.mass, nearest_neighbour=wide.nearest_neighbour,
        model=wide.model._replace(overlap=1.4), parameters={},
    )  # fmt: skip
    with pytest.raises(
        ValueError,
        match=r"a.xyz: the energy of frame 290 cannot be computed: atoms 0 and 1 are 1.3",
    ):
        nc.interop.import_trajectories([path], tmp_path / "run.zarr", potential=wide)


# -- what the atoms are called --------------------------------------------------------------------


@pytest.mark.parametrize("names", ["H", "1", "X", "LA", "AU", "79", "Au", "1 2", "H He", "Au1 Au2"])
def test_names_that_stand_for_the_metal_are_taken(tmp_path, names):
    words = names.split()
    x = gold(n_atoms=13)
    rows = [f"{words[k % len(words)]} {a:.9f} {b:.9f} {c:.9f}" for k, (a, b, c) in enumerate(x)]
    (tmp_path / "a.xyz").write_text("13\n\n" + "\n".join(rows) + "\n")
    element, positions, _ = read(tmp_path / "a.xyz", "Au")
    assert element == "Au"
    np.testing.assert_allclose(positions[0], x, atol=1e-8)
    if names != "Au":
        with pytest.raises(ValueError, match=r"frame 0.*--element Au"):
            read(tmp_path / "a.xyz")


@pytest.mark.parametrize("names", ["Ag", "Au H", "Au Cu", "Ag 1"])
def test_another_element_than_the_one_that_is_given_is_refused(tmp_path, names):
    words = names.split()
    rows = [f"{words[k % len(words)]} {a} {b} {c}" for k, (a, b, c) in enumerate(gold(n_atoms=13))]
    (tmp_path / "a.xyz").write_text("13\n\n" + "\n".join(rows) + "\n")
    with pytest.raises(ValueError, match=r"frame 0 must be of the element Au.*; got"):
        read(tmp_path / "a.xyz", "Au")


def test_two_types_of_one_metal_in_a_dump_are_taken(tmp_path):
    text = lammps_dump(np.stack([gold(n_atoms=13)] * 2), "id type xu yu zu")
    (tmp_path / "a.dump").write_text(text.replace(" 1 ", " 2 ", 3))
    element, positions, _ = read(tmp_path / "a.dump", "Au")
    assert (element, len(positions)) == ("Au", 2)


# -- what is left out -----------------------------------------------------------------------------


def test_bad_frames_are_left_out_and_counted(tmp_path):
    images = clusters(8)
    images[2].positions[3, 0] = np.nan
    images[4].info["temperature"] = -3.0
    images[6].symbols[5] = "Cu"
    path = tmp_path / "a.extxyz"
    ase.io.write(path, images)
    path.write_text(path.read_text()[:-30])
    run = nc.interop.import_trajectories([path], tmp_path / "run.zarr", skip_bad_frames=True)
    np.testing.assert_array_equal(run.to_xarray().step, [0, 10, 30, 50])
    left_out = run.metadata.provenance["left_out"]["a.extxyz"]
    assert (left_out["bad"], left_out["other_sizes"]) == (4, 0)
    assert left_out["first"].endswith("atom 3: remove the frame")
    assert "a.extxyz: frame 2 must have finite positions" in left_out["first"]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_dump_of_killed_and_restarted_programs_is_read(tmp_path, compressed):
    images = [atoms.positions[None] for atoms in clusters(6)]
    text = [lammps_dump(x, "id type element xu yu zu") for x in images]
    text[1], text[3], text[5] = text[1][:-200], text[3][: len(text[3]) // 3], text[5][:-3]
    path = tmp_path / "a.dump"
    path.write_text("".join(text))
    if compressed:
        path.write_bytes(gzip.compress(path.read_bytes())[:-40])
    _, positions, blocks = read(path, skip_bad_frames=True)
    np.testing.assert_allclose(positions, np.concatenate(images[::2]), rtol=0, atol=1e-12)
    assert blocks[-1].left_out.bad == 3
    with pytest.raises(ValueError, match=r"frame 1 must have the same number of columns"):
        read(path)


def test_an_xyz_file_of_killed_and_restarted_programs_is_read(tmp_path):
    frame = plain(tmp_path / "b.xyz", gold(n_atoms=13)).read_text()
    path = tmp_path / "a.xyz"
    path.write_text(frame + frame[:-200] + "\n" + frame + frame[:-103] + frame + frame[:9])
    _, positions, blocks = read(path, skip_bad_frames=True)
    assert len(positions) >= 2
    assert blocks[-1].left_out.bad >= 3
    np.testing.assert_allclose(positions, [gold(n_atoms=13)] * len(positions), atol=1e-8)


def test_a_file_without_a_good_frame_is_refused(tmp_path):
    path = plain(tmp_path / "a.xyz", [gold(n_atoms=13) * 9.0] * 3)
    with pytest.raises(
        ValueError,
        match=r"a.xyz holds no frame that can be used: 3 bad ones; the first: .*isolated",
    ):
        read(path, skip_bad_frames=True)


def test_one_size_is_taken_out_of_a_mixed_file(tmp_path):
    path = tmp_path / "a.extxyz"
    sizes = [55, 13, 13, 55, 13]
    images = [
        Atoms(f"Au{n}", positions=gold(n_atoms=n), info={"step": k}) for k, n in enumerate(sizes)
    ]
    images[3].symbols[:] = "Ag"
    ase.io.write(path, images)
    with pytest.raises(
        ValueError, match=r"frame 1 must have 55 atoms .* got 13: import with --n-atoms"
    ):
        read(path)
    run = nc.interop.import_trajectories([path], tmp_path / "run.zarr", n_atoms=13)
    np.testing.assert_array_equal(run.to_xarray().step, [1, 2, 4])
    assert run.metadata.provenance["left_out"]["a.extxyz"] == {
        "bad": 0, "other_sizes": 2, "first": "",
    }  # fmt: skip
    with pytest.raises(
        ValueError, match=r"a.extxyz holds no frame of 38 atoms; got 5 of other sizes"
    ):
        read(path, n_atoms=38)


# -- the command ----------------------------------------------------------------------------------


def test_the_command_takes_what_the_sentences_name(tmp_path):
    whole = gold(n_atoms=55)
    detached = np.concatenate([whole, [[20.0, 3.0, 0.0]]])
    cut = np.concatenate([(detached % 50.0)[None]] * 3) / 0.529177210903
    path = plain(tmp_path / "a.xyz", cut, "X")
    options = ["--element", "Au", "--unit", "bohr", "--unwrap", "--cell", "50,50,50"]
    refused = nanochart("import", "run.zarr", "a.xyz", *options, cwd=tmp_path, code=1)
    assert "import it with --largest-fragment, which keeps the largest piece" in refused.stderr
    path.write_text(path.read_text()[:-20])
    options += ["--largest-fragment", "--skip-bad-frames", "--n-atoms", "55"]
    done = nanochart("import", "run.zarr", "a.xyz", *options, cwd=tmp_path)
    assert "left out 1 bad frames of a.xyz; the first: a.xyz: frame 2 " in done.stdout
    run = nc.store.open(tmp_path / "run.zarr")
    energy = nc.potentials.gupta("Au").energy(whole)
    np.testing.assert_allclose(run.to_xarray().energy, energy, atol=1e-5)
    again = nanochart("import", "b.zarr", "a.xyz", *options, "--json", "-q", cwd=tmp_path)
    assert json.loads(again.stdout)["left_out"]["a.xyz"]["bad"] == 1


@pytest.mark.parametrize("cell", ["40,40", "wide", "-3"])
def test_the_command_names_a_wrong_cell(tmp_path, cell):
    plain(tmp_path / "a.xyz", gold(n_atoms=13))
    done = nanochart("import", "run.zarr", "a.xyz", f"--cell={cell}", "-q", cwd=tmp_path, code=1)
    assert "cell must" in done.stderr
    assert len(done.stderr.splitlines()) == 1
