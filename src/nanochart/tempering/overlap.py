"""Whether neighbouring rungs share energies, without which their free energies are unrelated."""

import numpy as np
from numpy.typing import NDArray

from nanochart.tempering.ladder import Ladder
from nanochart.tempering.tuning import mean_acceptance
from nanochart.units import kelvin, kelvin_range

__all__ = ["check_overlap"]

#: Expected acceptance below which a pair is named.
_POOR = 0.03
#: Samples of a rung that are compared; the acceptance needs no more digits.
_COMPARED = 500


def check_overlap(
    energies: NDArray[np.float64], rungs: NDArray[np.int64], ladder: Ladder, n_mapped: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64], tuple[str, ...]]:
    """Say which rungs have energies in common.

    Parameters
    ----------
    energies, rungs
        (frame, replica), eV and places in the ladder.
    ladder
        Temperatures.
    n_mapped
        Number of the lowest pairs, which exchange whether or not they overlap.

    Returns
    -------
    acceptance, groups, warnings
        Expected acceptance of a plain exchange of each pair (pair,), the group of each rung (rung,)
        from 0, and a sentence that names pairs that overlap poorly. Neighbours of one group
        overlap; a mapped pair that does not parts two groups.

    Raises
    ------
    ValueError
        Where a pair that exchanges plainly would not accept one exchange among as many as there
        are frames.
    """
    T = ladder.temperatures
    at = [_spread(energies[rungs == k]) for k in range(len(T))]
    found = [mean_acceptance(at[k], at[k + 1], T[k], T[k + 1]) for k in range(len(T) - 1)]
    acceptance = np.array(found)
    apart = (acceptance < _POOR) & (np.arange(len(acceptance)) < n_mapped)
    groups = np.concatenate([[0], np.cumsum(apart)])
    joined = np.where(apart, 1.0, acceptance)
    k = int(np.argmin(joined))
    if joined[k] * len(energies) < 1.0:
        raise ValueError(
            f"the ladder does not overlap between {kelvin(T[k])} and {kelvin(T[k + 1])} K "
            f"(expected acceptance {acceptance[k]:.1e}), so nothing relates what is below to "
            "what is above: place temperatures between them"
        )
    poor = np.flatnonzero(joined < _POOR)
    if not poor.size:
        return acceptance, groups, ()
    pairs = ", ".join(kelvin_range(T[k], T[k + 1]) for k in poor)
    sentence = (
        f"poor overlap: exchanges are accepted with less than {100 * _POOR:.0f} % between {pairs}; "
        "place temperatures between them"
    )
    return acceptance, groups, (sentence,)


def _spread(energies: NDArray[np.float64]) -> NDArray[np.float64]:
    places = np.unique(np.linspace(0, len(energies) - 1, _COMPARED).astype(int))
    return np.asarray(energies[places])
