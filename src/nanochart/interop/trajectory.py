"""Trajectories from files: found out, read in blocks, and checked frame by frame."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nanochart.interop.atoms import raw_frame
from nanochart.interop.checks import Checks, check_species
from nanochart.interop.extxyz import is_xyz, read_xyz
from nanochart.interop.frame import FrameError, RawFrame
from nanochart.interop.lammps_dump import is_lammps_dump, read_lammps_dump
from nanochart.interop.whole import Mending, whole_cluster
from nanochart.metals import element as look_up_element
from nanochart.shown import short_repr

__all__ = ["LeftOut", "TrajectoryBlock", "read_structure", "read_trajectory"]


@dataclass(frozen=True)
class LeftOut:
    """Frames of a file that were not taken: ``bad`` ones, those of ``other_sizes``, and why.

    ``first`` is the sentence about the first bad one, "" if there is none.
    """

    bad: int = 0
    other_sizes: int = 0
    first: str = ""


@short_repr
@dataclass(frozen=True)
class TrajectoryBlock:
    """A block of successive frames of a trajectory file.

    Attributes
    ----------
    frames
        Number of each frame in the file, (frame,).
    element
        Chemical symbol of the metal.
    positions
        Positions in Å, (frame, atom, 3).
    energies
        Potential energies in eV (frame,), NaN where the file gives none.
    temperatures
        Temperatures in K (frame,), NaN where the file gives none, or zero as of a minimum.
    steps
        Molecular dynamics steps (frame,), -1 where the file gives none.
    left_out
        Frames that were left out of the file until now; in the last block, of all of the file.
    """

    frames: np.ndarray
    element: str
    positions: np.ndarray
    energies: np.ndarray
    temperatures: np.ndarray
    steps: np.ndarray
    left_out: LeftOut = field(default_factory=LeftOut)

    @property
    def first(self) -> int:
        """Number of the first frame in the file."""
        return int(self.frames[0])


def read_trajectory(
    path: str | os.PathLike[str],
    element: str | None = None,
    *,
    unwrap: bool = False,
    cell: float | Sequence[float] | None = None,
    unit: str | None = None,
    largest_fragment: bool = False,
    skip_bad_frames: bool = False,
    n_atoms: int | None = None,
    block_frames: int = 256,
) -> Iterator[TrajectoryBlock]:
    """Read a trajectory of one free cluster, a block at a time.

    LAMMPS text dumps and extended or plain XYZ, gzipped or not, are read by nanochart; anything
    else by ASE. The format is found from the content and the name. A frame must be one piece with
    bonds of the metal's length.

    Parameters
    ----------
    path
        Path of the file.
    element
        Chemical symbol of the metal, needed where the file does not say. What the file says is
        compared with it, unless that is no metal: H, X, the numbers of types and other names stand
        for the metal.
    unwrap
        Whether to put a cluster together again that the boundary of its periodic cell cuts.
    cell
        Edge or edges in Å of the periodic cell, where the file does not say.
    unit
        Unit of length of the file, "angstrom", "bohr", "nm" or "pm"; Å if None.
    largest_fragment
        Whether to keep the largest piece of a frame that is in several, without the file's energy.
    skip_bad_frames
        Whether to leave out frames that cannot be used, and count them.
    n_atoms
        Number of atoms of the frames to take; others are left out and counted. None takes the size
        of the first frame.
    block_frames
        Number of frames per block.

    Yields
    ------
    TrajectoryBlock
        Blocks of frames, at least one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is empty or of unknown format, or a frame is not a finite, free cluster of the same
        element and size as the one before; the message names the file and the frame.
    """
    mending = Mending(unwrap, _edges(cell), unit, largest_fragment)
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist or is not a file: name a trajectory file")
    checks = Checks(None if element is None else look_up_element(element).symbol, n_atoms, mending)
    left_out = LeftOut()
    numbers: list[int] = []
    frames: list[RawFrame] = []
    for number, raw in enumerate(_raw_frames(path)):
        try:
            if isinstance(raw, FrameError):
                raise raw
            frame = checks.taken(raw, f"frame {number}")
        except FrameError as error:
            if not skip_bad_frames:
                raise ValueError(f"{path}: {error}") from error
            left_out = replace(
                left_out, bad=left_out.bad + 1, first=left_out.first or f"{path}: {error}"
            )
            continue
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        if frame is None:
            left_out = replace(left_out, other_sizes=left_out.other_sizes + 1)
            continue
        if len(frames) == block_frames:
            yield _block(numbers, checks.element, frames, left_out)
            numbers, frames = [], []
        numbers.append(number)
        frames.append(frame)
    if not frames:
        raise ValueError(_nothing(path, n_atoms, left_out))
    yield _block(numbers, checks.element, frames, left_out)


def read_structure(path: str | os.PathLike[str], element: str, n_atoms: int) -> np.ndarray:
    """Return the positions of a cluster in a file, of its last frame, in Å, (atom, 3).

    Parameters
    ----------
    path
        File that `read_trajectory` can read.
    element, n_atoms
        Metal and number of atoms that the cluster must have.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read, or is not one whole, free cluster of this element and size.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist or is not a file: name a structure")
    symbol = look_up_element(element).symbol
    last = deque(enumerate(_raw_frames(path)), maxlen=1)
    if not last:
        raise ValueError(_nothing(path, n_atoms, LeftOut()))
    number, raw = last.pop()
    what = f"frame {number}"
    try:
        if isinstance(raw, FrameError):
            raise raw
        check_species(raw, symbol, what)
        frame = whole_cluster(raw, symbol, Mending(), what)
    except FrameError as error:
        raise ValueError(f"{path}: {error}") from error
    if len(frame.positions) != n_atoms:
        raise ValueError(f"{path} must hold {symbol}{n_atoms}; got {symbol}{len(frame.positions)}")
    return frame.positions


def _edges(cell: float | Sequence[float] | None) -> tuple[float, float, float] | None:
    if cell is None:
        return None
    try:
        x, y, z = np.broadcast_to(np.asarray(cell, dtype=np.float64), 3)
    except (TypeError, ValueError):
        raise ValueError(f"cell must be one edge or three in Å; got {cell!r}") from None
    return float(x), float(y), float(z)


def _nothing(path: Path, n_atoms: int | None, left_out: LeftOut) -> str:
    """Say why no frame was taken."""
    if left_out.bad:
        others = f", and {left_out.other_sizes} of other sizes" if left_out.other_sizes else ""
        return (
            f"{path} holds no frame that can be used: {left_out.bad} bad ones{others}; the first: "
            f"{left_out.first}"
        )
    if left_out.other_sizes:
        return (
            f"{path} holds no frame of {n_atoms} atoms; got {left_out.other_sizes} of other sizes"
        )
    return f"{path} holds no frames: name a file with at least one configuration"


def _raw_frames(path: Path) -> Iterator[RawFrame | FrameError]:
    """Read the frames of a file, with its name before complaints about the file itself."""
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
    # A file may be named a@1.traj or x::y.traj: all of it is its name.
    images = iread(path, index=":", do_not_split_by_at_sign=True)
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
        yield raw_frame(atoms, f"frame {number}")
        number += 1


def _block(
    numbers: list[int], symbol: str, frames: list[RawFrame], left_out: LeftOut
) -> TrajectoryBlock:
    return TrajectoryBlock(
        np.array(numbers),
        symbol,
        np.stack([frame.positions for frame in frames]),
        np.array([frame.energy for frame in frames]),
        np.array([frame.temperature for frame in frames]),
        np.array([frame.step for frame in frames], dtype=np.int64),
        left_out,
    )
