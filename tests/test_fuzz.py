"""Files that were damaged, or made to do damage: a sentence, or the same numbers as before.

Every file that is read back is mutated by seeded rules. Opening it must give what it gave before,
or an error of a class that commands turn into one sentence; what has a checksum must not give other
numbers. Each opening has a limit of memory and of time.
"""

import gzip
import hashlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

import nanochart as nc
from helpers.configs import small_config
from nanochart.autoencoder import load
from nanochart.config import load_bias_config, load_config
from nanochart.interop import read_trajectory
from nanochart.landscape import FamiliesConfig, load_families
from nanochart.potentials import eam
from nanochart.statistics import Estimate
from nanochart.store.attachments import _INFO
from nanochart.store.files import RECORDS
from nanochart.store.results import _MAGIC, load_result, save_result

QUICK = FamiliesConfig(n_fit=2000, n_resamples=3)

#: What `nanochart` prints as one sentence.
SENTENCES = (ValueError, TypeError, OSError, RuntimeError, MemoryError)
#: Those of them that no check foresaw, as a list of deeper levels than Python's stack.
FAULTS = (RecursionError, NotImplementedError, UnicodeError)
#: Bytes that one opening may take beyond what the process had, and its seconds.
MEMORY, SECONDS = 2**30, 10.0

#: Of the result that is kept.
KEY = {"made_of": ["a", 3], "labels": "motif", "seed": 0}

NUMBERS = (
    b"0", b"-1", b"1e308", b"1e999", b"-1e999", b"1e-320", b"nan", b"NaN", b"Infinity", b"inf",
    b"9" * 30, b"9" * 5000, b"1000000000", b"0x7f", b"1_0", b"", b"null", b"true", b'"1"', b"[]",
)  # fmt: skip
TEXTS = ("\u202e", "\x00", "\x1b[2J", "\ud7ff", "é", "𝟙", "\n", "\r", "\t", "'", '"', "{", "]", "#")


def flip_a_bit(data: bytearray, at: int, length: int) -> None:
    data[at] ^= 1 << length % 8


def change_a_digit(data: bytearray, at: int, length: int) -> None:
    place = digit_after(data, at)
    if place is not None:
        data[place] = 48 + (data[place] - 48 + 1 + length % 9) % 10


def cut(data: bytearray, at: int, _length: int) -> None:
    del data[at:]


def delete(data: bytearray, at: int, length: int) -> None:
    del data[at : at + length]


def repeat(data: bytearray, at: int, length: int) -> None:
    data[at:at] = data[at : at + length] * (1 + length % 3)


def put_a_number(data: bytearray, at: int, length: int) -> None:
    first = digit_after(data, at)
    if first is not None:
        last = first
        while last < len(data) and data[last] in b"0123456789.+-eE":
            last += 1
        data[first:last] = NUMBERS[length % len(NUMBERS)]


def insert_a_text(data: bytearray, at: int, length: int) -> None:
    data[at:at] = TEXTS[length % len(TEXTS)].encode()


def nest(data: bytearray, at: int, length: int) -> None:
    data[at:at] = (b"[", b"{", b"- ", b'{"a":')[length % 4] * 10 ** (1 + length % 4)


def exchange(data: bytearray, at: int, length: int) -> None:
    first, second = data[at : at + length], data[at + length : at + 2 * length]
    data[at : at + 2 * length] = second + first


def digit_after(data: bytearray, at: int) -> int | None:
    """Place of the next digit, if there is one nearby."""
    return next((k for k in range(at, min(at + 400, len(data))) if 48 <= data[k] < 58), None)


CHANGES = (
    flip_a_bit, change_a_digit, cut, delete, repeat, put_a_number, insert_a_text, nest, exchange,
)  # fmt: skip


def mutated(content: bytes, random: np.random.Generator) -> bytes:
    """One to three changes at random places."""
    data = bytearray(content)
    for _ in range(random.integers(1, 4)):
        if data:
            change = CHANGES[random.integers(len(CHANGES))]
            change(data, int(random.integers(len(data))), int(random.integers(1, 40)))
    return bytes(data)


@dataclass(frozen=True)
class Target:
    """A file, how it is opened, and whether it has a checksum: other numbers are a fault then."""

    path: Path
    read: Callable[[], object]
    sealed: bool


def numbers_of_run(path: Path) -> object:
    run = nc.store.open(path)
    data = run.to_xarray()
    values = {name: zlib.crc32(np.asarray(data[name]).tobytes()) for name in data.variables}
    stages = [(run.committed(stage), run.info(stage)) for stage in ("frames", "quench", "train")]
    facts = {k: v for k, v in vars(run.metadata).items() if k != "created"}
    return repr(
        (values, stages, facts, run.system.masses.tolist(), run.system.potential.parameters)
    )


def numbers_of_checkpoint(path: Path) -> object:
    found = nc.store.open(path).load_checkpoint()
    assert found is not None
    return repr((found.frames, found.info, {k: v.tobytes() for k, v in found.arrays.items()}))


