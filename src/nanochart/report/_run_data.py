"""What a data set and its metadata say, asked once and without assuming that a stage has run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nanochart.metals import NEAREST_NEIGHBOUR
from nanochart.report._views import nearest_distance

__all__ = ["RunData"]


@dataclass(frozen=True, eq=False)
class RunData:
    """A data set with its metadata.

    Values that were never written (NaN, or -1 in an integer array) count as absent, so an array
    that is there but empty is not "there".

    Attributes
    ----------
    dataset
        As a run gives it; may be lazy: positions are read only for the frames that are drawn.
    metadata
        As :class:`nanochart.store.Metadata` has it, in a dictionary; every key may be missing.
    """

    dataset: xr.Dataset
    metadata: Mapping[str, Any]

    def values(self, name: str) -> NDArray[Any] | None:
        """Read a variable; None where it is absent, or nothing has been written to it."""
        if name not in self.dataset:
            return None
        array = np.asarray(self.dataset[name].values)
        written = np.isfinite(array) if array.dtype.kind == "f" else array >= 0
        return array if array.size and written.any() else None

    @cached_property
    def element(self) -> str:
        """Chemical symbol."""
        return str(self.metadata.get("element", "?"))

    @cached_property
    def n_atoms(self) -> int:
        """Atoms of the cluster."""
        return int(self.metadata.get("n_atoms", self.dataset.sizes.get("atom", 0)))

    @property
    def system(self) -> str:
        """Name of the system, as Au147."""
        return f"{self.element}{self.n_atoms}"

    @property
    def n_frames(self) -> int:
        """Stored frames."""
        return int(self.dataset.sizes.get("frame", 0))

    @property
    def n_replicas(self) -> int:
        """Walkers."""
        return int(self.dataset.sizes.get("replica", 0))

    @property
    def is_imported(self) -> bool:
        """Whether another program sampled the frames."""
        return self.metadata.get("kind") == "imported"

    @cached_property
    def nearest_neighbour(self) -> float:
        """Distance of nearest neighbours in Å: of the bulk metal, else as the frames have it."""
        known = NEAREST_NEIGHBOUR.get(self.element)
        place = self.lowest()
        positions = None if place is None else self.structure(*place)
        if known is None and positions is not None:
            return nearest_distance(positions)
        return known or 1.0

    @cached_property
    def energy(self) -> NDArray[Any] | None:
        """Thermal potential energy in eV, shape (frame, replica)."""
        return self.values("energy")

    @cached_property
    def inherent_energy(self) -> NDArray[Any] | None:
        """Energy of the minimum in eV, shape (frame, replica)."""
        return self.values("inherent_energy")

    @cached_property
    def temperature(self) -> NDArray[Any] | None:
        """Temperature in K, shape (frame, replica)."""
        return self.values("temperature")

    @cached_property
    def ladder(self) -> NDArray[Any] | None:
        """Temperatures of the ladder in K, rising."""
        return self.values("ladder")

    @cached_property
    def converged(self) -> NDArray[Any] | None:
        """Outcome of each quench: -1 none, 0 not converged, 1 converged."""
        return self.values("quench_converged")

    @cached_property
    def reference(self) -> float:
        """Energy in eV that the figures call zero: the lowest minimum found, 0 where none is."""
        if self.inherent_energy is None:
            return 0.0
        return float(np.nanmin(self.inherent_energy))

    @cached_property
    def references(self) -> dict[str, float]:
        """Named energies in eV of known structures, from the metadata."""
        given = self.metadata.get("references") or {}
        return {str(name): float(value) for name, value in given.items()}

    @cached_property
    def motifs(self) -> tuple[str, ...]:
        """Start motif of each walker; empty where unknown."""
        index = self.values("start_motif")
        if index is None:
            given = tuple(str(name) for name in self.metadata.get("start_motifs") or ())
            return given if len(given) == self.n_replicas else ()
        names = self.dataset["start_motif"].attrs.get("flag_meanings", "")
        names = names.split() if isinstance(names, str) else list(names)
        return tuple(names[k] if 0 <= k < len(names) else "unknown" for k in index.astype(int))

    @cached_property
    def time_step(self) -> float | None:
        """Time step in fs, from the configuration."""
        found = next(_search({**self.metadata}, ("time_step", "time_step_fs")), None)
        return float(found) if isinstance(found, int | float) else None

    @cached_property
    def time(self) -> tuple[NDArray[Any], str]:
        """Time of each frame with its unit: ns, else 10⁶ steps, else stored frames."""
        step = self.values("step")
        if step is None:
            return np.arange(self.n_frames, dtype=float), "stored frames"
        if self.time_step is None:
            return step * 1e-6, "10⁶ steps"
        return step * self.time_step * 1e-6, "ns"

    @cached_property
    def sampled_time(self) -> float | None:
        """Length of all walkers' trajectories together, in ns; None where unknown."""
        time, unit = self.time
        return float(time[-1] * self.n_replicas) if unit == "ns" and time.size else None

    def paired(self, energies: NDArray[Any]) -> bool:
        """Whether any configuration has both this energy and a temperature."""
        if self.temperature is None:
            return False
        return bool((np.isfinite(energies) & np.isfinite(self.temperature)).any())

    def lowest(self, mask: NDArray[Any] | None = None) -> tuple[int, int] | None:
        """Frame and walker of the lowest minimum, where ``mask`` allows it; None where none is."""
        if self.inherent_energy is None:
            return None
        energies = np.where(np.isfinite(self.inherent_energy), self.inherent_energy, np.inf)
        if mask is not None:
            energies = np.where(mask, energies, np.inf)
        frame, walker = np.unravel_index(int(np.argmin(energies)), energies.shape)
        return (int(frame), int(walker)) if np.isfinite(energies[frame, walker]) else None

    def structure(self, frame: int, walker: int) -> NDArray[Any] | None:
        """Positions of a minimum in Å, shape (atom, 3); None where they are not stored."""
        if "inherent_positions" not in self.dataset:
            return None
        positions = np.asarray(self.dataset["inherent_positions"][frame, walker].values, float)
        return positions if np.isfinite(positions).all() else None


def _search(tree: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[Any]:
    """Yield the values of the first keys of these names, depth first."""
    for key, value in tree.items():
        if key in keys and value is not None:
            yield value
        elif isinstance(value, Mapping):
            yield from _search(value, keys)
