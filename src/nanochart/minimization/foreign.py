"""The minimization of the kernels, with a potential that is called from Python."""

import numpy as np
from numpy.typing import NDArray

from nanochart.minimization.kernels import CONVERGED, EXHAUSTED
from nanochart.potentials import Potential, energies_and_forces

__all__ = ["minimize_called"]

Floats = NDArray[np.float64]

_MEMORY = 8
_TRIES = 6


def minimize_called(  # noqa: C901  one loop, as the kernel is
    potential: Potential, start: Floats, max_force: float, max_step: float, max_evaluations: int
) -> tuple[Floats, tuple[float, float, int], int]:
    """Minimize one cluster (atom, 3) by limited-memory BFGS, as the compiled kernel does.

    Returns
    -------
    positions
        (atom, 3) in Å.
    result
        Energy in eV, largest force in eV/Å, evaluations.
    status
        CONVERGED or EXHAUSTED.
    """
    x = start.copy()
    energy, f = _at(potential, x)
    evaluations, status = 1, EXHAUSTED
    pairs: list[tuple[Floats, Floats]] = []  # moves and changes of the gradient, the oldest first
    noise = 1e-13 * (abs(energy) + 1.0)
    while True:
        largest = _largest(f)
        if largest < max_force:
            status = CONVERGED
            break
        if evaluations >= max_evaluations:
            break
        step = _direction(f, pairs)
        if float(np.vdot(step, f)) <= 0.0:
            pairs, step = [], f.copy()
        if not pairs:
            # Without curvature: a tenth of the longest step, along the force.
            step *= 0.1 * max_step / _largest(step)
        shrink = min(1.0, max_step / _largest(step))
        for _ in range(_TRIES):
            trial = x + shrink * step
            found = _tried(potential, trial)
            evaluations += 1
            if found is not None and found[0] <= energy + noise:
                break
            shrink, found = 0.2 * shrink, None
            if evaluations >= max_evaluations:
                break
        if found is None:
            if not pairs:
                break
            pairs = []
            continue
        s, y = trial - x, f - found[1]
        # Negative curvature would make the inverse Hessian indefinite: forget that pair.
        if np.vdot(s, y) > 1e-12 * np.vdot(y, y):
            pairs = [*pairs, (s, y)][-_MEMORY:]
        x, (energy, f) = trial, found
    return x, (energy, _largest(f), evaluations), status


def _at(potential: Potential, x: Floats) -> tuple[float, Floats]:
    energy, forces = energies_and_forces(potential, x)
    return float(energy), forces


def _tried(potential: Potential, x: Floats) -> tuple[float, Floats] | None:
    """None where a step went too far for the potential."""
    try:
        return _at(potential, x)
    except ValueError:
        return None


def _largest(vectors: Floats) -> float:
    return float(np.sqrt((vectors**2).sum(axis=1)).max())


def _direction(f: Floats, pairs: list[tuple[Floats, Floats]]) -> Floats:
    """Two-loop recursion (Nocedal, Math. Comput. 35, 773 (1980)): -H ∇E."""
    step = f.copy()
    kept = []
    for s, y in reversed(pairs):
        rho = 1.0 / np.vdot(s, y)
        alpha = rho * np.vdot(s, step)
        step -= alpha * y
        kept.append((s, y, rho, alpha))
    if pairs:
        s, y = pairs[-1]
        step *= np.vdot(s, y) / np.vdot(y, y)
    for s, y, rho, alpha in reversed(kept):
        step += (alpha - rho * np.vdot(y, step)) * s
    return step
