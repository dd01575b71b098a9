"""From a frame as a file gives it to the positions of one whole, free cluster."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nanochart.interop.frame import FrameError, RawFrame
from nanochart.interop.periodic import free_cluster
from nanochart.interop.pieces import UNITS, bonded_pieces, boxed, pieces

__all__ = ["Mending", "compare_box", "whole_cluster"]

Floats = NDArray[np.float64]

#: Å from the origin; beyond it the distances of neighbours lose their digits.
_FARTHEST = 1e9
#: Å within which the edge of a box is known from how a cluster joins across it.
_BOX_ERROR = 1.2


@dataclass(frozen=True)
class Mending:
    """What is to be done to frames before they are clusters.

    Parameters
    ----------
    unwrap
        Whether to put a cluster together again that the boundary of its periodic cell cuts.
    cell
        Edges in Å, (3,), of the periodic cell where the files do not say, or not rightly.
    unit
        Unit of length of the files: "angstrom", "bohr", "nm" or "pm".
    largest_fragment
        Keep the largest piece of a frame that is in several.
    """

    unwrap: bool = False
    cell: tuple[float, float, float] | None = None
    unit: str | None = None
    largest_fragment: bool = False

    def __post_init__(self) -> None:
        if self.unit is not None and self.unit not in UNITS:
            raise ValueError(f"unit must be one of {', '.join(UNITS)}; got {self.unit!r}")
        if self.cell is not None and not all(0.0 < edge < np.inf for edge in self.cell):
            raise ValueError(
                f"cell must hold edges above 0 Å; got {', '.join(f'{e:g}' for e in self.cell)}"
            )


def whole_cluster(raw: RawFrame, symbol: str, mending: Mending, what: str) -> RawFrame:
    """Return a frame in Å that is one whole, free cluster with bonds of the metal's length.

    Raises
    ------
    FrameError
        If it is not, and ``mending`` does not make it so: the sentence says what it looks like
        and names the option that takes it.
    """
    raw = _in_angstrom(raw, mending, what)
    if mending.cell is not None:
        raw = replace(raw, cell=np.diag(mending.cell), periodic=(True, True, True))
    positions = free_cluster(
        raw.positions, raw.cell, raw.periodic, unwrap=mending.unwrap, what=what
    )
    labels = bonded_pieces(positions, symbol, mending.unit or "angstrom", what)
    if labels.max() > 0:
        raw = replace(raw, positions=positions)
        positions, labels = _unwrapped(raw, labels, symbol, mending, what)
    energy = raw.energy
    if labels.max() > 0:
        positions = _largest(positions, labels, mending, what)
        energy = np.nan  # the file's is that of all pieces
    return replace(raw, positions=positions, energy=energy)


def compare_box(raw: RawFrame, symbol: str, mending: Mending, what: str) -> bool:
    """Compare the cell that was given with the one that cut a frame; whether there was a cut.

    Raises
    ------
    FrameError
        If the pieces join across another box.
    """
    positions = _in_angstrom(raw, mending, what).positions
    if mending.cell is None or pieces(positions, symbol).max() == 0:
        return False
    for axis, edge in boxed(positions, symbol).items():
        given = mending.cell["xyz".index(axis)]
        if abs(given - edge) > _BOX_ERROR:
            raise FrameError(
                f"{what} was cut by a box of about {edge:.0f} Å along {axis}; got --cell with "
                f"{given:g} Å: give the box that was simulated"
            )
    return True


def _in_angstrom(raw: RawFrame, mending: Mending, what: str) -> RawFrame:
    if mending.unit is None and raw.unit not in {"", "angstrom"}:
        raise ValueError(
            f"{what} says that its lengths are in {raw.unit}: import it with --unit {raw.unit}"
        )
    factor = UNITS[mending.unit or "angstrom"]
    raw = replace(raw, positions=factor * raw.positions, cell=factor * raw.cell)
    if not np.isfinite(raw.cell).all():
        raise FrameError(f"{what} must have a finite cell; got NaN or infinity: remove the frame")
    finite = (np.abs(raw.positions) < _FARTHEST).all(axis=1)  # not so of NaN
    if not finite.all():
        atom = int(np.argmin(finite))
        found = ", ".join(f"{value:g}" for value in raw.positions[atom])
        raise FrameError(
            f"{what} must have finite positions, within {_FARTHEST:g} Å; got ({found}) for atom "
            f"{atom}: remove the frame"
        )
    return raw


def _unwrapped(
    raw: RawFrame, labels: NDArray[np.int32], symbol: str, mending: Mending, what: str
) -> tuple[Floats, NDArray[np.int32]]:
    """Put pieces together that a boundary cut which the file does not call periodic."""
    if abs(np.linalg.det(raw.cell)) > 0.0 and not any(raw.periodic):
        try:
            joined = free_cluster(
                raw.positions, raw.cell, (True, True, True), unwrap=True, what=what
            )
        except FrameError:
            joined = raw.positions
        joined_labels = pieces(joined, symbol)
        if joined_labels.max() == 0:
            if mending.unwrap:
                return joined, joined_labels
            raise FrameError(
                f"{what} is in {labels.max() + 1} pieces, cut by the boundary of its cell: import "
                "it with --unwrap, which puts it together again"
            )
    if box := boxed(raw.positions, symbol):
        edges = " and ".join(f"{edge:.0f} Å along {axis}" for axis, edge in box.items())
        all_edges = [f"{box.get(axis, max(box.values())):.0f}" for axis in "xyz"]
        raise FrameError(
            f"{what} is in {labels.max() + 1} pieces, and looks cut by a periodic box of about "
            f"{edges}: import it with --unwrap and the box that was simulated, as --cell "
            f"{','.join(all_edges)}"
        )
    return raw.positions, labels


def _largest(positions: Floats, labels: NDArray[np.int32], mending: Mending, what: str) -> Floats:
    """Return the largest piece, if it is wanted and holds most of the atoms."""
    sizes = np.bincount(labels)
    largest = labels == np.argmax(sizes)
    within, beside = positions[largest], positions[~largest]
    apart = np.linalg.norm(within[:, None] - beside, axis=-1).min()
    said = (
        f"{what} is in {len(sizes)} pieces, of {', '.join(map(str, np.sort(sizes)[:-6:-1]))}"
        f"{', ...' if len(sizes) > 5 else ''} atoms, {apart:.1f} Å apart at least"
    )
    if 2 * sizes.max() <= sizes.sum():
        raise FrameError(f"{said}: no piece holds most of its atoms: remove the frame")
    if not mending.largest_fragment:
        raise FrameError(
            f"{said}: import it with --largest-fragment, which keeps the largest piece, or with "
            "--skip-bad-frames, which leaves such frames out"
        )
    found: Floats = within
    return found
