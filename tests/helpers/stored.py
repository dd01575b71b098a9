"""Helpers of the tests."""

from pathlib import Path

import numpy as np
import xarray as xr

import nanochart as nc

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
