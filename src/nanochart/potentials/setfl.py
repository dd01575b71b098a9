"""A potential as a setfl table (``eam/alloy``), and the cubics between the knots of one."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanochart.compiled.neighbours import make_workspace
from nanochart.files import write_text
from nanochart.metals import element
from nanochart.potentials import kernels

__all__ = ["hermite_coefficients", "write_setfl"]

Floats = NDArray[np.float64]


def hermite_coefficients(values: Floats) -> Floats:
    """Cubic coefficients (knot, 4) in the fraction of a step, lowest power first.

    Slopes at the knots are five-point central differences, the convention of LAMMPS's EAM, so
    that both evaluate one table alike. The last knot only closes the last interval.
    """
    f = values
    slope = np.empty_like(f)
    slope[2:-2] = ((f[:-4] - f[4:]) + 8.0 * (f[3:-1] - f[1:-3])) / 12.0
    slope[1], slope[-2] = 0.5 * (f[2] - f[0]), 0.5 * (f[-1] - f[-3])
    slope[0], slope[-1] = f[1] - f[0], f[-1] - f[-2]
    rise = np.diff(f)
    coefficients = np.zeros((f.size, 4))
    coefficients[:, 0] = f
    coefficients[:, 1] = slope
    coefficients[:-1, 2] = 3.0 * rise - 2.0 * slope[:-1] - slope[1:]
    coefficients[:-1, 3] = slope[:-1] + slope[1:] - 2.0 * rise
    return coefficients


def write_setfl(
    path: Path,
    model: kernels.Model,
    symbol: str,
    mass: float,
    nearest_neighbour: float,
    comments: tuple[str, str],
    *,
    n_r: int,
    n_rho: int,
) -> None:
    """Tabulate a potential; the file appears whole or not at all."""
    if min(n_r, n_rho) < 100:
        raise ValueError(f"an EAM table needs at least 100 knots; got {n_r} in r, {n_rho} in ρ")
    d_r = model.cutoff / (n_r - 1)
    r = np.arange(n_r, dtype=np.float64) * d_r
    phi, f = radial_functions(model, r[1:])
    r_phi = np.concatenate([[0.0], r[1:] * phi])
    f = np.concatenate([[f[0]], f])
    # Twice the density of an fcc atom compressed by a tenth covers any thermal environment.
    _, squeezed = radial_functions(model, np.array([0.9 * nearest_neighbour]))
    rho_max = float(2.0 * 12.0 * squeezed[0])
    d_rho = rho_max / (n_rho - 1)
    embedding = embedding_function(model, np.arange(n_rho, dtype=np.float64) * d_rho)
    number = element(symbol).atomic_number
    lattice = math.sqrt(2.0) * nearest_neighbour
    header = [
        *comments,
        "units: eV, Angstrom",
        f"1 {symbol}",
        f"{n_rho} {d_rho:.17g} {n_r} {d_r:.17g} {model.cutoff:.17g}",
        f"{number} {mass:.8f} {lattice:.8f} fcc",
    ]
    body = [f"{value:.17g}" for value in np.concatenate([embedding, f, r_phi])]
    write_text(path, "\n".join(header + body) + "\n")


def radial_functions(model: kernels.Model, r: Floats) -> tuple[Floats, Floats]:
    """φ(r) in eV and f(r) from the same kernels that the dynamics runs."""
    r2 = r * r
    phi, f = np.zeros_like(r), np.zeros_like(r)
    inside = r < model.cutoff
    near = r < model.split
    for mask, is_near in ((near, True), (inside & ~near, False)):
        count = int(mask.sum())
        radial = np.zeros((5, max(count, 1)))
        radial[4, :count] = r2[mask]
        args = (np.uint64(0), np.uint64(count), radial)
        if model.kind == kernels.TABLE:
            kernels.table_pairs(model.params, model.pair, *args)
        elif is_near:
            kernels.gupta_near(model.params, *args)
        else:
            kernels.gupta_far(model.params, *args)
        phi[mask], f[mask] = radial[0, :count], radial[2, :count]
    return phi, f


def embedding_function(model: kernels.Model, density: Floats) -> Floats:
    """F(ρ) in eV from the same kernels that the dynamics runs."""
    ws = make_workspace(density.size, 1)
    ws.density[:] = density
    if model.kind == kernels.TABLE:
        kernels.table_embed(model.params, model.embedding, ws)
    else:
        kernels.gupta_embed(ws)
    values: Floats = ws.embedding.copy()
    return values
