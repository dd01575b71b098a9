"""Anchored free energies of the motifs of a cluster, and their numbers as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.free_energy import (
    AnchoredMotif,
    anchored_differences,
    anchored_populations,
    joined_answers,
    populations_of_differences,
)
from nanochart.output import write_csv, write_json
from nanochart.report import AnchoredNumbers
from nanochart.shown import short_repr
from nanochart.statistics import Estimate
from nanochart.units import BOLTZMANN, kelvin

__all__ = ["Anchored", "MotifLadder", "anchor_summary", "write_anchor"]

Floats = NDArray[np.float64]


@short_repr
@dataclass(frozen=True, eq=False)
class MotifLadder:
    """The ladder of one motif.

    Attributes
    ----------
    run
        Folder of its run.
    verdict
        Whether the ladder is mixed, in a sentence.
    lowest
        Energy in eV of its lowest minimum.
    independent
        Frames at each rung that are independent, (rung,); NaN where it cannot be told.
    inefficiency
        Frames for each independent one at each rung, (rung,).
    found
        What follows.
    """

    run: str
    verdict: str
    lowest: float
    independent: Floats
    inefficiency: Floats
    found: AnchoredMotif


@short_repr
@dataclass(frozen=True, eq=False)
class Anchored:
    """Free energies of motifs, anchored near 0 K.

    Attributes
    ----------
    temperatures
        Of the rungs in K, (rung,).
    ladders
        Of each motif.
    hotter
        Temperatures in K above these to which the ladder of the run that it was made for goes.
    compared
        By that ladder, the free energy of each motif but the first less that of the first, in eV at
        the rungs and at the hotter temperatures (temperature,); unknown where it does not tell.
    """

    temperatures: Floats
    ladders: Mapping[str, MotifLadder]
    hotter: Floats
    compared: Mapping[str, Estimate]

    @property
    def motifs(self) -> dict[str, AnchoredMotif]:
        """What is found of each motif."""
        return {name: each.found for name, each in self.ladders.items()}

    def differences(self, *, quantum: bool = False) -> dict[str, Estimate]:
        """Free energy of each motif but the first less that of the first, in eV, each (rung,)."""
        first, *others = self.ladders
        pairs = [(first, other) for other in others]
        found = anchored_differences(self.motifs, pairs, quantum=quantum)
        return dict(zip(others, found, strict=True))

    @property
    def joined(self) -> dict[str, Estimate]:
        """Differences by anchors and by the ladder of the run, joined, at all temperatures.

        Each (temperature,), at the rungs and at the hotter temperatures, as `joined_answers`.
        """
        nothing = Estimate.unknown(np.zeros(len(self.hotter)), "it is hotter than the anchored")
        return {
            name: joined_answers(Estimate.joined([found, nothing]), self.compared[name])
            for name, found in self.differences().items()
        }

    def populations(self, *, quantum: bool = False) -> dict[str, Estimate]:
        """Share of each motif among these, each (rung,)."""
        return anchored_populations(self.motifs, quantum=quantum)

    @property
    def joined_populations(self) -> dict[str, Estimate]:
        """Share of each motif among these from the joined differences, each (temperature,)."""
        T = np.concatenate([self.temperatures, self.hotter])
        return populations_of_differences(self.joined, next(iter(self.ladders)), T)

    @property
    def harmonic(self) -> dict[str, Floats]:
        """Share of each motif by the harmonic superposition of the minima that are known."""
        logs = np.array([each.log_harmonic for each in self.motifs.values()])
        weights = np.exp(logs - logs.max(axis=0))
        return dict(zip(self.motifs, weights / weights.sum(axis=0), strict=True))

    @property
    def numbers(self) -> AnchoredNumbers:
        """What figures and the report show."""
        return AnchoredNumbers(
            self.temperatures, next(iter(self.ladders)), self.differences(),
            self.joined_populations, self.harmonic, self.hotter, self.compared, self.joined,
            self.warnings,
        )  # fmt: skip

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not known, and where two answers differ."""
        found = []
        for name, ladder in self.ladders.items():
            lacking = self.temperatures[~np.asarray(ladder.found.log_partition.known)]
            if lacking.size:
                found.append(
                    f"the free energy of {name} is unknown from {kelvin(lacking[0])} to "
                    f"{kelvin(lacking[-1])} K: {ladder.found.log_partition.reason}"
                )
        joined = self.joined
        for name, difference in self.differences().items():
            other = self.compared[name][: len(self.temperatures)]
            both = np.asarray(difference.known) & np.asarray(other.known)
            apart = np.flatnonzero(both & ~np.asarray(joined[name].known)[: len(both)])
            if apart.size:
                gap = np.abs(difference.value - other.value)[apart]
                sigma = gap / np.hypot(difference.error, other.error)[apart]
                worst = int(np.argmax(sigma))
                k = int(apart[worst])
                T = self.temperatures[k]
                kT = BOLTZMANN * T
                found.append(
                    f"the free energy of {name} is {difference.value[k] / kT:.2f} kT by its anchor "
                    f"and {other.value[k] / kT:.2f} kT by the ladder at {kelvin(T)} K, "
                    f"{sigma[worst]:.1f} standard errors apart: one of both has not seen what "
                    "there is"
                )
        return tuple(found)


