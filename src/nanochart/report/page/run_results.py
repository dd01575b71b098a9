"""What was found of a run, as the report is given it: nothing here or after it computes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import Reconstruction
from nanochart.shown import short_repr
from nanochart.statistics import Estimate
from nanochart.tempering import Exchanges, LadderDiagnostics, LevelMeans, Thermodynamics
from nanochart.units import kelvin, kelvin_range

if TYPE_CHECKING:
    from nanochart.free_energy import FreeEnergies
    from nanochart.report.figures.anchored import AnchoredNumbers

__all__ = ["Bias", "RunResults", "method_words"]


def method_words(method: str | None) -> str:
    """What a bias method is called in a sentence; None is no method."""
    return {None: "plain dynamics", "opes": "OPES"}.get(method, str(method))


def _unknown() -> Estimate:
    return Estimate.unknown(np.empty((0, 0)), "")


@dataclass(frozen=True)
class Bias:
    """What a biased run does.

    Attributes
    ----------
    method
        As in a configuration; None for plain dynamics.
    temperatures
        K; several of a ladder, rising.
    variables, units
        Collective variables.
    starts
        What each walker starts from; empty where it is any frame of the source.
    places
        Points of a steered run, in order; empty otherwise.
    source
        Name of the run whose chart and families it uses.
    """

    method: str | None
    temperatures: tuple[float, ...]
    variables: tuple[str, ...]
    units: tuple[str, ...]
    starts: tuple[str, ...]
    places: tuple[str, ...]
    source: str

    @property
    def at(self) -> str:
        """Its temperature in words, or those between which its walkers exchange."""
        T = self.temperatures
        if len(T) == 1:
            return f"at {kelvin(T[0])} K"
        return f"on a ladder of {len(T)} temperatures, {kelvin_range(T[0], T[-1])}"

    @property
    def started(self) -> str:
        """What its walkers start from in words, each start once."""
        what = ", ".join(dict.fromkeys(self.starts)) or "frames"
        return f"started from {what} of {self.source}"


@short_repr
@dataclass(frozen=True, eq=False)
class RunResults:
    """Results of the stages of a run; what there is none of is None or empty.

    Attributes
    ----------
    ladder
        What the run says of its ladder.
    exchanges
        How replicas, or the walkers of a heated run, exchange.
    verdict
        What the run says of its ladder, in sentences.
    thermodynamics
        Of the ladder, by MBAR.
    no_thermodynamics
        Why there is none, where the run has a ladder.
    energies, inherent_energies
        Means against temperature, thermal and inherent.
    motif_populations, family_populations
        Share of each at each rung, (label, rung); without values where nothing can be said.
    families
        Record of the division into families: of the run, or of the source of a biased run.
    bias
        What a biased run does; None of another.
    free_energies
        Of biased runs along the chart, or a sentence for each that has none yet; None leaves them
        out.
    anchored
        Free energies of motifs from ladders of their own; None where none were computed.
    reconstruction
        RDFs of held-out frames.
    references
        Name -> energy in eV of a known structure.
    planned
        Frames that the run is to have; None where that is not known.
    start_structures
        Name -> positions in Å, (atom, 3).
    config
        Configuration as it was last asked for; one that was resumed may differ from the first.
    path
        Folder of the run, for the commands that are named.
    explorer
        Link to the explorer of the run, where it is written.
    name
        Title of the report.
    wall_time
        Seconds that all took.
    """

    ladder: LadderDiagnostics | None = None
    exchanges: Exchanges | None = None
    verdict: str = ""
    thermodynamics: Thermodynamics | None = None
    no_thermodynamics: str = ""
    energies: LevelMeans | None = None
    inherent_energies: LevelMeans | None = None
    motif_populations: Estimate = field(default_factory=_unknown)
    family_populations: Estimate = field(default_factory=_unknown)
    families: Mapping[str, Any] = field(default_factory=dict)
    bias: Bias | None = None
    free_energies: "Sequence[FreeEnergies | str] | None" = None
    anchored: "AnchoredNumbers | None" = None
    reconstruction: Reconstruction | None = None
    references: Mapping[str, float] = field(default_factory=dict)
    start_structures: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    planned: int | None = None
    path: str = ""
    explorer: str = ""
    name: str = ""
    wall_time: float | None = None
