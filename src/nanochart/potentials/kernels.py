"""Compiled evaluation of embedded-atom potentials for one cluster.

Every potential here has the form E = Σ_i F(ρ_i) + Σ_{i<j} φ(r_ij) with ρ_i = Σ_j f(r_ij). What
differs between potentials is only the two radial functions and F: chosen by
``Model.kind``.

An evaluation is a chain of passes over contiguous arrays, because LLVM vectorizes a loop that
gathers or a loop that stores, but not one that does both. What goes from atoms to pairs and back is
in vectors by hand (`nanochart.compiled.lanes.atoms`):

1. selection from the Verlet list: partner and squared distance of pairs closer than ``split``
   (near) and of the others closer than the cut-off (far), so that exponentials are evaluated only
   where they are needed,
2. radial functions of near and of far pairs,
3. densities summed to the atoms, embedding function,
4. forces summed to the atoms.

The selection keeps the pairs within the cut-off in the order (i, j). The sums therefore do not
depend on when the list was built: same positions, same bits. Indices are unsigned because Numba
tests signed ones for wrap-around.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from nanochart.compiled.lanes.atoms import pull_row, select_row, sum_row
from nanochart.compiled.lanes.functions import exp2
from nanochart.compiled.neighbours import all_pairs, make_workspace, rebuild_list
from nanochart.compiled.options import FAST, REORDERED

U = np.uint64

GUPTA = 0
TABLE = 1

# Finite-math flags but no re-association: the polynomials' rounding trick must survive.

#: Below this density (eV² for Gupta) an atom counts as isolated: F' = -1/(2 sqrt ρ) stays finite.
_RHO_MIN = 1e-200


class Model(NamedTuple):
    """A potential as the kernels see it. Lengths in Å, energies in eV."""

    kind: int  # GUPTA or TABLE
    cutoff: float  # largest interaction distance
    split: float  # distance that separates near from far pairs
    overlap: float  # pairs closer than this are refused
    params: np.ndarray  # (11,) radial functions of Gupta; (n_r, dr, n_rho, d_rho) of a table
    pair: np.ndarray  # (n_r, 8) cubic coefficients of r φ and f; (1, 8) if unused
    embedding: np.ndarray  # (n_rho, 4) cubic coefficients of F; (1, 4) if unused


@njit(**FAST)
def _pack(x, atoms):
    """Positions as rows of four numbers, the last of which is zero."""
    px, py, pz = x[0], x[1], x[2]
    for i in range(U(x.shape[1])):
        row = U(4) * i
        atoms[row] = px[i]
        atoms[row + U(1)] = py[i]
        atoms[row + U(2)] = pz[i]
        atoms[row + U(3)] = 0.0


@njit(**FAST)
def _select(split, cutoff, ws):
    """Pass 1: partners and squared distances of near and of far pairs."""
    n = U(ws.density.size)
    start = ws.start
    near_first, far_first = ws.first[0], ws.first[1]
    near = U(0)
    far = U(ws.neighbour.size)
    for i in range(n):
        near_first[i] = near
        far_first[i] = far
        near, far = select_row(
            ws.atoms, ws.neighbour, ws.partner, ws.radial[4], i, U(start[i]), U(start[i + U(1)]),
            split * split, cutoff * cutoff, near, far,
        )  # fmt: skip
    near_first[n] = near
    far_first[n] = far


@njit(**FAST)
def _any_below(r2, first, last, limit):
    """Whether any squared distance from ``first`` to before ``last`` is below ``limit``."""
    below = False
    for a in range(first, last):
        below |= r2[a] < limit
    return below


@njit(**FAST)
def gupta_near(params, first, last, radial):
    """Exponentials φ = 2A e^{-p(r/r0 - 1)} and f = ξ² e^{-2q(r/r0 - 1)}, as powers of two."""
    a0, a1, b0, b1 = params[0], params[1], params[2], params[3]
    slope_a = -math.log(2.0) * a1
    slope_b = -math.log(2.0) * b1
    phi, dphi, f, df, r2 = radial[0], radial[1], radial[2], radial[3], radial[4]
    for a in range(first, last):
        r = math.sqrt(r2[a])
        inverse_r = 1.0 / r
        repulsion = exp2(a0 - a1 * r)
        hopping2 = exp2(b0 - b1 * r)
        phi[a] = repulsion
        dphi[a] = slope_a * inverse_r * repulsion
        f[a] = hopping2
        df[a] = slope_b * inverse_r * hopping2


@njit(**FAST)
def gupta_far(params, first, last, radial):
    """Polynomial link in t = r - r_ce of A e^{...} and of the hopping, which is then squared."""
    r_ce = params[4]
    a3, a4, a5 = params[5], params[6], params[7]
    b3, b4, b5 = params[8], params[9], params[10]
    phi, dphi, f, df, r2 = radial[0], radial[1], radial[2], radial[3], radial[4]
    for a in range(first, last):
        r = math.sqrt(r2[a])
        inverse_r = 1.0 / r
        t = r - r_ce
        t2 = t * t
        phi[a] = 2.0 * t2 * t * (a3 + t * (a4 + t * a5))
        dphi[a] = 2.0 * t2 * (3.0 * a3 + t * (4.0 * a4 + t * 5.0 * a5)) * inverse_r
        hopping = t2 * t * (b3 + t * (b4 + t * b5))
        slope = t2 * (3.0 * b3 + t * (4.0 * b4 + t * 5.0 * b5))
        f[a] = hopping * hopping
        df[a] = 2.0 * hopping * slope * inverse_r


@njit(**FAST)
def table_pairs(params, table, first, last, radial):
    """Piecewise cubics of z = r φ and of f on a uniform grid in r that starts at zero."""
    inverse_dr = 1.0 / params[1]
    last_knot = params[0] - 2.0
    phi, dphi, f, df, r2 = radial[0], radial[1], radial[2], radial[3], radial[4]
    for a in range(first, last):
        r = math.sqrt(r2[a])
        inverse_r = 1.0 / r
        s = r * inverse_dr
        knot = min(math.floor(s), last_knot)
        m = U(knot)
        s = min(s - knot, 1.0)
        z = table[m, 0] + s * (table[m, 1] + s * (table[m, 2] + s * table[m, 3]))
        dz = (table[m, 1] + s * (2.0 * table[m, 2] + s * 3.0 * table[m, 3])) * inverse_dr
        phi[a] = z * inverse_r
        dphi[a] = (dz - z * inverse_r) * inverse_r * inverse_r
        f[a] = table[m, 4] + s * (table[m, 5] + s * (table[m, 6] + s * table[m, 7]))
        df[a] = (
            (table[m, 5] + s * (2.0 * table[m, 6] + s * 3.0 * table[m, 7])) * inverse_dr * inverse_r
        )


@njit(**FAST)
def _spread(partner, values, first, last, sums):
    """Add the values of pairs to the sums of their second atoms."""
    for a in range(first, last):
        sums[partner[a]] += values[a]


@njit(**FAST)
def _add_densities(ws):
    """Pass 3: ρ_i and ρ_j of near and far pairs."""
    n = U(ws.density.size)
    near, far, f = ws.first[0], ws.first[1], ws.radial[2]
    for i in range(n):
        j = i + U(1)
        ws.density[i] = sum_row(f, U(near[i]), U(near[j]), U(far[i]), U(far[j]))
    _spread(ws.partner, f, U(0), U(near[n]), ws.density)
    _spread(ws.partner, f, U(far[0]), U(far[n]), ws.density)


@njit(**FAST)
def gupta_embed(ws):
    """F(ρ) = -√ρ and its slope, of every atom."""
    density, embedding, slope = ws.density, ws.embedding, ws.slope
    for i in range(U(density.size)):
        rho = density[i]
        embedding[i] = -math.sqrt(rho)
        rho = max(_RHO_MIN, rho)
        slope[i] = -0.5 / math.sqrt(rho)


@njit(**FAST)
def table_embed(params, table, ws):
    """F(ρ) and its slope from the cubics of a table, of every atom."""
    inverse_step = 1.0 / params[3]
    last = params[2] - 2.0
    for i in range(U(ws.density.size)):
        s = ws.density[i] * inverse_step
        # Tables may have tails of negative density: the first cubic goes on below zero.
        knot = max(0.0, min(math.floor(s), last))
        m = U(knot)
        s -= knot
        beyond = max(s - 1.0, 0.0)
        s = min(s, 1.0)
        slope = table[m, 1] + s * (2.0 * table[m, 2] + s * 3.0 * table[m, 3])
        ws.slope[i] = slope * inverse_step
        # Past the last knot the function goes on with its last slope.
        ws.embedding[i] = (
            table[m, 0] + s * (table[m, 1] + s * (table[m, 2] + s * table[m, 3])) + slope * beyond
        )


@njit(**FAST)
def _add_forces(ws, forces):
    """Pass 4: forces of near and far pairs."""
    atoms, pulls = ws.atoms, ws.pulls
    pulls[:] = 0.0
    for i in range(U(ws.slope.size)):
        atoms[U(4) * i + U(3)] = ws.slope[i]
    near, far = ws.first[0], ws.first[1]
    for i in range(U(ws.slope.size)):
        j = i + U(1)
        pull_row(
            atoms, pulls, ws.partner, ws.radial[1], ws.radial[3], i,
            U(near[i]), U(near[j]), U(far[i]), U(far[j]),
        )  # fmt: skip
    fx, fy, fz = forces[0], forces[1], forces[2]
    for i in range(U(ws.slope.size)):
        row = U(4) * i
        fx[i] = pulls[row]
        fy[i] = pulls[row + U(1)]
        fz[i] = pulls[row + U(2)]
        # Of no use, but LLVM takes rows apart in vectors only as a whole.
        ws.row[i] = pulls[row + U(3)]


@njit(**REORDERED)
def _total(values, first, last):
    """Sum from ``first`` to before ``last``; re-association lets LLVM use vector registers."""
    total = 0.0
    for a in range(first, last):
        total += values[a]
    return total


@njit(**FAST)
def evaluate(model, x, ws, forces):
    """Energy and forces of one cluster from a valid list.

    Parameters
    ----------
    model
        The potential.
    x
        (3, N) positions in Å.
    ws
        Workspace whose list covers all pairs within the cut-off.
    forces
        (3, N), overwritten, eV/Å.

    Returns
    -------
    energy
        eV.
    overlapping
        Whether two atoms are closer than ``model.overlap``.
    """
    n = U(x.shape[1])
    radial = ws.radial
    _pack(x, ws.atoms)
    _select(model.split, model.cutoff, ws)
    near, far = U(0), U(ws.neighbour.size)
    near_end, far_end = U(ws.first[0, n]), U(ws.first[1, n])
    limit = model.overlap * model.overlap
    overlapping = _any_below(radial[4], near, near_end, limit)
    if model.kind == GUPTA:
        gupta_near(model.params, near, near_end, radial)
        gupta_far(model.params, far, far_end, radial)
    else:
        overlapping |= _any_below(radial[4], far, far_end, limit)
        table_pairs(model.params, model.pair, far, far_end, radial)
    _add_densities(ws)
    if model.kind == GUPTA:
        gupta_embed(ws)
    else:
        table_embed(model.params, model.embedding, ws)
    _add_forces(ws, forces)
    energy = (
        _total(ws.embedding, U(0), n)
        + _total(radial[0], near, near_end)
        + _total(radial[0], far, far_end)
    )
    return energy, overlapping


@njit(**FAST)
def _atom_energies(ws, out):
    """E_i = F(ρ_i) + ½ Σ_j φ(r_ij) from the workspace of the last evaluation."""
    out[:] = ws.embedding
    for i in range(U(out.size)):
        for kind in range(U(2)):
            for a in range(U(ws.first[kind, i]), U(ws.first[kind, i + U(1)])):
                half = 0.5 * ws.radial[0, a]
                out[i] += half
                out[ws.partner[a]] += half


@njit(**FAST)
def evaluate_batch(model, positions, energies, atom_energies, forces, bad):
    """Energies and forces of frames (frame, N, 3); ``bad[f]`` marks overlapping atoms."""
    n = positions.shape[1]
    g = np.empty((3, n))
    x = np.empty((3, n))
    ws = make_workspace(n, min(all_pairs(n), 60 * n))
    for frame in range(positions.shape[0]):
        x[:, :] = positions[frame].T
        ws = rebuild_list(x, model.cutoff, ws)
        energies[frame], bad[frame] = evaluate(model, x, ws, g)
        _atom_energies(ws, atom_energies[frame])
        forces[frame] = g.T
