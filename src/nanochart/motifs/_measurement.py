"""Numbers that describe a quenched cluster, from its bonds."""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart._parallel import chunks, map_in_order
from nanochart.descriptors import bonding_cutoff
from nanochart.descriptors._cna import BETWEEN_SHELLS, crowded_sentence
from nanochart.descriptors._positions import check_finite, check_positions
from nanochart.motifs import _kernels as k
from nanochart.motifs._descriptors import DESCRIPTORS
from nanochart.potentials import GUPTA_PARAMETERS, gupta

__all__ = ["Measurement", "measure"]

Floats = NDArray[np.float64]

_CHUNK = 32
#: Frames whose forces are asked for before a whole set is refused.
_FRAMES_LOOKED_AT = 200

#: Mean of the shortest fiftieth of the bonds plus half the spread of all, in nearest-neighbour
#: distances. Frames of 200 K and above are below the first number; of minima only small and
#: disordered ones are, and hardly a minimum of 147 atoms (one in 2,592 of gold) below the second.
_UNEVEN, _VERY_UNEVEN = 0.945, 0.930
#: Largest force in eV/Å of a minimum of another potential than the one that is asked. Thermal
#: frames of 200 K have at least half as much again.
_PUSHED = 0.4


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


@dataclass(frozen=True)
class Measurement:
    """What was measured of each structure.

    ``rows`` (..., column) holds the columns that `nanochart.motifs._kernels` names.
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
        _refuse_thermal(frames, rows, metal)
    return Measurement(rows.reshape(*x.shape[:-2], k.N_COLUMNS))


def _measure_chunk(cutoff: float, frames: Floats) -> Floats:
    rows = np.empty((len(frames), k.N_COLUMNS))
    full = np.full(1, -1)
    k.measure(frames, cutoff / BETWEEN_SHELLS, cutoff, rows, full)
    if full[0] >= 0:
        raise ValueError(crowded_sentence())
    return rows


def _refuse_thermal(frames: Floats, rows: Floats, metal: str) -> None:
    """Refuse structures of which more than half look thermal.

    Where the metal has a Gupta potential, uneven bonds are only suspicious and its forces decide.
    Forces alone would not do: minima of another potential are no minima of this one.
    """
    known = metal in GUPTA_PARAMETERS
    evenness = rows[:, k.SHORTEST] + 0.5 * rows[:, k.SPREAD]
    uneven = np.flatnonzero(evenness < (_UNEVEN if known else _VERY_UNEVEN))
    if 2 * len(uneven) <= len(rows):
        return
    if known:
        looked_at = uneven[:_FRAMES_LOOKED_AT]
        _, forces = gupta(metal).energy_forces(frames[looked_at])
        pushed = np.linalg.norm(forces, axis=-1).max(axis=-1) > _PUSHED
        if 2 * pushed.sum() <= len(looked_at):
            return
    raise ValueError(
        f"structures to classify must be quenched, but the bonds of {len(uneven)} of {len(rows)} "
        f"are as uneven as thermal motion makes them: use nanochart.minimization.quench first"
    )
