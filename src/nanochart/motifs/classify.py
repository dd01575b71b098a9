"""Whole-cluster classes and defect descriptors."""

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.descriptors import ATOM_TYPES, atom_types
from nanochart.motifs.labels import LABELS
from nanochart.motifs.measurement import measure
from nanochart.motifs.rules import decide
from nanochart.shown import short_repr

__all__ = ["ATOM_TYPES", "Analysis", "analyze", "atom_types", "classify"]


@short_repr
@dataclass(frozen=True)
class Analysis:
    """Class, margin and defects of quenched structures, as :func:`analyze` finds them.

    Attributes
    ----------
    codes
        Class of each structure as its place in :data:`LABELS`, (...).
    margins
        How far each structure is from another class, 0 to 1, (...).
    descriptors
        Values (...) of each of the :data:`DESCRIPTORS` by name.
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
    """Find the motif of each quenched structure.

    "dh" has one five-fold axis, "ih" the axes of an icosahedron around its centre, "fcc" neither
    axes nor hcp planes, "twin" parallel hcp planes; "amorphous" has hardly an ordered atom inside;
    "mix" is all else, such as several five-fold axes, or an icosahedral part beside a disordered
    one. Rules and thresholds are those of `nanochart.motifs.analyze`, which also gives margins.

    Parameters
    ----------
    positions
        Quenched structures (..., atom, 3) in Å.
    metal
        Chemical symbol of the metal.
    nearest_neighbour
        Distance in Å of nearest neighbours in the bulk metal; None takes that of the metal.
    executor
        Executor that the frames run on; None is one thread for each core.

    Returns
    -------
    array of str (...)
        Class of each structure, one of :data:`LABELS`.

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
    """Find the class (motif), its margin and the defects of each quenched structure.

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
