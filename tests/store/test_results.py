"""Results are kept with their run, and two commands never give two numbers for one thing."""

import io
import json
import math
import struct
import zipfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from hypothesis.extra import numpy as arrays_of

import nanochart as nc
from nanochart.errors import StoreError
from nanochart.statistics import Estimate
from nanochart.store import create, pack, unpack
from nanochart.store.codec import decode, encode
from nanochart.store.results import _LARGEST
from nanochart.tempering import Ladder, ThermodynamicsConfig, tempered
from nanochart.testing import TwoBasins
from nanochart.workflow import report_run, thermo_run, thermo_summary
from nanochart.workflow.ladder import ladder_diagnostics, populations_at_rungs

LADDER = Ladder((300.0, 335.0, 370.0, 400.0, 440.0, 500.0))
MELTING = TwoBasins(energies=(0.0, 0.2863), stiffnesses=(4.0, 1.0))
CONFIG = ThermodynamicsConfig(11, 40)
N_ATOMS, CHUNK = 4, 100


@dataclass(frozen=True)
class Inner:
    """Holds anything."""

    held: Any
    name: str = ""


TYPES = {"Inner": Inner}

# -- the codec -------------------------------------------------------------------------------

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([Path("a/b.zarr"), np.float64(np.nan), np.bool_(True), np.int64(7)]),
    arrays_of.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.bool_, np.complex128]),
        arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
)
KEYS = st.one_of(st.text(max_size=3), st.integers(), st.tuples(st.text(max_size=2), st.integers()))
VALUES = st.recursive(
    LEAVES,
    lambda part: st.one_of(
        st.lists(part, max_size=3),
        st.lists(part, max_size=3).map(tuple),
        st.dictionaries(KEYS, part, max_size=3),
        st.builds(Inner, part, st.text(max_size=3)),
    ),
    max_leaves=12,
)


