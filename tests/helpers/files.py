"""Structures and trajectories as files of other programs."""

import functools

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.cluster import Icosahedron

import nanochart as nc


def centred(positions: np.ndarray) -> np.ndarray:
    return positions - positions.mean(axis=-2, keepdims=True)


HEAD = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\n"


BOX = "ITEM: BOX BOUNDS ff ff ff\n0 9\n0 9\n0 9\n"


ATOMS = "ITEM: ATOMS id element x y z\n1 Au 1 2 3\n2 Au 2 4 5\n"


FRAME = HEAD + BOX + ATOMS


@functools.cache
def gold(motif: str = "icosahedron", n_atoms: int = 147) -> np.ndarray:
    seed = 1 if motif == "random" else None
    return nc.clusters.build(motif, "Au", n_atoms, seed=seed).positions


def plain(path, positions, symbol="Au", scale=1.0):
    """Positions as a plain xyz file, which knows of no cell."""
    frames = np.reshape(positions, (-1, *np.shape(positions)[-2:]))
    with path.open("w") as file:
        for frame in frames:
            file.write(f"{len(frame)}\n\n")
            file.writelines(f"{symbol} {x:.9f} {y:.9f} {z:.9f}\n" for x, y, z in scale * frame)
    return path


def clusters(n_frames: int = 5, shells: int = 2) -> list[Atoms]:
    """Small gold icosahedra, shaken."""
    generator = np.random.default_rng(5)
    cluster = Icosahedron("Au", shells)
    found = []
    for k in range(n_frames):
        positions = cluster.positions + generator.normal(scale=0.2, size=(len(cluster), 3))
        atoms = Atoms(cluster.symbols, positions=positions, info={"step": 10 * k})
        atoms.calc = SinglePointCalculator(atoms, energy=-3.5 - k, forces=positions)
        found.append(atoms)
    return found


def read(path, element=None, **settings):
    """All blocks of a trajectory as one."""
    blocks = list(nc.interop.read_trajectory(path, element, **settings))
    assert [b.first for b in blocks] == list(
        np.cumsum([0, *(len(b.positions) for b in blocks[:-1])])
    )
    return blocks[0].element, np.concatenate([b.positions for b in blocks]), blocks


CELL = np.array([[60.0, 0.0, 0.0], [11.0, 50.0, 0.0], [-7.0, 5.0, 40.0]])


ORIGIN = np.array([-20.0, 3.0, 1.0])


def lammps_dump(positions: np.ndarray, columns: str, flags: str = "ff ff ff") -> str:
    """Write frames as LAMMPS does in a tilted cell, atoms in a random order."""
    generator = np.random.default_rng(8)
    (xy, xz, yz) = CELL[1, 0], CELL[2, 0], CELL[2, 1]
    low = ORIGIN + np.array([min(0, xy, xz, xy + xz), min(0, yz), 0])
    high = ORIGIN + np.diag(CELL) + np.array([max(0, xy, xz, xy + xz), max(0, yz), 0])
    lines = []
    for number, frame in enumerate(positions):
        scaled = (frame - ORIGIN) @ np.linalg.inv(CELL)
        images = np.floor(scaled).astype(int)
        inside = ORIGIN + (scaled - images) @ CELL
        values = {
            **dict(zip(("xu", "yu", "zu"), frame.T, strict=True)),
            **dict(zip(("xsu", "ysu", "zsu"), scaled.T, strict=True)),
            **dict(zip(("x", "y", "z"), inside.T, strict=True)),
            **dict(zip(("xs", "ys", "zs"), (scaled - images).T, strict=True)),
            **dict(zip(("ix", "iy", "iz"), images.T, strict=True)),
            "id": np.arange(1, len(frame) + 1),
            "type": np.ones(len(frame), dtype=int),
            "element": np.full(len(frame), "Au"),
            "c_pe": np.full(len(frame), -3.5),
        }
        lines += ["ITEM: TIMESTEP", str(250 * number)]
        lines += ["ITEM: NUMBER OF ATOMS", str(len(frame)), f"ITEM: BOX BOUNDS xy xz yz {flags}"]
        lines += [
            f"{a:.16e} {b:.16e} {t:.16e}" for a, b, t in zip(low, high, (xy, xz, yz), strict=True)
        ]
        lines.append(f"ITEM: ATOMS {columns}")
        order = generator.permutation(len(frame))
        lines += [" ".join(str(values[c][i]) for c in columns.split()) for i in order]
    return "\n".join(lines) + "\n"


def plumed_columns(path) -> dict[str, np.ndarray]:
    """Columns of a COLVAR or HILLS file by name."""
    names = path.read_text().splitlines()[0].removeprefix("#! FIELDS ").split()
    return dict(zip(names, np.loadtxt(path, unpack=True, ndmin=2), strict=True))
