"""How warm structures look, whatever potential made them."""

from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from nanochart.minimization import quench
from nanochart.potentials import GUPTA_PARAMETERS, EmbeddedAtom, gupta
from nanochart.units import BOLTZMANN

__all__ = ["apparent_temperature"]

Floats = NDArray[np.float64]

#: Metal whose potential is asked about a metal that has none here.
_ELSE = "Cu"
#: Sizes that are tried, around the one whose mean bond is the nearest-neighbour distance of the
#: bulk: clusters are contracted by up to 5 %.
_SIZES = np.linspace(0.92, 1.04, 13)
#: Force evaluations of the relaxation. Stiff motion is gone after these, while a minimum that is
#: none of this potential has hardly begun to leave for another.
_EVALUATIONS = 15
#: Largest force that is left, eV/Å.
_MAX_FORCE = 1e-3


def apparent_temperature(
    frames: Floats, metal: str, cutoff: float, executor: Executor | None = None
) -> Floats:
    r"""Temperature in K whose motion a short relaxation takes out of each structure.

    .. math:: T = \frac{2}{(3N - 6) k_B} \left[ \min_\lambda E(\lambda x) - E(x') \right]

    with x' the structure of the best size relaxed for a few steps, by the Gupta potential of the
    metal or that of copper. In a harmonic basin it is the temperature of the frame. A minimum of
    another potential differs from one of this potential by its size, which costs nothing here, and
    by strains that are small beside thermal motion: minima of six metals by effective-medium theory
    have 0 to 40 K where they are ordered and mostly below 60 K where they are not.

    Parameters
    ----------
    frames
        (frame, atom, 3) in Å.
    metal
        Chemical symbol of the metal.
    cutoff
        Bonding distance of the metal in Å.
    executor
        Where frames run.
    """
    potential = gupta(metal if metal in GUPTA_PARAMETERS else _ELSE)
    n = frames.shape[1]
    best = np.stack([_best_size(x, potential, cutoff) for x in frames])
    relaxed = quench(best, potential, _MAX_FORCE, _EVALUATIONS, executor=executor)
    released = np.asarray(potential.energy(best)) - relaxed.energies
    return np.asarray(2.0 * released / (BOLTZMANN * max(3 * n - 6, 1)))


def _best_size(x: Floats, potential: EmbeddedAtom, cutoff: float) -> Floats:
    """The structure at the size of its lowest energy, by a parabola through the three best."""
    distances = pdist(x)
    sizes = _SIZES * (potential.nearest_neighbour / distances[distances <= cutoff].mean())
    E = potential.energy(sizes[:, None, None] * x)
    k = int(np.clip(np.argmin(E), 1, len(sizes) - 2))
    a, b, _ = np.polyfit(sizes[k - 1 : k + 2] - sizes[k], E[k - 1 : k + 2], 2)
    size = sizes[k] - b / (2.0 * a) if a > 0.0 else sizes[k]
    return np.asarray(np.clip(size, sizes[k - 1], sizes[k + 1]) * x)
