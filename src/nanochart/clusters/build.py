"""Starting structures of every motif at every size."""

import numbers

from ase import Atoms

from nanochart.clusters.candidates import TEMPLATES, candidates
from nanochart.clusters.lowest import above_known
from nanochart.clusters.random import random_cluster
from nanochart.clusters.relaxation import relax_best
from nanochart.metals import element
from nanochart.potentials import GUPTA_PARAMETERS, Potential, gupta

__all__ = ["BUILT_LABELS", "MOTIFS", "build"]

#: Motifs that :func:`build` knows.
MOTIFS = (*TEMPLATES, "random")

_SMALLEST, _LARGEST = 13, 3000

#: What the motifs of complete shapes are called by `nanochart.motifs`.
BUILT_LABELS = {"icosahedron": "ih", "decahedron": "dh", "octahedron": "fcc", "twin": "twin"}


def _candidates_to_relax(n: int) -> int:
    """How many candidates are worth a quench: fewer of the large clusters, which cost more."""
    return min(200, max(60, 60_000 // n))


def build(
    motif: str,
    metal: str,
    n: int,
    seed: int | None = None,
    potential: Potential | None = None,
) -> Atoms:
    """Build a relaxed cluster of one motif with exactly ``n`` atoms.

    The cluster is the lowest in energy that was found among truncations and completions of the
    complete shapes of the motif near ``n``: complete shapes lose whole facets, one by one, until
    they are within a layer of ``n``; atoms are then added or removed where a bond-counting model
    binds them best; the best candidates of the model are relaxed with the potential. A relaxation
    counts only if the cluster keeps its bonds, as long as one does. The same arguments give the
    same positions, bit for bit.

    =============  ====================================================================
    motif          complete shapes
    =============  ====================================================================
    icosahedron    Mackay icosahedra: 13, 55, 147, 309, 561, ...
    decahedron     Marks decahedra: 75, 101, 146, 192, ...
    octahedron     truncated octahedra of the fcc crystal: 38, 79, 116, 140, 201, ...
    twin           two halves of an fcc crystal, mirrored in one {111} plane: 79, 137, ...
    hcp            hcp crystals bounded by {0001}, {10-11} and {10-10}: 57, 89, 153, ...
    random         none: atoms thrown into a ball, parted and quenched
    =============  ====================================================================

    A complete shape that another one with vacancies beats, such as the cuboctahedron of 147 atoms,
    is not returned: the energy decides.

    Parameters
    ----------
    motif
        Motif of the cluster, one of :data:`MOTIFS`.
    metal
        Chemical symbol of the metal; "Au", "Ag" and "Cu" need no potential.
    n
        Number of atoms, 13 to 3000.
    seed
        Seed of the random cluster; None is 0. The other motifs have no random part: they are the
        same for every seed.
    potential
        Potential that relaxes the cluster; None is the Gupta potential of the metal.

    Returns
    -------
    ase.Atoms
        The cluster, centred at the origin, without cell or periodicity, with ``info["motif"]``,
        ``info["energy"]`` (eV) and ``info["motif_kept"]``, which is False where every candidate
        lost the motif's bonds in the relaxation, as happens to some metals below 40 atoms. Twins
        and hcp crystals of so few atoms can be the same cluster: three layers have no more than one
        stacking fault. ``info["above_known"]`` is there where a lower minimum of the motif is known
        (:func:`known_minima`), and says by how many eV it is lower.

    Raises
    ------
    ValueError
        If the motif or the metal is unknown, ``n`` is out of range, or the potential is of another
        metal.

    Examples
    --------
    >>> import nanochart as nc
    >>> atoms = nc.clusters.build("icosahedron", "Au", 147)
    >>> len(atoms), round(atoms.info["energy"], 4)
    (147, -530.9025)
    """
    if motif not in MOTIFS:
        raise ValueError(
            f"the motif of a cluster must be one of {', '.join(MOTIFS)}; got {motif!r}"
        )
    symbol = element(metal).symbol
    if not isinstance(n, numbers.Integral) or not _SMALLEST <= n <= _LARGEST:
        raise ValueError(
            f"the number of atoms of a cluster must be an integer from {_SMALLEST} to {_LARGEST}; "
            f"got {n!r}"
        )
    if seed is not None and (not isinstance(seed, numbers.Integral) or seed < 0):
        raise ValueError(f"the seed of a cluster must be an integer of 0 or more; got {seed!r}")
    if potential is None:
        if symbol not in GUPTA_PARAMETERS:
            raise ValueError(
                f"a cluster of {symbol} needs a potential, because published Gupta parameters are "
                f"included for {', '.join(GUPTA_PARAMETERS)} only; pass "
                f"potential=nanochart.potentials.eam(path, {symbol!r})"
            )
        potential = gupta(symbol)
    elif potential.symbol != symbol:
        raise ValueError(
            f"the potential of a cluster of {symbol} must be one for {symbol}; "
            f"got {potential.name}, for {potential.symbol}"
        )
    n = int(n)
    if motif == "random":
        positions, energy = random_cluster(n, 0 if seed is None else int(seed), potential)
        kept = True
    else:
        found = candidates(motif, n, _candidates_to_relax(n))
        positions, energy, kept = relax_best(found, potential)
    atoms = Atoms([symbol] * n, positions=positions)
    atoms.info.update(motif=motif, energy=energy, motif_kept=kept)
    if above := above_known(BUILT_LABELS.get(motif, ""), energy, potential, n):
        atoms.info["above_known"] = above
    return atoms
