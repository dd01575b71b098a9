"""Embedded-atom potentials from tables."""

import hashlib
from pathlib import Path

import numpy as np

from nanochart.metals import element
from nanochart.potentials.kernels import TABLE, Model
from nanochart.potentials.potential import EmbeddedAtom
from nanochart.potentials.setfl import hermite_coefficients
from nanochart.potentials.setfl_reader import Setfl, read_setfl

__all__ = ["eam"]

# Nearest neighbours of the crystals that setfl headers name, in units of the lattice constant.
_NEAREST = {"fcc": np.sqrt(0.5), "bcc": np.sqrt(0.75), "hcp": 1.0, "diamond": np.sqrt(3.0) / 4.0}


def eam(path: str | Path, symbol: str) -> EmbeddedAtom:
    """Embedded-atom potential from a setfl table (LAMMPS's ``pair_style eam/alloy`` or ``eam/fs``).

    The table's functions F(ρ), f(r) and r φ(r) are interpolated by piecewise cubics with the
    slopes that LAMMPS takes, so both give the same energies from one file. Of a Finnis-Sinclair
    table (``eam/fs``), whose densities depend on both elements of a pair, a cluster of one element
    needs the density of that element at itself.

    Parameters
    ----------
    path
        File of the table.
    symbol
        Chemical symbol of the element to take from the table, as in "Ni".

    Raises
    ------
    ValueError
        If the file is no such table or lacks the element.
    FileNotFoundError
        If there is no such file.
    """
    path = Path(path)
    return tabulated(read_setfl(path, symbol), path)


def tabulated(table: Setfl, path: Path) -> EmbeddedAtom:
    """Potential of a table that was read from ``path``, which names it."""
    _check_reach(table, path)
    n_rho, n_r = table.embedding.size, table.r_phi.size
    # A table that ends before its stated cut-off ends the interaction.
    cutoff = min(table.cutoff, (n_r - 1) * table.d_r)
    nearest = float(_NEAREST.get(table.lattice.lower(), _NEAREST["fcc"]) * table.lattice_constant)
    if not 1.0 < nearest < cutoff:
        raise ValueError(
            f"{path}: the header's lattice ({table.lattice} {table.lattice_constant} Å) gives a "
            f"nearest-neighbour distance of {nearest:.3f} Å, which must lie between 1 Å and the "
            f"cut-off, {cutoff:.3f} Å; correct the element's line in the table"
        )
    _check_density(table, nearest, path)
    params = np.array([n_r, table.d_r, n_rho, table.d_rho])
    pair = np.hstack([hermite_coefficients(table.r_phi), hermite_coefficients(table.density)])
    model = Model(
        TABLE, cutoff, 0.0, 0.4 * nearest, params, pair, hermite_coefficients(table.embedding)
    )
    return EmbeddedAtom(
        name=f"EAM {table.symbol} ({path.name})",
        symbol=element(table.symbol).symbol,
        mass=table.mass,
        nearest_neighbour=nearest,
        model=model,
        parameters={
            "form": "eam/alloy",
            "file": path.name,
            "cutoff": cutoff,
            "sha256": _fingerprint(model, table.mass),
        },
        table=table,
    )


def _check_reach(table: Setfl, path: Path) -> None:
    """Refuse a spacing in r with which right values mean something else."""
    reach = (table.r_phi.size - 1) * table.d_r
    if not 0.9 <= reach / table.cutoff <= 4.0:
        raise ValueError(
            f"{path}: the functions of r must reach about to the cut-off, {table.cutoff:g} Å; got "
            f"{table.r_phi.size} values every {table.d_r:g} Å, {reach:g} Å: correct n_r, d_r or "
            "the cut-off in the header"
        )


def _check_density(table: Setfl, nearest: float, path: Path) -> None:
    """Refuse a spacing in ρ with which right values mean something else."""
    # Twelve neighbours of a close-packed crystal; tables hold up to 300 times that.
    bulk = 12.0 * float(
        np.interp(nearest, np.arange(table.density.size) * table.d_r, table.density)
    )
    reach = (table.embedding.size - 1) * table.d_rho
    if table.embedding.any() and not table.d_rho <= bulk <= 5.0 * reach:
        raise ValueError(
            f"{path}: the embedding function must be known at the density of the crystal, about "
            f"{bulk:g}; got {table.embedding.size} values every {table.d_rho:g}: correct n_rho or "
            "d_rho in the header"
        )


def _fingerprint(model: Model, mass: float) -> str:
    """Hash of all numbers of a table, which tells potentials apart where their names do not."""
    digest = hashlib.sha256(np.array([mass, model.cutoff]).tobytes())
    for values in (model.params, model.pair, model.embedding):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()
