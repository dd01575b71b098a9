"""The lowest minima known of the published systems, motif by motif."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np

from nanochart.clusters.template import Array
from nanochart.metals import element
from nanochart.potentials import (
    GUPTA_PARAMETERS,
    Potential,
    describe,
    gupta,
    is_described_by,
)
from nanochart.shown import short_repr

__all__ = ["KnownMinimum", "above_known", "known_minima", "known_minima_of"]

#: Int32 numbers in units of 1e-4 Å, of each cluster and motif, as "Au147-dh".
_FILE, _UNIT = "lowest.npz", 1e-4
#: By how much in eV a known minimum must lie lower to be another one.
_LOWER = 1e-3


@short_repr
@dataclass(frozen=True)
class KnownMinimum:
    """A minimum with the Gupta potential: ``energy`` in eV, ``positions`` (atom, 3) in Å."""

    energy: float
    positions: Array


@cache
def _all() -> dict[str, tuple[float, Array]]:
    with (
        as_file(files("nanochart.clusters") / _FILE) as path,
        np.load(path, allow_pickle=False) as data,
    ):
        return {
            name: (float(energy), _UNIT * data[name].astype(np.float64))
            for name, energy in zip(data["names"].tolist(), data["energies"], strict=True)
        }


def known_minima(metal: str, n: int) -> dict[str, KnownMinimum]:
    """The lowest minimum known of each motif, with the Gupta potential.

    They are those of searches by `nanochart.search`, from built and from random starts, for Au90,
    Au147, Ag147 and Cu147. Positions are rounded to 1e-4 Å. Nothing says that there is no lower
    one.

    Parameters
    ----------
    metal
        Chemical symbol of the metal.
    n
        Number of atoms.

    Returns
    -------
    dict of str to KnownMinimum
        By motif, as `nanochart.motifs.classify` names it, the lowest first; empty where no search
        is on record.

    Examples
    --------
    >>> import nanochart as nc
    >>> known = nc.clusters.known_minima("Au", 147)
    >>> {motif: round(found.energy, 3) for motif, found in known.items()}["ih"]
    -531.857
    """
    prefix = f"{element(metal).symbol}{n}-"
    found = {
        name.removeprefix(prefix): KnownMinimum(energy, positions.copy())
        for name, (energy, positions) in _all().items()
        if name.startswith(prefix)
    }
    return dict(sorted(found.items(), key=lambda item: item[1].energy))


def known_minima_of(potential: Potential, n: int) -> dict[str, KnownMinimum]:
    """The lowest minima known with a potential: `known_minima`, or none if it is another one.

    Parameters
    ----------
    potential
        Potential of one metal.
    n
        Number of atoms.
    """
    symbol = potential.symbol
    if symbol not in GUPTA_PARAMETERS or not is_described_by(potential, describe(gupta(symbol))):
        return {}
    return known_minima(symbol, n)


def above_known(motif: str, energy: float, potential: Potential, n: int) -> float:
    """By how many eV a minimum lies above the lowest known of its motif; 0 where none is lower.

    Parameters
    ----------
    motif
        As `nanochart.motifs.classify` names it.
    energy
        Of the minimum in eV.
    potential
        Potential of the minimum.
    n
        Number of atoms.
    """
    known = known_minima_of(potential, n).get(motif)
    if known is None or energy - known.energy <= _LOWER:
        return 0.0
    return energy - known.energy
