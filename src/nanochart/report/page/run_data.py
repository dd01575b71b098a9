"""What a run holds, asked once and without assuming that a stage has run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nanochart.metals import NEAREST_NEIGHBOUR
from nanochart.motifs import DESCRIPTORS
from nanochart.report.page.run_results import RunResults
from nanochart.report.structures.views import nearest_distance
from nanochart.store import Frames, Metadata

__all__ = ["RunData"]


@dataclass(frozen=True, eq=False)
class RunData:
    """Frames of a run with its facts, and what was found of them.

    Stages count as far as they have come: what they have not reached is NaN or -1, and what was
    never written at all is None.

    Attributes
    ----------
    frames
        As a run gives them; positions are read only for the structures that are drawn.
    metadata
        Of the run.
    results
        What was found.
    """

    frames: Frames
    metadata: Metadata
    results: RunResults = field(default_factory=RunResults)

    @cached_property
    def _so_far(self) -> Frames:
        return self.frames.so_far

    @property
    def element(self) -> str:
        """Chemical symbol."""
        return self.metadata.element

    @property
    def n_atoms(self) -> int:
        """Atoms of the cluster."""
        return self.metadata.n_atoms

    @property
    def system(self) -> str:
        """Name of the system, as Au147."""
        return f"{self.element}{self.n_atoms}"

    @property
    def n_frames(self) -> int:
        """Stored frames."""
        return len(self.frames)

    @property
    def n_replicas(self) -> int:
        """Trajectories: replicas, or walkers of a biased run."""
        return self.metadata.n_replicas

    @property
    def trajectory(self) -> str:
        """What a trajectory is called: a walker of a biased run, a replica of any other."""
        return "replica" if self.results.bias is None else "walker"

    @property
    def trajectories(self) -> str:
        """How many there are, in words."""
        return f"{self.n_replicas} {self.trajectory}{'' if self.n_replicas == 1 else 's'}"

    @property
    def is_imported(self) -> bool:
        """Whether another program sampled the frames."""
        return self.metadata.kind == "imported"

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
        return self.frames.thermal.energies

    @cached_property
    def inherent_energy(self) -> NDArray[Any] | None:
        """Energy of the minimum in eV, shape (frame, replica)."""
        if not self._so_far.has("quench"):
            return None
        energies = self._so_far.inherent.energies
        return energies if np.isfinite(energies).any() else None

    @cached_property
    def temperature(self) -> NDArray[Any] | None:
        """Temperature in K, shape (frame, replica)."""
        return self.frames.thermal.temperatures

    @cached_property
    def ladder(self) -> NDArray[Any] | None:
        """Temperatures of the ladder in K, rising."""
        return self.frames.ladder

    @cached_property
    def variables(self) -> NDArray[Any] | None:
        """Collective variables of a biased run, shape (frame, replica, variable)."""
        return self.frames.biased.variables if self.metadata.kind == "biased" else None

    @cached_property
    def converged(self) -> NDArray[Any] | None:
        """Outcome of each quench: -1 none, 0 not converged, 1 converged."""
        if self.inherent_energy is None:
            return None
        done = np.isfinite(self.inherent_energy)
        return np.where(done, self._so_far.inherent.converged.astype(int), -1)

    @cached_property
    def evaluations(self) -> NDArray[Any] | None:
        """Force evaluations of each quench, -1 where there was none."""
        return None if self.inherent_energy is None else self._so_far.inherent.evaluations

    @cached_property
    def motif_codes(self) -> NDArray[Any] | None:
        """Motif of each minimum, -1 where it has none."""
        return self._codes("label")

    @cached_property
    def motif_names(self) -> dict[int, str]:
        """Code of a motif -> name, as the run has them."""
        return dict(enumerate(self._so_far.motifs.names))

    @cached_property
    def margins(self) -> NDArray[Any] | None:
        """How far each minimum is from another motif, 0 to 1."""
        return None if self.motif_codes is None else self._so_far.margins

    @cached_property
    def family_codes(self) -> NDArray[Any] | None:
        """Family of each configuration, 0 for noise."""
        return self._codes("families")

    def _codes(self, stage: Literal["label", "families"]) -> NDArray[Any] | None:
        if not self._so_far.has(stage):
            return None
        codes = (self._so_far.motifs if stage == "label" else self._so_far.families).codes
        return codes if (codes >= 0).any() else None

    def places(self, of: Literal["thermal", "inherent"]) -> NDArray[Any] | None:
        """Places in the chart of the "thermal" configurations, or of the "inherent" structures."""
        if of not in self._so_far.charted:
            return None
        places = self._so_far.chart(of).coordinates
        return places if np.isfinite(places).any() else None

    def descriptors(self) -> Iterator[tuple[str, str, str, NDArray[Any]]]:
        """Name, unit, description and values of the numbers that describe each minimum."""
        if self.motif_codes is None:
            return
        if self.margins is not None:
            yield "motif margin", "", "how far from another motif, 0 to 1", self.margins
        for name, values in self._so_far.defects.items():
            about = DESCRIPTORS.get(name)
            if about is not None and np.isfinite(values).any():
                unit = "" if about.unit == "1" else about.unit
                yield name.replace("_", " "), unit, about.description, values

    @cached_property
    def reference(self) -> float:
        """Energy in eV that the figures call zero: the lowest minimum found, 0 where none is."""
        if self.inherent_energy is None:
            return 0.0
        return float(np.nanmin(self.inherent_energy))

    @property
    def references(self) -> Mapping[str, float]:
        """Named energies in eV of known structures."""
        return self.results.references

    @property
    def motifs(self) -> tuple[str, ...]:
        """Start motif of each trajectory; empty where unknown."""
        given = self.metadata.start_motifs
        return given if len(given) == self.n_replicas else ()

    @property
    def time_step(self) -> float | None:
        """Time step in fs; None where it is not known."""
        return self.metadata.time_step

    @cached_property
    def time(self) -> tuple[NDArray[Any], str]:
        """Time of each frame with its unit: ns, else 10⁶ steps, else stored frames."""
        step = self.frames.thermal.steps
        if step is None:
            return np.arange(self.n_frames, dtype=float), "stored frames"
        if self.time_step is None:
            return step * 1e-6, "10⁶ steps"
        return step * self.time_step * 1e-6, "ns"

    @cached_property
    def sampled_time(self) -> float | None:
        """Length of all trajectories together, in ns; None where unknown."""
        time, unit = self.time
        return float(time[-1] * self.n_replicas) if unit == "ns" and time.size else None

    def paired(self, energies: NDArray[Any]) -> bool:
        """Whether any configuration has both this energy and a temperature."""
        if self.temperature is None:
            return False
        return bool((np.isfinite(energies) & np.isfinite(self.temperature)).any())

    def lowest(self, mask: NDArray[Any] | None = None) -> tuple[int, int] | None:
        """Frame and replica of the lowest minimum, where ``mask`` allows it; None where none is."""
        if self.inherent_energy is None:
            return None
        energies = np.where(np.isfinite(self.inherent_energy), self.inherent_energy, np.inf)
        if mask is not None:
            energies = np.where(mask, energies, np.inf)
        frame, replica = np.unravel_index(int(np.argmin(energies)), energies.shape)
        return (int(frame), int(replica)) if np.isfinite(energies[frame, replica]) else None

    def structure(self, frame: int, replica: int) -> NDArray[Any] | None:
        """Positions of a minimum in Å, shape (atom, 3); None where it is not quenched."""
        if not self._so_far.has("quench"):
            return None
        index = np.array([frame * self.n_replicas + replica])
        positions = self._so_far.inherent.structures(index)[0]
        return positions if np.isfinite(positions).all() else None
