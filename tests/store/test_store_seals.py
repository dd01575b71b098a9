"""Nothing that is read back of a run may have changed since it was written, to the last digit."""

import json
import re
import shutil

import numpy as np
import pytest
import xarray as xr

import nanochart as nc
from helpers.stored import as_before_seals, assert_holds, fill, frames, new_run, quenched
from nanochart.errors import StoreError
from nanochart.store.files import RECORDS
from nanochart.store.variables import VARIABLES
from nanochart.workflow import run_info

LOG = RECORDS / "commits.log"


def made(path):
    """Ten frames, quenched and complete, with a checkpoint."""
    run = new_run(
        path,
        ladder=[300, 400, 500],
        start_motifs=["ih", "dh", "ih"],
        potential={"form": "gupta", "A": 0.2061, "cutoff": [4.07, 4.99]},
        provenance={"note": "of 1998"},
    )
    fill(run)
    fill(run, "quench", quenched)
    run.record_info("quench", {"max_force": 1e-4})
    run.save_checkpoint({"x": np.arange(4.0)}, {"round": 17, "seed": 3})
    run.finalize()
    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return made(tmp_path_factory.mktemp("whole") / "run.zarr").path


@pytest.fixture
def path(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run.zarr")
    return tmp_path / "run.zarr"


def with_other_digit(content: bytes, place: int) -> bytes:
    digit = content[place] - ord("0")
    return content[:place] + str((digit + 1) % 10).encode() + content[place + 1 :]


def test_every_digit_of_the_metadata_counts(path):
    file = path / "zarr.json"
    content = file.read_bytes()
    places = [match.start() for match in re.finditer(rb"[0-9]", content)]
    refused = 0
    for place in places:
        file.write_bytes(with_other_digit(content, place))
        if of_the_run(file) == of_the_run(content):  # Zarr's own, as the version of its format
            continue
        refused += 1
        with pytest.raises(StoreError, match=r"zarr.json is damaged: .* checksum .*|upgrade"):
            nc.store.open(path)
    assert refused > 250


def of_the_run(source):
    """Attributes and arrays of a run's root: all but the place of its records."""
    root = json.loads(source if isinstance(source, bytes) else source.read_bytes())
    arrays = root["consolidated_metadata"]["metadata"]
    return root["attributes"], {name: arrays[name] for name in arrays if name in VARIABLES}


def test_metadata_that_change_while_a_run_is_open_are_refused(path):
    run = nc.store.open(path)
    content = (path / "zarr.json").read_bytes()
    (path / "zarr.json").write_bytes(content.replace(b'"units": "eV"', b'"units": "eX"'))
    with pytest.raises(StoreError, match=r"zarr.json is damaged"):
        run.to_xarray()


def test_a_seal_that_was_removed_is_missed(path):
    root = json.loads((path / "zarr.json").read_text())
    del root["attributes"]["nanochart_seal"]
    (path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(StoreError, match=r"zarr.json is damaged"):
        nc.store.open(path)


def test_what_others_add_to_a_run_does_not_damage_it(path):
    root = json.loads((path / "zarr.json").read_text())
    root["attributes"]["my_note"] = "the good one"
    (path / "zarr.json").write_text(json.dumps(root, indent=7))
    assert_holds(nc.store.open(path).to_xarray(), frames(0, 10))
    assert xr.open_zarr(path).attrs["my_note"] == "the good one"


def test_the_metadata_of_an_array_are_those_that_the_root_lists(path):
    file = path / "positions/zarr.json"
    file.write_bytes(file.read_bytes().replace(b"float32", b"float64"))
    assert_holds(nc.store.open(path).to_xarray(), frames(0, 10))  # the root is read
    run = nc.store.open(path, mode="a")
    with pytest.raises(StoreError, match=r"positions/zarr.json is damaged: .* 'positions'"):
        run.extend(20)


def _changed(lines, k):
    return [*lines[:k], lines[k].replace(b'"frames":4', b'"frames":3'), *lines[k + 1 :]]


@pytest.mark.parametrize(
    "harm",
    [
        _changed,
        lambda lines, k: [*lines[:k], lines[k][:-9] + b"\n", *lines[k + 1 :]],
        lambda lines, k: [*lines[:k], b"\n", *lines[k + 1 :]],
        lambda lines, k: [*lines[:k], *lines[k + 1 :]],
        lambda lines, k: [*lines[:k], lines[k], *lines[k:]],
        lambda lines, k: [*lines[:k], lines[k + 1], lines[k], *lines[k + 2 :]],
    ],
    ids=["changed", "cut", "empty", "removed", "twice", "moved"],
)
def test_a_damaged_line_of_the_commit_record_is_named(path, harm):
    lines = (path / LOG).read_bytes().splitlines(keepends=True)
    (second,) = [k for k, line in enumerate(lines) if b'"positions/1"' in line]
    (path / LOG).write_bytes(b"".join(harm(lines, second)))
    with pytest.raises(StoreError, match=r"line \d+ of the commit record .* is damaged or out of "):
        nc.store.open(path)
    assert_holds(xr.open_zarr(path), frames(0, 10))  # as the sentence says


def test_a_commit_record_that_lost_its_end_is_noticed_where_the_run_was_complete(path):
    lines = (path / LOG).read_bytes().splitlines(keepends=True)
    (path / LOG).write_bytes(b"".join(lines[:-1]))
    with pytest.raises(StoreError, match="has lost its end, because the run was complete"):
        nc.store.open(path)


def test_every_digit_of_a_checkpoint_counts(path):
    (file,) = (path / RECORDS).glob("checkpoint-*.json")
    content = file.read_bytes()
    places = [match.start() for match in re.finditer(rb"[0-9]", content)]
    run = nc.store.open(path)
    for place in places:
        file.write_bytes(with_other_digit(content, place))
        with pytest.raises(StoreError, match="does not have the checksum that it was written with"):
            run.load_checkpoint()


def test_a_run_of_the_version_before_opens_and_gets_its_seal_when_it_is_written(path):
    assert run_info(nc.store.open(path))["sealed"]
    as_before_seals(path, torn_after=[3])
    run = nc.store.open(path)
    assert not run_info(run)["sealed"]
    assert_holds(run.to_xarray(), frames(0, 10) | quenched(0, 10))
    assert run.load_checkpoint().info == {"round": 17, "seed": 3}
    run = nc.store.open(path, mode="a")
    run.record_info("quench", {"max_force": 2e-4})
    assert json.loads((path / "zarr.json").read_text())["attributes"]["nanochart_format"] == 3
    again = nc.store.open(path)
    assert again.info("quench") == {"max_force": 2e-4}
    assert_holds(again.to_xarray(), frames(0, 10) | quenched(0, 10))
    content = (path / LOG).read_bytes()
    (path / LOG).write_bytes(content.replace(b"0.0002", b"0.0003"))
    with pytest.raises(StoreError, match=r"line \d+ of the commit record"):
        nc.store.open(path)


def test_a_changed_line_of_the_version_before_is_named(path):
    as_before_seals(path)
    content = (path / LOG).read_bytes()
    (path / LOG).write_bytes(content.replace(b"0.0001", b"0.0003"))
    with pytest.raises(StoreError, match=r"line \d+ of the commit record"):
        nc.store.open(path)


@pytest.mark.parametrize("value", ["1e999", "-3", '"12"', "1" + 400 * "0", "[1]"])
def test_sizes_of_the_version_before_are_sizes(path, value):
    as_before_seals(path)
    file = path / "zarr.json"
    file.write_text(file.read_text().replace('"n_atoms": 13', f'"n_atoms": {value}'))
    with pytest.raises(StoreError, match=r"n_atoms of .* must be a whole number above 0; got"):
        nc.store.open(path)
