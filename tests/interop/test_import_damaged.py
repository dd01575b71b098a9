"""Files that are damaged or hostile: one sentence, and bounded memory."""

import gzip
import tracemalloc

import numpy as np
import pytest

from helpers.files import FRAME, HEAD, gold, lammps_dump, plain, read

# -- dumps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (FRAME.replace("2 Au", "1 Au"), r"frame 0 must have each id once; got 1 twice"),
        (FRAME.replace("2 Au", "1.5 Au"), r"frame 0 must have whole numbers in the column id"),
        (FRAME.replace("2 Au", "inf Au"), r"frame 0 must have whole numbers in the column id"),
        (FRAME + FRAME.replace("2 Au", "3 Au"), r"frame 1 must have the ids of the atoms of the"),
        (
            FRAME.replace("STEP\n0", "STEP\n" + str(2**70)),
            r"frame 0 must have a whole number as its",
        ),
        (FRAME.replace("0 9", "0 nan"), r"frame 0 must have a finite cell"),
        (
            FRAME.replace("x y z", "xs ys zs").replace("2 4 5", "2 inf 5"),
            r"frame 0 must have finite",
        ),
        (
            FRAME.replace("2 4 5", "2 1e200 5"),
            r"frame 0 must have finite positions, within 1e.09 Å",
        ),
        (FRAME.replace("ATOMS\n2", "ATOMS\n0"), r"frame 0 must have 1 to 1,000,000 atoms; got 0"),
        (
            FRAME.replace("ATOMS\n2", "ATOMS\n" + "9" * 15),
            r"frame 0 must have 1 to 1,000,000 atoms",
        ),
        (FRAME + HEAD + FRAME, r"frame 1 is incomplete \(no atoms\), as a killed program"),
    ],
)
def test_a_dump_that_contradicts_itself_is_refused(tmp_path, content, message):
    (tmp_path / "a.dump").write_text(content)
    with pytest.raises(ValueError, match=rf"a.dump: {message}"):
        read(tmp_path / "a.dump")


# -- the end of a file ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["xyz", "dump"])
def test_a_file_cut_inside_its_last_number_is_refused_at_every_place(tmp_path, kind):
    positions = np.stack([gold(n_atoms=13)] * 2)
    path = tmp_path / f"a.{kind}"
    if kind == "xyz":
        text = plain(path, positions).read_text()
    else:
        text = lammps_dump(positions, "id type element xu yu zu")
    for cut in range(1, 14):
        path.write_text(text[:-cut])
        try:
            _, found, _ = read(path)
        except ValueError as error:
            assert "frame 1 may be cut inside its last number" in str(error) or cut > 8  # noqa: PT017
        else:
            # Nothing but the end of the line is missing, and the digits above say so.
            assert cut == 1
            np.testing.assert_allclose(found, positions, atol=1e-8)


def test_whole_numbers_do_not_tell_whether_they_are_cut(tmp_path):
    (tmp_path / "a.xyz").write_text("2\n\nAu 1 2 3\nAu 2 4 5")
    with pytest.raises(
        ValueError, match=r"frame 0 may be cut inside its last number, '5', because"
    ):
        read(tmp_path / "a.xyz")


# -- compressed files -----------------------------------------------------------------------------


def test_a_flipped_bit_in_a_compressed_file_is_one_sentence(tmp_path):
    good = plain(tmp_path / "good.xyz", [gold(n_atoms=13)] * 20)
    _, expected, _ = read(good)
    data = gzip.compress(good.read_bytes(), mtime=0)
    generator = np.random.default_rng(1)
    path = tmp_path / "a.xyz.gz"
    refused = 0
    for bit in generator.choice(8 * len(data), 300, replace=False):
        harmed = bytearray(data)
        harmed[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(harmed)
        try:
            _, found, _ = read(path)
        except ValueError as error:
            assert "a.xyz.gz" in str(error)  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
            refused += 1
        else:  # a bit of the header that means nothing
            np.testing.assert_array_equal(found, expected)
    assert refused > 250


@pytest.mark.parametrize(
    ("name", "begin", "piece", "message", "most"),
    [
        ("a.xyz.gz", b"2\n", b"x" * 2**20, "line 2 is longer than 1,048,576 characters", 20),
        (
            "a.dump.gz",
            b"ITEM: TIMESTEP\n",
            b"0" * 2**20,
            "line 2 is longer than 1,048,576 char",
            20,
        ),
        (
            "b.xyz.gz",
            b"900000\n\n",
            (b"Au " + b"0 " * 2**15 + b"\n") * 16,
            "larger than any of a traj",
            600,
        ),
    ],
)
def test_a_small_file_that_unpacks_to_gigabytes_takes_no_memory(
    tmp_path, name, begin, piece, message, most
):
    with gzip.open(tmp_path / name, "wb", compresslevel=1) as file:
        file.write(begin)
        for _ in range(100):
            file.write(piece)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message):
            read(tmp_path / name)
        megabytes = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    print(f"{name}: {megabytes:.0f} MB")
    assert megabytes < most