def anchor_summary(result: Anchored) -> dict[str, Any]:
    """All numbers as plain JSON values; None where nothing is known."""
    first = next(iter(result.ladders))
    differences, joined = result.differences(), result.joined
    return {
        "units": {"temperature": "K", "free_energy": "eV"},
        "interval": 0.95,
        "temperatures": result.temperatures.tolist(),
        "hotter": result.hotter.tolist(),
        "reference": first,
        "motifs": {
            name: {
                "run": each.run,
                "verdict": each.verdict,
                "lowest_energy": each.lowest,
                "anchored_in_minima": each.found.n_anchors,
                "superposed_minima": each.found.n_minima,
                "log_partition": each.found.log_partition.summary(),
                "log_quantum": each.found.log_quantum.tolist(),
                "log_harmonic": each.found.log_harmonic.tolist(),
                "overlap": each.found.overlap.tolist(),
                "independent_frames": each.independent.tolist(),
                "frames_per_independent": each.inefficiency.tolist(),
            }
            for name, each in result.ladders.items()
        },
        "free_energy_differences": [
            {
                "from": first,
                "to": name,
                "anchored": found.summary(),
                "ladder": result.compared[name].summary(),
                "joined": joined[name].summary(),
            }
            for name, found in differences.items()
        ],
        "populations": {
            "classical": {n: p.summary() for n, p in result.populations().items()},
            "quantum": {n: p.summary() for n, p in result.populations(quantum=True).items()},
            "joined": {n: p.summary() for n, p in result.joined_populations.items()},
            "harmonic": {n: p.tolist() for n, p in result.harmonic.items()},
        },
        "warnings": list(result.warnings),
    }


def write_anchor(result: Anchored, folder: Any) -> tuple[Any, Any]:
    """Write ``anchor.json`` (all numbers) and ``anchor.csv`` (a line per temperature)."""
    first = next(iter(result.ladders))
    columns: dict[str, Estimate] = {}
    for name, found in result.differences().items():
        columns[f"free energy of {name} minus {first} (eV)"] = found
    for name, found in result.populations().items():
        columns[f"population of {name}"] = found
    for name, found in result.populations(quantum=True).items():
        columns[f"quantum population of {name}"] = found
    header = [f"{name}{part}" for name in columns for part in ("", " low", " high")]
    header += [f"harmonic population of {name}" for name in result.harmonic]
    parts = [e.summary()[part] for e in columns.values() for part in ("value", "low", "high")]
    parts += [p.tolist() for p in result.harmonic.values()]
    rows = zip(result.temperatures.tolist(), *parts, strict=True)
    numbers = write_json(folder / "anchor.json", anchor_summary(result))
    return numbers, write_csv(folder / "anchor.csv", ["temperature (K)", *header], rows)
