"""A bias as it stands, at any configuration: what another engine adds to its forces."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing.bias import Bias
from nanochart.biasing.cv import CVs
from nanochart.biasing.kernels_frames import bias_of_frames
from nanochart.dynamics import Langevin, confined_forces
from nanochart.potentials import Potential, check_positions

__all__ = ["FrozenBias"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FrozenBias:
    r"""V(s(x)) and :math:`-\sum_a \frac{\partial V}{\partial s_a} \nabla s_a`, V fixed.

    Attributes
    ----------
    cvs, bias
        Compiled variables s, and V.
    step
        Step of the dynamics that a moving restraint is taken at.
    potential, dynamics
        What the potential energy is computed with, where that is a variable, the confining sphere
        included; otherwise they are not asked.
    """

    cvs: CVs
    bias: Bias
    step: int
    potential: Potential
    dynamics: Langevin

    def __call__(self, positions: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Evaluate the bias at positions (..., atom, 3) in Å.

        Returns
        -------
        energies
            (...) in eV.
        forces
            (..., atom, 3) in eV/Å, of the bias alone.
        values
            (..., m) of the variables.

        Raises
        ------
        ValueError, DynamicsError
            If positions are not finite, or a variable has no value, as off the grid of the RDF.
        """
        x = np.array(check_positions(positions), dtype=np.float64, order="C")
        frames = x.reshape(-1, *x.shape[-2:])
        E, F = np.zeros(len(frames)), np.zeros_like(frames)
        if self.cvs.needs_energy:
            E, F = confined_forces(frames, self.potential, self.dynamics)
        values = np.empty((len(frames), len(self.cvs)))
        energies, forces = np.empty(len(frames)), np.empty_like(frames)
        bad = bias_of_frames(
            self.cvs.tables, self.bias.tables, self.step, frames, E, F, values, energies, forces
        )
        self.cvs.check(bad)
        lead = x.shape[:-2]
        return energies.reshape(lead)[()], forces.reshape(x.shape), values.reshape(*lead, -1)
