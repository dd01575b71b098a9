"""Whole-cluster classes and defect descriptors."""

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.descriptors import ATOM_TYPES, atom_types
from nanochart.motifs._labels import LABELS
from nanochart.motifs._measurement import measure
from nanochart.motifs._rules import decide

__all__ = ["ATOM_TYPES", "Analysis", "analyze", "atom_types", "classify"]


@dataclass(frozen=True)
class Analysis:
    """Class and defects of structures.

    Attributes
    ----------
    codes
        (...) places in :data:`LABELS`.
    margins
        (...) how far each is from another class, 0 to 1.
    descriptors
        Name -> (...) of every one of :data:`DESCRIPTORS`.
    """

    codes: NDArray[np.int8]
    margins: NDArray[np.float64]
    descriptors: dict[str, NDArray[np.float64]]

    @property
    def labels(self) -> NDArray[np.str_]:
        """(...) names of the classes."""
        return np.array(LABELS)[self.codes]


def classify(
    positions: ArrayLike,
    metal: str,
    *,
    nearest_neighbour: float | None = None,
    executor: Executor | None = None,
) -> NDArray[np.str_]:
    """Class of each quenched structure: its motif.

    "dh" has one five-fold axis, "ih" the axes of an icosahedron around its centre, "fcc" neither
    axes nor hcp planes, "twin" parallel hcp planes; "amorphous" has hardly an ordered atom inside;
    "mix" is all else, such as several five-fold axes, or an icosahedral part beside a disordered
    one. Rules and thresholds are those of `nanochart.motifs.analyze`, which also gives margins.

    Parameters
    ----------
    positions
        (..., atom, 3) in Å, quenched.
    metal
        Chemical symbol.
    nearest_neighbour
        Distance in Å of nearest neighbours in the bulk metal; None looks the metal up.
    executor
        Where frames run; None is one thread per core.

    Returns
    -------
    array of str (...)
        Each one of :data:`LABELS`.

    Raises
    ------
    ValueError
        If more than half of the structures are thermal, a position is not finite, atoms lie on
        top of each other, or the metal is not known.

    Examples
    --------
    >>> import nanochart as nc
    >>> str(nc.motifs.classify(nc.clusters.build("decahedron", "Au", 146).positions, "Au"))
    'dh'
    """
    return analyze(positions, metal, nearest_neighbour=nearest_neighbour, executor=executor).labels


def analyze(
    positions: ArrayLike,
    metal: str,
    *,
    nearest_neighbour: float | None = None,
    executor: Executor | None = None,
    known_quenched: bool = False,
) -> Analysis:
    """Class, margin and defects of each quenched structure.

    With the types of `nanochart.descriptors.atom_types`, vacancies inside filled, and atoms with
    eleven neighbours or more as the interior, the first of these rules that holds decides:

    1. "amorphous": three quarters or more of the interior atoms are of the type "other";
    2. "ih": there is an atom of the type "ico" less than 0.55 radii of gyration from the centre of
       mass, three in ten of its neighbours inside the cluster are of the type "axis", or, where no
       atom is of the type "ico", at least five axes meet in such a point; and less than 17 % of all
       atoms are disordered interior ones;
    3. "mix": any other structure with an "ico" atom, with 30 % disorder or more, or with more than
       one five-fold axis;
    4. "dh": one axis;
    5. "mix": close-packed planes of hcp atoms of more than one orientation;
    6. "twin": at least two hcp atoms;
    7. "fcc".

    Parameters
    ----------
    positions, metal, nearest_neighbour, executor
        As for :func:`classify`.
    known_quenched
        Whether the structures come from a quench that converged. Otherwise a set of which more than
        half move as at 110 K or more is refused.

    Returns
    -------
    Analysis

    Raises
    ------
    ValueError
        As for :func:`classify`.
    """
    measured = measure(
        positions,
        metal,
        nearest_neighbour=nearest_neighbour,
        executor=executor,
        known_quenched=known_quenched,
    )
    codes, margins = decide(measured)
    return Analysis(codes, margins, measured.descriptors)
