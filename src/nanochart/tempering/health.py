"""Whether a replica is still a cluster at its temperature."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.special import gammainccinv

from nanochart.dynamics import Langevin, Samples, State
from nanochart.errors import DynamicsError
from nanochart.potentials import Potential, interaction_range
from nanochart.units import BOLTZMANN

__all__ = ["ReplicaError", "check_health", "largest_fragment"]

Floats = NDArray[np.float64]

#: A kinetic energy that equilibrium exceeds with this probability is no fluctuation: not one such
#: sample would be drawn in all simulations ever run.
_IMPOSSIBLE = 1e-30
#: Radius of gyration, in units of a compact sphere's, below which no cluster is in pieces: two
#: halves that touch have 1.29, compact structures 0.9 to 1.0, hot liquids 1.1.
_COMPACT = 1.2


class ReplicaError(DynamicsError):
    """One replica of a ladder left the physical region; the sentence names it.

    Attributes
    ----------
    replica, rung
        Numbers of the replica and of the rung that it stood on.
    state
        State of the replica before the round that it did not survive.
    """

    def __init__(self, sentence: str, replica: int, rung: int, state: State) -> None:
        super().__init__(sentence)
        self.replica = replica
        self.rung = rung
        self.state = state


def check_health(
    state: State, samples: Samples, potential: Potential, dynamics: Langevin, sample_every: int
) -> None:
    r"""Refuse samples that are no equilibrium cluster: too hot by far, or evaporated for good.

    In equilibrium :math:`K / k_B T` follows the gamma distribution of shape :math:`3N/2`, whatever
    the potential. A cluster has evaporated for good when its largest fragment (atoms connected by
    distances below the cut-off) holds less than half of the atoms; single atoms that leave and
    come back are part of the ensemble.

    Parameters
    ----------
    state
        Before the segment.
    samples
        Of the segment, every ``sample_every`` steps.
    potential, dynamics
        Of the segment. Without friction there is no thermostat, and the kinetic energy is free.

    Raises
    ------
    DynamicsError
        Names temperature, step, cause and remedy.
    """
    n_atoms = state.positions.shape[1]
    reach = interaction_range(potential)
    limit = gammainccinv(1.5 * n_atoms, _IMPOSSIBLE)
    for k, T in enumerate(state.temperatures):
        for sample, kinetic in enumerate(samples.kinetic_energies[:, k]):
            step = int(state.steps[k]) + (sample + 1) * sample_every
            where = f"at {T:g} K after {step} steps of {dynamics.time_step:g} fs"
            # Not "kinetic > limit", which NaN would pass.
            if dynamics.friction > 0 and not kinetic <= limit * BOLTZMANN * T:
                heat = kinetic / (1.5 * n_atoms * BOLTZMANN)
                raise DynamicsError(
                    f"the cluster exploded: its kinetic energy is that of {heat:.3g} K {where} "
                    f"with {potential.name}, because the time step is too long for this "
                    f"temperature; take a shorter time step"
                )
            largest = largest_fragment(
                samples.positions[sample, k], reach, potential.nearest_neighbour
            )
            if 2 * largest < n_atoms:
                raise DynamicsError(
                    f"the cluster evaporated: its largest fragment holds {largest} of {n_atoms} "
                    f"atoms {where} with {potential.name}, because the temperature is above that "
                    f"of boiling in the room there is; take a lower temperature, or a tighter "
                    f"confining sphere"
                )


def largest_fragment(positions: Floats, cutoff: float, nearest_neighbour: float) -> int:
    """Atoms in the largest fragment of (atom, 3) in Å; all of them where the cluster is compact.

    Examples
    --------
    >>> import numpy as np
    >>> from nanochart.tempering.health import largest_fragment
    >>> largest_fragment(np.diag([0.0, 20.0, 40.0]), 5.0, 2.9)
    1
    """
    n = len(positions)
    centred = positions - positions.mean(axis=0)
    gyration = math.sqrt(float(np.einsum("ij,ij->", centred, centred)) / n)
    # Radius of a sphere with the volume of n atoms in a close-packed crystal.
    sphere = nearest_neighbour * (3 * n / (4 * math.pi * math.sqrt(2.0))) ** (1 / 3)
    if gyration < _COMPACT * math.sqrt(0.6) * sphere:
        return n
    pairs = cKDTree(positions).query_pairs(cutoff, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    return int(np.bincount(labels).max())
