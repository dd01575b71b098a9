"""Numbers that describe a quenched cluster, from its bonds."""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.descriptors import (
    BETWEEN_SHELLS,
    bonding_cutoff,
    check_finite,
    check_positions,
    crowded_sentence,
)
from nanochart.motifs import kernels as k
from nanochart.motifs.descriptors import DESCRIPTORS
from nanochart.motifs.heat import apparent_temperature
from nanochart.parallel import chunks, map_in_order
from nanochart.shown import short_repr

__all__ = ["Measurement", "measure"]

Floats = NDArray[np.float64]

_CHUNK = 32
#: Frames that are looked at before a whole set is refused.
_LOOKED_AT = 50
#: Spread of the bonds over their mean below which a structure is quenched without a further look:
#: frames of 38 atoms and more at 200 K have 0.027 or more, most ordered minima less.
_UNEVEN = 0.025
#: Apparent temperature in K from which a structure is thermal: frames of 200 K have 140 or more,
#: of 13 atoms one in twenty less than this; minima of other potentials have less than half of it.
_WARM = 110.0


#: Descriptors that are columns of the compiled measurement.
_COLUMNS = {
    "fivefold_axes": k.AXES,
    "axis_offset": k.AXIS_OFFSET,
    "hcp_planes": k.PLANES,
    "hcp_orientations": k.ORIENTATIONS,
    "vertex_vacancies": k.VERTEX_VACANCIES,
    "surface_vacancies": k.OTHER_VACANCIES,
    "adatoms": k.ADATOMS,
    "rosettes": k.ROSETTES,
    "groove_atoms": k.GROOVE_ATOMS,
    "surface_cn5": k.SURFACE_5,
    "surface_cn6": k.SURFACE_6,
    "surface_cn7": k.SURFACE_7,
    "surface_cn8": k.SURFACE_8,
    "surface_cn9": k.SURFACE_9,
    "gyration_radius": k.RADIUS,
    "asphericity": k.ASPHERICITY,
}


@short_repr
@dataclass(frozen=True)
class Measurement:
    """What was measured of each structure.

    ``rows`` (..., column) holds the columns that `nanochart.motifs.kernels` names.
    """

    rows: Floats

    def column(self, index: int) -> Floats:
        """One of them, (...)."""
        return np.asarray(self.rows[..., index])

    @property
    def atoms(self) -> Floats:
        """Number of atoms, (...): each is within, or has so many neighbours at the surface."""
        surface = (k.SURFACE_5, k.SURFACE_6, k.SURFACE_7, k.SURFACE_8, k.SURFACE_9, k.GROOVE_ATOMS)
        return np.asarray(sum(self.column(c) for c in (k.INTERIOR, *surface)))

    def share(self, *columns: int) -> Floats:
        """Atoms counted in these columns among the interior ones, (...)."""
        counted = sum(self.column(c) for c in columns)
        return np.asarray(counted / np.maximum(self.column(k.INTERIOR), 1.0))

    @property
    def descriptors(self) -> dict[str, Floats]:
        """Name -> (...) of all :data:`DESCRIPTORS`; NaN where one has no meaning."""
        single = self.column(k.AXES) == 1
        found = {name: self.column(c) for name, c in _COLUMNS.items()}
        found["hcp_islands"] = np.where(single, self.column(k.ISLANDS), 0.0)
        found["hcp_island_atoms"] = np.where(single, self.column(k.ISLAND_ATOMS), 0.0)
        found["fcc_fraction"] = self.share(k.N_FCC)
        found["hcp_fraction"] = self.share(k.N_HCP)
        found["disordered_fraction"] = self.share(k.DISORDERED)
        return {name: found[name] for name in DESCRIPTORS}


def measure(
    positions: ArrayLike,
    metal: str,
    *,
    nearest_neighbour: float | None = None,
    executor: Executor | None = None,
    known_quenched: bool = False,
) -> Measurement:
    """Measure quenched structures (..., atom, 3); see :func:`nanochart.motifs.analyze`."""
    x, cutoff = check_positions(positions), bonding_cutoff(metal, nearest_neighbour)
    check_finite(x)
    frames = x.reshape(-1, *x.shape[-2:])
    work = partial(_measure_chunk, cutoff)
    parts = list(map_in_order(work, [frames[c] for c in chunks(len(frames), _CHUNK)], executor))
    rows = np.concatenate(parts) if parts else np.empty((0, k.N_COLUMNS))
    if not known_quenched:
        _refuse_thermal(frames, rows, metal, cutoff, executor)
    return Measurement(rows.reshape(*x.shape[:-2], k.N_COLUMNS))


def _measure_chunk(cutoff: float, frames: Floats) -> Floats:
    rows = np.empty((len(frames), k.N_COLUMNS))
    full = np.full(1, -1)
    k.measure(frames, cutoff / BETWEEN_SHELLS, cutoff, rows, full)
    if full[0] >= 0:
        raise ValueError(crowded_sentence())
    return rows


def _refuse_thermal(
    frames: Floats, rows: Floats, metal: str, cutoff: float, executor: Executor | None
) -> None:
    """Refuse structures of which more than half look thermal.

    Uneven bonds are only suspicious, because those of a disordered minimum are no more even; what a
    short relaxation releases decides. Forces would not do: a minimum of another potential, which
    has another size, feels as large ones as a thermal frame.
    """
    uneven = np.flatnonzero(rows[:, k.SPREAD] >= _UNEVEN)
    if 2 * len(uneven) <= len(rows):
        return
    some = uneven[:: -(-len(uneven) // _LOOKED_AT)]
    warm = apparent_temperature(frames[some], metal, cutoff, executor) >= _WARM
    share = len(uneven) / len(rows) * float(warm.mean())
    if share <= 0.5:
        return
    raise ValueError(
        f"structures to classify must be quenched, but {share:.0%} of {len(rows)} move as thermal "
        f"ones do, of more than {_WARM:.0f} K: use nanochart.minimization.quench first"
    )
