"""Runs whose content follows from the frame's number."""

import json
import zlib
from pathlib import Path

import numpy as np
import xarray as xr

import nanochart as nc
from nanochart.store.files import RECORDS

N_ATOMS = 13


N_REPLICAS = 3


CHUNK = 4


def frames(first: int, stop: int) -> dict[str, np.ndarray]:
    """Thermal frames whose every value follows from the frame's number."""
    number = np.arange(first, stop)
    site = np.arange(N_REPLICAS * N_ATOMS * 3).reshape(N_REPLICAS, N_ATOMS, 3)
    walker = number[:, None] + 0.25 * np.arange(N_REPLICAS)
    return {
        "positions": np.sin(site + 0.1 * number[:, None, None, None]),
        "energy": -1.0 / 3.0 - walker,
        "temperature": 300.0 + walker,
        "rung": (number[:, None] + np.arange(N_REPLICAS)) % N_REPLICAS,
        "step": 50 * number,
        "exchange_accepted": (number[:, None] + np.arange(N_REPLICAS - 1)) % 3 - 1,
    }


def quenched(first: int, stop: int) -> dict[str, np.ndarray]:
    thermal = frames(first, stop)
    return {
        "inherent_positions": 0.5 * thermal["positions"],
        "inherent_energy": thermal["energy"] - 2.0,
        "quench_converged": np.ones((stop - first, N_REPLICAS), dtype=bool),
    }


def new_run(path: Path, n_frames: int = 10, **settings):
    settings = {"config": {"a": [1, {"b": None}]}, "seed": 7, "chunk_frames": CHUNK} | settings
    return nc.store.create(
        path, element="Au", n_atoms=N_ATOMS, n_frames=n_frames, n_replicas=N_REPLICAS, **settings
    )


def fill(run, stage: str = "frames", make=frames) -> None:
    for block in run.pending(stage):
        run.write(stage, block.start, make(block.start, block.stop))


def assert_holds(dataset: xr.Dataset, expected: dict[str, np.ndarray]) -> None:
    for name, values in expected.items():
        stored = dataset[name].values
        np.testing.assert_array_equal(stored, np.asarray(values, dtype=stored.dtype), err_msg=name)


LOG = RECORDS / "commits.log"


def as_before_seals(path, torn_after=()):
    """Make a run one of the format before: no seal, and lines that stand alone."""
    root = json.loads((path / "zarr.json").read_text())
    root["attributes"].pop("nanochart_seal", None)
    root["attributes"]["nanochart_format"] = 2
    (path / "zarr.json").write_text(json.dumps(root))
    lines = []
    for number, line in enumerate((path / LOG).read_bytes().splitlines()):
        body = line.partition(b" ")[2]
        lines.append(b"%08x %s\n" % (zlib.crc32(body), body))
        if number in torn_after:
            lines.append(lines[-1][:-20] + b"\n")
    (path / LOG).write_bytes(b"".join(lines))
    for checkpoint in (path / RECORDS).glob("checkpoint-*.json"):
        values = json.loads(checkpoint.read_text())
        values.pop("seal", None)
        checkpoint.write_text(json.dumps(values))
