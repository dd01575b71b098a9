"""The minimization of the kernels, with a potential that is called from Python."""

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from nanochart.minimization.kernels import CONVERGED, EXHAUSTED
from nanochart.potentials import Potential, energies_and_forces

__all__ = ["minimize_called"]

Floats = NDArray[np.float64]
#: Energy and forces, or why there are none.
Answer = tuple[float, Floats] | ValueError

_MEMORY = 8
_TRIES = 6


def minimize_called(
    potential: Potential, starts: Floats, max_force: float, max_step: float, max_evaluations: int
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Minimize clusters (frame, atom, 3), each as alone, and ask the potential for all at once.

    Returns
    -------
    positions
        (frame, atom, 3) in Å.
    results
        Energy in eV, largest force in eV/Å, evaluations, (frame, 3).
    statuses
        CONVERGED or EXHAUSTED, (frame,).

    Raises
    ------
    ValueError, PotentialError
        If the potential has no finite energy or forces where a minimization stands, or fails.
    """
    relaxed, results = starts.copy(), np.zeros((len(starts), 3))
    statuses = np.zeros(len(starts), dtype=np.int64)
    walks = {k: _minimize(x, max_force, max_step, max_evaluations) for k, x in enumerate(starts)}
    asked = {k: next(walk) for k, walk in walks.items()}
    while asked:
        for k, answer in _answers(potential, asked).items():
            try:
                asked[k] = walks[k].send(answer)
            except StopIteration as done:
                relaxed[k], results[k], statuses[k] = done.value
                del asked[k]
    return relaxed, results, statuses


def _answers(potential: Potential, asked: dict[int, Floats]) -> dict[int, Answer]:
    """Energies and forces of some configurations, or the sentence on why one has none."""
    try:
        E, F = energies_and_forces(potential, np.stack(list(asked.values())))
    except ValueError:  # one after another, to tell which it was
        return {k: _answer(potential, x) for k, x in asked.items()}
    return {k: (float(e), f) for k, e, f in zip(asked, E, F, strict=True)}


def _answer(potential: Potential, x: Floats) -> Answer:
    try:
        energy, forces = energies_and_forces(potential, x)
    except ValueError as error:
        return error
    return float(energy), forces


def _minimize(  # noqa: C901  one loop, as the kernel is
    start: Floats, max_force: float, max_step: float, max_evaluations: int
) -> Generator[Floats, Answer, tuple[Floats, tuple[float, float, int], int]]:
    """Minimize one cluster (atom, 3) by limited-memory BFGS, as the compiled kernel does.

    It yields where it asks for energy and forces, and is sent these.
    """
    x = start.copy()
    energy, f = _known((yield x))
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
            answer = yield trial
            evaluations += 1
            # Where there is none, the step went too far for the potential.
            found = None if isinstance(answer, ValueError) else answer
            if found is not None and found[0] <= energy + noise:
                break
            shrink, found = 0.2 * shrink, None
            if evaluations >= max_evaluations:
                break
        if found is None:
            if not pairs:
                if evaluations < max_evaluations:
                    _known(answer)  # where not even the shortest step has an energy
                break
            pairs = []
            continue
        s, y = trial - x, f - found[1]
        # Negative curvature would make the inverse Hessian indefinite: forget that pair.
        if np.vdot(s, y) > 1e-12 * np.vdot(y, y):
            pairs = [*pairs, (s, y)][-_MEMORY:]
        x, (energy, f) = trial, found
    return x, (energy, _largest(f), evaluations), status


def _known(answer: Answer) -> tuple[float, Floats]:
    if isinstance(answer, ValueError):
        raise answer
    return answer


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