def numbers_of_model(path: Path) -> object:
    model = load(path)
    # Where it is read it is also used: the tables of its RDF are made then.
    g = model.rdf(nc.clusters.build("octahedron", "Au", 38).positions)
    return repr((g.tolist(), model.encode_rdf(np.ones(model.n_bins)).tolist(), model.element,
                 model.n_atoms, model.history, model.provenance))  # fmt: skip


def numbers_of_families(path: Path) -> object:
    families = load_families(path)
    return repr((families.points.tolist(), families.labels.tolist(), families.reach,
                 families.names, families.cards, families.config))  # fmt: skip


def numbers_of_result(run: Path) -> object:
    """What is kept of a run; what is damaged is left out there, with a warning."""
    found = load_result(run, "thermo", KEY, {"Estimate": Estimate})
    if found is None:
        raise ValueError("the result is damaged and will be made again")
    return repr([(k, vars(v)) for k, v in found.items()])


def numbers_of_sealed_anew(path: Path) -> object:
    """The same, of a content whose checksum whoever changed it has made anew."""
    (file,) = (path.parent / "own.zarr" / RECORDS / "results").glob("thermo-*")
    content = path.read_bytes()
    if path.suffix == ".json":  # the tree, beside its arrays
        packed = io.BytesIO()
        with np.load(path.with_suffix(".npz")) as arrays:
            np.savez(packed, **{**arrays, _INFO: np.frombuffer(content, dtype=np.uint8)})
        content = packed.getvalue()
    file.write_bytes(_MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    return numbers_of_result(path.parent / "own.zarr")


def numbers_of_trajectory(path: Path) -> object:
    blocks = list(read_trajectory(path, "Au"))
    return repr([(b.positions.tolist(), b.energies, b.temperatures, b.steps) for b in blocks])


def numbers_of_table(path: Path) -> object:
    x = nc.clusters.build("octahedron", "Au", 38).positions
    return float(eam(path, "Au").energy(x))


def dump_of(frames: np.ndarray) -> str:
    text = ""
    for step, x in enumerate(frames):
        rows = [f"{k + 1} 1 {a:.6f} {b:.6f} {c:.6f}" for k, (a, b, c) in enumerate(x)]
        text += f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(x)}\n"
        text += "ITEM: BOX BOUNDS ff ff ff\n" + "-30.0 30.0\n" * 3
        text += "ITEM: ATOMS id type xu yu zu\n" + "\n".join(rows) + "\n"
    return text


def targets(folder: Path, run_folder: Path) -> dict[str, Target]:
    """All files that are mutated; those of a run lie in a copy of it."""
    run = folder / "run.zarr"
    shutil.copytree(run_folder / "run.zarr", run)
    shutil.copy(run_folder / "run.nanochart", folder / "m.nanochart")
    random = np.random.default_rng(0)
    points = np.concatenate([random.normal(k, 0.1, (60, 2)) for k in (0, 4)])
    energies = np.repeat([0.0, 1.0], 60) + 0.01 * random.random(120)
    nc.landscape.fit_families(points, QUICK, energies=energies).save(folder / "f.families")
    config = small_config().model_dump(mode="json")
    (folder / "c.yaml").write_text(yaml.safe_dump(config))
    (folder / "b.yaml").write_text(yaml.safe_dump({
        "run": "r.zarr", "temperature": 400.0, "variables": ["s1"], "time": 1.0, "walkers": 4,
        "metadynamics": {"height": 0.02, "bias_factor": 15.0, "sigma": [0.1]},
        "walls": [{"variable": "s1", "at": 1.0, "stiffness": 2.0}],
        "stop": {"between": ["fcc/1", "ih/1"], "error": 0.02},
    }))  # fmt: skip
    x = nc.clusters.build("octahedron", "Au", 38).positions
    frames = x + 0.05 * random.standard_normal((3, *x.shape))
    xyz = "".join(
        f'38\nProperties=species:S:1:pos:R:3 energy=-130.25 temperature=300 step={k} pbc="F F F"\n'
        + "".join(f"Au {a:.6f} {b:.6f} {c:.6f}\n" for a, b, c in frame)
        for k, frame in enumerate(frames)
    )
    (folder / "t.xyz").write_text(xyz)
    (folder / "z.xyz.gz").write_bytes(gzip.compress(xyz.encode(), mtime=0))
    (folder / "d.dump").write_text(dump_of(frames))
    nc.potentials.gupta("Au").write_setfl(folder / "p.eam.alloy", n_r=200, n_rho=200)
    T = np.linspace(300.0, 600.0, 40)
    result = {
        "energy": Estimate.of(T, 0.1 * T, 9.0, known=True),
        "melting": Estimate.unknown(np.nan, "no melting peak"),
    }
    for place in (run, folder / "own.zarr"):
        assert save_result(place, "thermo", result, KEY)
    kept = min((run / RECORDS / "results").glob("thermo-*"))
    (folder / "content.npz").write_bytes(kept.read_bytes().partition(b"\n")[2])
    with np.load(folder / "content.npz") as arrays:
        (folder / "content.json").write_bytes(arrays[_INFO].tobytes())
    records = run / RECORDS
    (checkpoint,) = sorted(records.glob("checkpoint-*.json"))[-1:]
    for older in records.glob("checkpoint-*"):
        if older.stem != checkpoint.stem:
            older.unlink()

    def of(path: Path, read: Callable[[Path], object], *, sealed: bool) -> Target:
        return Target(path, lambda: read(path), sealed)

    def of_run(path: Path, read: Callable[[Path], object] = numbers_of_run) -> Target:
        return Target(path, lambda: read(run), sealed=True)

    return {
        "root": of_run(run / "zarr.json"),
        "record": of_run(records / "commits.log"),
        "system": of_run(records / "system"),
        "chunk": of_run(next((run / "inherent_energy").glob("c.*"))),
        "array": of_run(run / "positions" / "zarr.json"),
        "checkpoint": of_run(checkpoint, numbers_of_checkpoint),
        "state": of_run(checkpoint.with_suffix(".npz"), numbers_of_checkpoint),
        "result": of_run(kept, numbers_of_result),
        "resealed": of(folder / "content.npz", numbers_of_sealed_anew, sealed=False),
        "tree": of(folder / "content.json", numbers_of_sealed_anew, sealed=False),
        "model": of(folder / "m.nanochart", numbers_of_model, sealed=True),
        "families": of(folder / "f.families", numbers_of_families, sealed=True),
        "config": of(folder / "c.yaml", load_config, sealed=False),
        "bias": of(folder / "b.yaml", load_bias_config, sealed=False),
        "xyz": of(folder / "t.xyz", numbers_of_trajectory, sealed=False),
        "gzip": of(folder / "z.xyz.gz", numbers_of_trajectory, sealed=True),
        "dump": of(folder / "d.dump", numbers_of_trajectory, sealed=False),
        "table": of(folder / "p.eam.alloy", numbers_of_table, sealed=False),
    }


