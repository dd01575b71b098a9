"""Settings of a search."""

import math
import numbers
from dataclasses import dataclass

from nanochart.motifs import LABELS

__all__ = ["SearchConfig"]

#: Fewest quenches without a lower minimum after which a search ends, and those for each atom.
_PATIENCE, _PATIENCE_PER_ATOM = 1000, 20


@dataclass(frozen=True)
class SearchConfig:
    """How to search, and when to end.

    Parameters
    ----------
    seed
        Of all random numbers.
    n_quenches
        Quenches at most.
    patience
        Quenches without a lower minimum after which the search ends, unless it took more than that
        to find the lowest: then as many again. None is 1000, or 20 for each atom if that is more.
    target
        Energy in eV with which the search ends at once; None is none.
    keep
        Distinct minima to return, the lowest.
    motif
        Motif, one of `nanochart.motifs.LABELS`, of which alone minima are wanted; None is any.
    n_walkers
        Walkers, which know of each other's minima.
    walker_patience
        Hops without a lower minimum of its own after which a walker begins anew.
    temperature
        Of the walkers' Metropolis rule and of hot dynamics, in K; None takes 3 % of the energy of
        an atom, which is about twice a metal cluster's melting temperature.
    penalty
        Added to the energy of a minimum for each visit before, in units of kT.
    max_force
        Target of the quenches in eV/Å. What is returned is quenched to 1e-5 eV/Å.
    """

    seed: int = 0
    n_quenches: int = 20_000
    patience: int | None = None
    target: float | None = None
    keep: int = 200
    motif: str | None = None
    n_walkers: int = 4
    walker_patience: int = 60
    temperature: float | None = None
    penalty: float = 0.1
    max_force: float = 1e-3

    def __post_init__(self) -> None:
        for name in ("n_quenches", "keep", "n_walkers", "walker_patience"):
            value = getattr(self, name)
            if not isinstance(value, numbers.Integral) or value < 1:
                raise ValueError(
                    f"{name} of a search must be an integer of 1 or more; got {value!r}"
                )
        if not isinstance(self.seed, numbers.Integral) or self.seed < 0:
            raise ValueError(
                f"the seed of a search must be an integer of 0 or more; got {self.seed!r}"
            )
        if self.patience is not None and not self.patience >= 1:
            raise ValueError(f"patience of a search must be 1 or more; got {self.patience!r}")
        for name, unit, least in (("temperature", "K", 0.0), ("max_force", "eV/Å", 0.0)):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > least):
                raise ValueError(
                    f"{name} of a search must be a number above 0 {unit}; got {value!r}"
                )
        if not (math.isfinite(self.penalty) and self.penalty >= 0):
            raise ValueError(f"penalty of a search must be 0 kT or more; got {self.penalty!r}")
        if self.motif is not None and self.motif not in LABELS:
            raise ValueError(
                f"motif of a search must be one of {', '.join(LABELS)}; got {self.motif!r}"
            )

    def longest_wait(self, n_atoms: int, found_after: int) -> int:
        """Quenches to wait for a lower minimum than one that was found after so many."""
        own = self.patience
        if own is None:
            own = max(_PATIENCE, _PATIENCE_PER_ATOM * n_atoms)
        return max(own, found_after)
