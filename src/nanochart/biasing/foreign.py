"""The bias of a batch of walkers whose potential is called from Python."""

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing.bias import Bias
from nanochart.biasing.cv import CVs
from nanochart.biasing.kernels_bias import evaluate_bias, restraint_energy

__all__ = ["BatchBias"]

Floats = NDArray[np.float64]


class BatchBias:
    """What `nanochart.biasing.kernels_loop` adds to the compiled loop, for a batch in Python.

    Parameters
    ----------
    cvs, bias
        Variables, and the bias of all walkers.
    stride
        Steps between impulses.
    first
        Steps (walker,) that were taken before.
    work
        (walker,) in eV so far; it is copied.
    """

    def __init__(
        self, cvs: CVs, bias: Bias, stride: int, first: NDArray[np.int64], work: Floats
    ) -> None:
        self.cvs, self.bias, self.stride, self.first = cvs, bias, stride, first
        self.work = work.copy()
        self.values = np.zeros((len(first), len(cvs)))
        self.energies = np.zeros(len(first))
        self.samples: list[tuple[Floats, Floats, Floats]] = []

    def add(self, step: int, positions: Floats, energies: Floats, forces: Floats) -> None:
        """Add the impulse to ``forces`` (walker, atom, 3) where one is due."""
        steps = self.first + step
        if step % self.stride:
            return
        none = np.zeros((len(positions), len(self.cvs)))
        self.values = self.cvs.at(positions, energies, forces, none)[0]
        tables, slopes, centre = self.bias.tables, np.zeros_like(none), np.zeros(len(self.cvs))
        for k, (s, now) in enumerate(zip(self.values, steps, strict=True)):
            if step > 0 and len(tables.knot_steps) > 1:
                # The centre moves first, then the configuration: the work of the protocol.
                before = restraint_energy(tables, s, now - self.stride, centre)
                self.work[k] += restraint_energy(tables, s, now, centre) - before
            self.energies[k] = evaluate_bias(tables, s, now, slopes[k])
        gradients = self.cvs.at(positions, energies, forces, slopes)[1]
        forces -= self.stride * gradients

    def record(self) -> None:
        """Keep what was seen last."""
        self.samples.append((self.values.copy(), self.energies.copy(), self.work.copy()))

    def sampled(self) -> tuple[Floats, Floats, Floats]:
        """Values (sample, walker, m), energies of the bias and work (sample, walker)."""
        values, energies, work = zip(*self.samples, strict=True)
        return np.array(values), np.array(energies), np.array(work)
