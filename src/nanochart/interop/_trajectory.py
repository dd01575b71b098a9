"""Trajectories from files: found out, read in blocks, and checked frame by frame."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nanochart.interop._atoms import raw_frame
from nanochart.interop._extxyz import is_xyz, read_xyz
from nanochart.interop._frame import RawFrame
from nanochart.interop._lammps import is_lammps_dump, read_lammps_dump
from nanochart.interop._periodic import free_cluster
from nanochart.metals import element as look_up_element

__all__ = ["TrajectoryBlock", "read_trajectory"]


@dataclass(frozen=True)
class TrajectoryBlock:
    """Some consecutive frames of a file.

    Attributes
    ----------
    first
        Number of the first frame in the file.
    element
        Chemical symbol.
    positions
        Å, (frame, atom, 3).
    energies
        Potential energies in eV (frame,), NaN where the file gives none.
    temperatures
        K (frame,), NaN where the file gives none.
    steps
        Molecular dynamics steps (frame,), -1 where the file gives none.
    """

    first: int
    element: str
    positions: np.ndarray
    energies: np.ndarray
    temperatures: np.ndarray
    steps: np.ndarray


def read_trajectory(
    path: str | os.PathLike[str],
    element: str | None = None,
    *,
    unwrap: bool = False,
    block_frames: int = 256,
) -> Iterator[TrajectoryBlock]:
    """Read a trajectory of one free cluster, a block at a time.

    LAMMPS text dumps and extended or plain XYZ, gzipped or not, are read by nanochart; anything
    else by ASE. The format is found from the content and the name.

    Parameters
    ----------
    path
        The file.
    element
        Chemical symbol; needed where the file does not say, compared with it where it does.
    unwrap
        Put a cluster together again that the boundary of its periodic cell cuts.
    block_frames
        Frames per block.

    Yields
    ------
    TrajectoryBlock
        At least one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is empty or of unknown format, or a frame is not a finite, free cluster of the same
        element and size as the one before; the message names the file and the frame.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist or is not a file: name a trajectory file")
    symbol = None if element is None else look_up_element(element).symbol
    frames: list[RawFrame] = []
    first, n_atoms = 0, None
    for number, raw in enumerate(_raw_frames(path)):
        what = f"{path}: frame {number}"
        symbol = _check_species(raw, symbol, what)
        n_atoms = n_atoms or len(raw.positions)
        frames.append(_check_frame(raw, n_atoms, what, unwrap=unwrap))
        if len(frames) == block_frames:
            yield _block(first, symbol, frames)
            first, frames = number + 1, []
    if frames and symbol is not None:
        yield _block(first, symbol, frames)
    elif n_atoms is None:
        raise ValueError(f"{path} holds no frames: name a file with at least one configuration")


def _raw_frames(path: Path) -> Iterator[RawFrame]:
    """Read the frames of a file, with its name before every complaint."""
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty: name a file with at least one configuration")
    try:
        if is_lammps_dump(path):
            yield from read_lammps_dump(path)
        elif is_xyz(path):
            yield from read_xyz(path)
        else:
            yield from _ase_frames(path)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path}: {error}") from error


def _ase_frames(path: Path) -> Iterator[RawFrame]:
    from ase.io import iread
    from ase.io.formats import UnknownFileTypeError

    number = 0
    images = iread(path, index=":")
    while True:
        try:
            atoms = next(images)
        except StopIteration:
            return
        except UnknownFileTypeError:
            raise ValueError(
                "the format is unknown: give an extended XYZ file, a LAMMPS text dump or a format "
                "that ASE reads, under its usual name"
            ) from None
        except Exception as error:  # readers of some eighty formats raise what they like
            raise ValueError(f"frame {number} cannot be read by ASE ({error!r})") from error
        yield raw_frame(atoms)
        number += 1


def _check_species(raw: RawFrame, symbol: str | None, what: str) -> str:
    """Return the element of a frame, which must be that of the frames before."""
    if len(raw.species) > 1:
        raise ValueError(
            f"{what} must be of one element; got {', '.join(sorted(raw.species))}: nanochart "
            "handles clusters of a single metal"
        )
    found = next(iter(raw.species), None)
    if symbol is None and found is None:
        raise ValueError(
            f"{what} does not say of which element it is: name it (element='Au'; on the command "
            f"line --element Au)"
        )
    if symbol is None:
        return look_up_element(str(found)).symbol
    if found not in {None, symbol}:
        raise ValueError(f"{what} must be of the element {symbol}; got {found}")
    return symbol


def _check_frame(raw: RawFrame, n_atoms: int, what: str, *, unwrap: bool) -> RawFrame:
    if len(raw.positions) != n_atoms:
        raise ValueError(
            f"{what} must have {n_atoms} atoms as the frames before it; got {len(raw.positions)}"
        )
    finite = np.isfinite(raw.positions).all(axis=1)
    if not finite.all():
        atom = int(np.argmin(finite))
        found = ", ".join(f"{value:g}" for value in raw.positions[atom])
        raise ValueError(
            f"{what} must have finite positions; got ({found}) for atom {atom}: remove the frame"
        )
    positions = free_cluster(raw.positions, raw.cell, raw.periodic, unwrap=unwrap, what=what)
    return RawFrame(
        positions, raw.species, raw.cell, raw.periodic, raw.energy, raw.temperature, raw.step
    )


def _block(first: int, symbol: str, frames: list[RawFrame]) -> TrajectoryBlock:
    return TrajectoryBlock(
        first,
        symbol,
        np.stack([frame.positions for frame in frames]),
        np.array([frame.energy for frame in frames]),
        np.array([frame.temperature for frame in frames]),
        np.array([frame.step for frame in frames], dtype=np.int64),
    )