#: What may be read of a log that was cut at its end, as a kill does.
CUT = "record"


def law(target: Target, content: bytes, expected: object, name: str) -> str | None:
    """What is wrong with reading these bytes in the place of a file; None if all is well."""
    target.path.write_bytes(content)
    began = time.perf_counter()
    try:
        found = target.read()
    except SENTENCES as error:
        sentence = str(error)
        if isinstance(error, FAULTS) or "\n" in sentence.strip() or not sentence:
            return f"no sentence, {type(error).__name__}: {sentence[:200]!r}"
        if len(sentence) > 3000:
            return f"a sentence of {len(sentence)} characters: {sentence[:100]!r}"
    except Exception as error:  # noqa: BLE001  what is looked for
        return f"{type(error).__name__}: {error!r:.200}"
    else:
        lines = content[: content.rfind(b"\n") + 1]
        whole = name != CUT or not original_of(target).startswith(lines)
        if target.sealed and found != expected and whole:
            return "other numbers were accepted"
    seconds = time.perf_counter() - began
    return f"{seconds:.1f} s" if seconds > SECONDS else None


def original_of(target: Target) -> bytes:
    return target.path.with_name(target.path.name + ".original").read_bytes()


def fuzz(folder: Path, run_folder: Path, count: int, seed: int) -> list[str]:
    """Faults that were found, by file and number of the mutation."""
    faults = []
    everything = targets(folder, run_folder)
    expected = {name: target.read() for name, target in everything.items()}
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    limit = _address_space() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    for name, target in everything.items():
        original = target.path.read_bytes()
        target.path.with_name(target.path.name + ".original").write_bytes(original)
        for number in range(-(-count // len(everything))):
            random = np.random.default_rng([seed, zlib.crc32(name.encode()), number])
            fault = law(target, mutated(original, random), expected[name], name)
            if fault:
                faults.append(f"{name} {number}: {fault}")
        target.path.write_bytes(original)
        assert repr(target.read()) == repr(expected[name])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - usage
    if grown > MEMORY:
        faults.append(f"{grown / 1e9:.1f} GB of memory")
    return faults


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def in_a_process(folder: Path, run_folder: Path, count: int, seed: int) -> list[str]:
    """As `fuzz`, in a process of its own whose memory is limited."""
    code = (
        "import json, sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from test_fuzz import fuzz;"
        "print(json.dumps(fuzz(Path(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:]))))"
    )
    arguments = [Path(__file__).parent, folder, run_folder, count, seed]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_damaged_files_are_a_sentence_or_the_same_numbers(small_run, tmp_path):
    assert in_a_process(tmp_path, small_run, 300, seed=1) == []


@pytest.mark.slow
def test_ten_thousand_damaged_files_are_a_sentence_or_the_same_numbers(small_run, tmp_path):
    assert in_a_process(tmp_path, small_run, 10_000, seed=2) == []