def same(a, b):
    """Whether two values are of one type and equal bits, NaN among them."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, float):
        return math.isnan(a) == math.isnan(b) and struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, dict):
        a, b = list(a.items()), list(b.items())
    if isinstance(a, Inner):
        a, b = (a.held, a.name), (b.held, b.name)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@settings(deadline=None, max_examples=150)
@given(VALUES)
@example(struct.unpack("d", struct.pack("Q", 0x7FF8000000000001))[0])  # a NaN of other bits
def test_what_is_read_has_the_bits_of_what_was_written(value):
    tree, arrays = encode(value)
    parts, info = unpack(pack(arrays, {"tree": tree}))
    assert same(decode(info["tree"], parts, TYPES), value)


@pytest.mark.parametrize("value", [object(), np.array([object()]), {1, 2}, Inner])
def test_what_is_no_result_is_refused(value):
    with pytest.raises(TypeError, match=r"of a result must hold numbers|a result must be made of"):
        encode(Inner(value))


@pytest.mark.parametrize(
    "tree",
    [{"type": "Other", "fields": {}}, {"type": "Inner", "fields": {"x": 1}}, {"set": []},
     {"array": "b"}, {"tuple": 3}, {"float": None}, {}],
)  # fmt: skip
def test_a_tree_of_something_else_is_one_error(tree):
    with pytest.raises(ValueError, match=r"holds something else|unpack"):
        decode(tree, {}, TYPES)


def test_sizes_are_compared_before_arrays_are_made():
    content = pack({"a": np.zeros(4)}, {})
    # The header of the array, which is stored packed, states ten million times as many numbers.
    lied = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(lied, "w") as new:
        for item in old.namelist():
            held = old.read(item)
            if item == "a.npy":
                held = held.replace(b"(4,), }          ", b"(400000000000,), }", 1)
            new.writestr(item, held)
    with pytest.raises(ValueError, match=r"a.npy does not have the size that it states"):
        unpack(lied.getvalue())


# -- with a run ------------------------------------------------------------------------------


def fill(run, n, seed):
    """Energies of two basins on the rungs of a ladder, and the basins as motifs."""
    rng = np.random.default_rng(seed)
    E, basins = MELTING.draw(LADDER.temperatures, n, 12, rng)
    rungs = rng.permuted(np.tile(np.arange(len(LADDER)), (n, 1)), axis=1)
    E, basins = (np.take_along_axis(x, rungs, 1) for x in (E, basins))
    start = run.committed()
    for k in range(0, n, CHUNK):
        part = slice(k, k + CHUNK)
        data = {
            "positions": np.zeros((CHUNK, len(LADDER), N_ATOMS, 3)),
            "energy": E[part],
            "rung": rungs[part],
            "temperature": np.array(LADDER.temperatures)[rungs[part]],
        }
        run.write_frames(start + k, data)
    label(run, basins)


def label(run, basins):
    """Give the last frames their basins as motifs."""
    start = run.committed("label")
    for k in range(0, len(basins), CHUNK):
        run.write("label", start + k, {"motif": basins[k : k + CHUNK]})


@pytest.fixture
def run(tmp_path):
    made = create(
        tmp_path / "basins.zarr", element="Au", n_atoms=N_ATOMS, n_frames=1_000,
        n_replicas=len(LADDER), ladder=LADDER.temperatures, kind="imported", chunk_frames=CHUNK,
        seed=5,
    )  # fmt: skip
    fill(made, 300, 2)
    return made


@pytest.fixture
def solved(monkeypatch):
    """How often the equations of MBAR were solved."""
    calls = []
    plain = tempered.solve_mixture
    monkeypatch.setattr(
        tempered, "solve_mixture", lambda *a: calls.append(a) or plain(*a)
    )  # fmt: skip
    return calls


def summary(found):
    return json.dumps(thermo_summary(found))


def test_mbar_is_solved_once_and_a_report_after_thermo_solves_nothing(run, solved, tmp_path):
    first = thermo_run(run)
    assert len(solved) == 1
    report_run(run, tmp_path / "a.html")
    again = thermo_run(nc.store.open(run.path))
    assert len(solved) == 1
    assert summary(again) == summary(first)
    text = (tmp_path / "a.html").read_text()
    melting = first.melting_temperature
    assert f"{melting.value:.0f} K ({melting.low:.0f} to {melting.high:.0f} K)" in text


def test_a_second_report_does_no_statistics(run, tmp_path, monkeypatch):
    report_run(run, tmp_path / "a.html")
    for name in ("make_blocks", "statistical_inefficiency"):
        monkeypatch.setattr(f"nanochart.statistics.blocks.{name}", lambda *_: 1 / 0)
        monkeypatch.setattr(
            f"nanochart.statistics.weighted.{name}", lambda *_: 1 / 0, raising=False
        )
    monkeypatch.setattr("nanochart.tempering.diagnostics.import_pymbar", lambda: 1 / 0)
    report_run(nc.store.open(run.path), tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_populations_at_rungs_are_those_of_thermo(run):
    found = thermo_run(run, CONFIG)
    rungs, names = populations_at_rungs(run.frames(), run, "motif")
    for name, share in found.populations.items():
        for part in ("value", "low", "high"):
            at_ends = getattr(share, part)[[0, -1]]
            np.testing.assert_array_equal(getattr(rungs[names.index(name)], part)[[0, -1]], at_ends)


@pytest.mark.parametrize("change", ["frames", "labels", "config", "seed"])
def test_what_changed_is_computed_anew(run, change):
    before = summary(thermo_run(run, CONFIG))
    asked = {"config": CONFIG}
    if change == "frames":
        fill(run, 100, 3)
    elif change == "labels":
        run.clear("label")
        label(run, np.zeros((300, len(LADDER)), dtype=int))
    elif change == "config":
        asked["config"] = ThermodynamicsConfig(11, 60)
    else:
        asked["seed"] = 9
    changed = thermo_run(run, **asked)
    assert summary(changed) != before
    # It is what a run says that has kept nothing.
    for file in (run.path / "restart/files/results").glob("*.npz"):
        file.unlink()
    assert summary(thermo_run(run, **asked)) == summary(changed)


def test_equal_labels_made_again_are_the_same_result(run, solved):
    before = summary(thermo_run(run, CONFIG))
    motifs = run.frames().motifs.codes
    run.clear("label")
    label(run, motifs)
    assert summary(thermo_run(run, CONFIG)) == before
    assert len(solved) == 1


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-7], lambda b: b.replace(b"a", b"b", 1), lambda _: b"", lambda _: b"x"]
)
def test_a_damaged_result_is_computed_again_with_a_warning(run, damage):
    before = summary(thermo_run(run, CONFIG))
    (file,) = (run.path / "restart/files/results").glob("thermo-*.npz")
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(UserWarning, match=r"thermo-.*npz is damaged .* is computed again"):
        assert summary(thermo_run(run, CONFIG)) == before
    assert summary(thermo_run(run, CONFIG)) == before  # and is whole again


def test_a_result_of_another_key_under_its_name_is_none(run):
    run.save_result("x", 1, {"a": 1})
    run.save_result("x", 2, {"a": 2})
    one, two = sorted((run.path / "restart/files/results").glob("x-*.npz"))
    one.write_bytes(two.read_bytes())
    kept = []
    with pytest.warns(UserWarning, match="it is one of another key"):
        kept += [run.load_result("x", {"a": k}, {}) for k in (1, 2)]
    assert None in kept
    assert run.load_result("y", {"a": 1}, {}) is None


def test_a_run_that_is_read_keeps_nothing_and_says_the_same(run):
    reading = nc.store.open(run.path)
    first = thermo_run(reading, CONFIG)
    assert not (run.path / "restart/files/results").exists()
    assert not reading.save_result("x", 1, {})
    assert summary(thermo_run(run, CONFIG)) == summary(first)


def test_a_folder_that_cannot_be_written_to_is_no_error(run, monkeypatch):
    def full(path):
        raise StoreError(f"no space is left for {path}")

    monkeypatch.setattr("nanochart.store.results.replacing", full)
    assert thermo_run(run, CONFIG).n_frames == 300
    assert run.save_result("x", 1, {}) is False


def test_results_are_kept_while_another_process_writes(run):
    with nc.store.open(run.path, mode="a").lock():
        thermo_run(run, CONFIG)
        assert run.save_result("x", Estimate.unknown(1.0, "why"), {})
    types = {"Estimate": Estimate}
    assert run.load_result("x", {}, types).why == "why"


def test_the_last_results_of_a_name_are_kept(run):
    for k in range(20):
        run.save_result("x", k, {"k": k})
    assert len(list((run.path / "restart/files/results").iterdir())) == 12
    assert run.load_result("x", {"k": 19}, {}) == 19


def test_what_is_made_while_frames_come_is_not_kept(run, monkeypatch):
    plain = import_module("nanochart.workflow.thermo")._computed

    def slow(*arguments):
        found = plain(*arguments)
        fill(run, 100, 4)
        return found

    monkeypatch.setattr("nanochart.workflow.thermo._computed", slow)
    thermo_run(run, CONFIG)
    assert not list((run.path / "restart/files/results").glob("thermo-*.npz"))


def test_a_ladder_of_the_run_is_whole_when_it_is_read(run):
    made, read = (ladder_diagnostics(run.frames(), run) for _ in range(2))
    np.testing.assert_array_equal(made.energies, read.energies)
    assert made.trips.counts.tolist() == read.trips.counts.tolist()
    assert _LARGEST > 1e8
