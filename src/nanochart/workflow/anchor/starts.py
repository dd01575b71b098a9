"""The lowest minima of each motif that are known of a cluster."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from nanochart.clusters import known_minima_of
from nanochart.landscape import principal_radii
from nanochart.minimization import quench
from nanochart.motifs import LABELS
from nanochart.potentials import Potential
from nanochart.search import Catalogue
from nanochart.store import Run
from nanochart.tempering import motifs_of

__all__ = ["lowest_minima", "minima_of_run", "tight"]

Floats = NDArray[np.float64]

#: Frames whose minima are looked at together.
_AT_ONCE = 512
#: As tight as vibrations need it.
_MAX_FORCE = 1e-5


def lowest_minima(
    runs: Sequence[Run], potential: Potential, motifs: Sequence[str] | None, room: int
) -> dict[str, Catalogue]:
    """The lowest distinct minima of each motif, from runs and from those that are shipped.

    Parameters
    ----------
    runs
        Of one cluster, quenched.
    potential
        Their potential.
    motifs
        Motifs that are looked for; None is all that occur, but amorphous ones.
    room
        Number of minima that are kept of each.
    """
    wanted = [m for m in LABELS if (m != "amorphous" if motifs is None else m in motifs)]
    found = dict.fromkeys(wanted, Catalogue.empty())
    for run in runs:
        _add_run(found, run, potential, room)
    for motif, minimum in known_minima_of(potential, runs[0].metadata.n_atoms).items():
        if motif in found:
            x, energies, _ = tight(minimum.positions[None], potential)
            found[motif] = _with(found[motif], x, energies, room)
    return {motif: each for motif, each in found.items() if len(each)}


def minima_of_run(run: Run, potential: Potential, starts: Iterable[Floats], room: int) -> Catalogue:
    """The lowest distinct minima of a run that keeps to one motif, and of where it started."""
    found: dict[str, Catalogue] = {"": Catalogue.empty()}
    _add_run(found, run, potential, room, one="")
    x, energies, converged = tight(np.array(list(starts)), potential)
    return _with(found[""], x[converged], energies[converged], room)


def tight(positions: Floats, potential: Potential) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Minima that are quenched further, their energies, and which of them converged."""
    done = quench(positions, potential, _MAX_FORCE)
    return done.positions, done.energies, done.converged


def _with(known: Catalogue, positions: Floats, energies: Floats, room: int) -> Catalogue:
    for x, energy in zip(positions, energies, strict=True):
        radii = principal_radii(x)
        if known.find(float(energy), radii) < 0:
            known = known.with_minimum(float(energy), radii, x, 0, room)
    return known


def _add_run(
    found: dict[str, Catalogue],
    run: Run,
    potential: Potential,
    room: int,
    one: str | None = None,
) -> None:
    """Take up the minima of a run, each under its motif, or all under ``one``."""
    for first in range(0, run.committed("quench"), _AT_ONCE):
        frames = run.frames(first, min(first + _AT_ONCE, run.committed("quench")))
        energies = frames.inherent.energies.ravel()
        good = frames.inherent.converged.ravel() & np.isfinite(energies)
        highest = {m: _limit(c, room) for m, c in found.items()}
        top = max(highest.values())
        worth = np.flatnonzero(good & (energies < top))
        worth = worth[np.argsort(energies[worth], kind="stable")]
        # Frames of one minimum come in numbers: the first of each energy stands for them.
        distinct = worth[np.unique(np.round(energies[worth], 4), return_index=True)[1]]
        if not distinct.size:
            continue
        shape = frames.inherent.positions.shape
        loose = frames.inherent.positions.reshape(-1, *shape[2:])[distinct]
        x, energies, converged = tight(loose, potential)
        x, energies = x[converged], energies[converged]
        # A frame's own label may be that of where a looser quench ended, on the way to another.
        motifs = np.full(len(x), one) if one is not None else motifs_of(potential, x)
        for motif in np.unique(motifs):
            if motif in found:
                of = motifs == motif
                found[motif] = _with(found[motif], x[of], energies[of], room)


def _limit(known: Catalogue, room: int) -> float:
    return float(known.energies[-1]) if len(known) >= room else np.inf
