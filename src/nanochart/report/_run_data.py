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

    def _values(self, name: str) -> NDArray[Any] | None:
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
        return self._values("energy")

    @cached_property
    def inherent_energy(self) -> NDArray[Any] | None:
        """Energy of the minimum in eV, shape (frame, replica)."""
        return self._values("inherent_energy")

    @cached_property
    def temperature(self) -> NDArray[Any] | None:
        """Temperature in K, shape (frame, replica)."""
        return self._values("temperature")

    @cached_property
    def ladder(self) -> NDArray[Any] | None:
        """Temperatures of the ladder in K, rising."""
        return self._values("ladder")

    @cached_property
    def converged(self) -> NDArray[Any] | None:
        """Outcome of each quench: -1 none, 0 not converged, 1 converged."""
        return self._values("quench_converged")

    @cached_property
    def evaluations(self) -> NDArray[Any] | None:
        """Force evaluations of each quench, -1 where there was none."""
        return self._values("quench_evaluations")

    @cached_property
    def rungs(self) -> NDArray[Any] | None:
        """Indices into the ladder, shape (frame, replica)."""
        return self._values("rung")

    @cached_property
    def exchanges(self) -> NDArray[Any] | None:
        """Outcome of each exchange, shape (frame, pair): -1 none, 0 rejected, 1 accepted."""
        return self._values("exchange_accepted")

    @cached_property
    def motif_codes(self) -> NDArray[Any] | None:
        """Motif of each minimum, -1 where it has none."""
        return self._values("motif")

    @cached_property
    def motif_names(self) -> dict[int, str]:
        """Code of a motif -> name, as the data set has them."""
        attributes = self.dataset["motif"].attrs
        names = attributes.get("flag_meanings", "")
        names = names.split() if isinstance(names, str) else list(names)
        flags = [int(flag) for flag in attributes.get("flag_values", ())]
        return dict(zip(flags, names, strict=False))

    @cached_property
    def margins(self) -> NDArray[Any] | None:
        """How far each minimum is from another motif, 0 to 1."""
        return self._values("motif_margin")

    @cached_property
    def family_codes(self) -> NDArray[Any] | None:
        """Family of each configuration, 0 for noise."""
        return self._values("family")

    def places(self, of: str) -> NDArray[Any] | None:
        """Places in the chart of the "thermal" configurations, or of the "inherent" structures."""
        return self._values({"thermal": "chart", "inherent": "inherent_chart"}[of])

    def descriptors(self) -> Iterator[tuple[str, str, str, NDArray[Any]]]:
        """Name, unit, description and values of the numbers that describe each minimum."""
        for key in map(str, self.dataset.data_vars):
            variable = self.dataset[key]
            described = key.startswith(("defect_", "motif_"))
            if not described or variable.dims != ("frame", "replica"):
                continue
            values = self._values(key)
            if values is not None:
                unit = str(variable.attrs.get("units", ""))
                text = str(variable.attrs.get("long_name", ""))
                name = key.removeprefix("defect_").replace("_", " ")
                yield name, "" if unit == "1" else unit, text, values

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
        index = self._values("start_motif")
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
        step = self._values("step")
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
