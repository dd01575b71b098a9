"""States of frames: families or motifs, with what tells them, and where a chart is known."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.errors import StoreError
from nanochart.landscape.membership import OWN
from nanochart.shown import short_repr

__all__ = ["Known", "States", "check_same_states", "states_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Known:
    """Where the frames that a chart was made of lie.

    Attributes
    ----------
    axes
        Variables of the biased run that they are known in; empty where none is of their chart.
    tree
        The frames in these variables.
    reach
        Distance beyond which a frame is outside of what was trained on.
    outside
        Share of the biased frames that are.
    """

    axes: tuple[str, ...] = ()
    tree: cKDTree | None = None
    reach: float = np.inf
    outside: float = 0.0


@short_repr
@dataclass(frozen=True, eq=False)
class States:
    """States of the frames of a run.

    Attributes
    ----------
    names
        Of the states.
    codes
        (time, walker), an index into the names: the frame's own state; by place the one with the
        largest share, for pictures and paths.
    axes, tree, reach, outside
        As `Known`.
    definition
        How frames belong to states: `nanochart.landscape.OWN` or `PLACE`.
    families
        Fingerprint of the families, which must agree between results that are combined; None of
        motifs.
    new
        Share of the frames whose inherent structure is far from every family: a structure that the
        families were found without. None where it is not known.
    shares
        (time, walker, state), by place; None where frames have a state of their own.
    error
        (state,), standard error that shares by place leave in a population, beside that of the
        sampling; None where frames have a state of their own.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int64]
    axes: tuple[str, ...] = ()
    tree: cKDTree | None = None
    reach: float = np.inf
    outside: float = 0.0
    definition: str = OWN
    families: str | None = None
    new: float | None = None
    shares: Floats | None = field(default=None, repr=False)
    error: Floats | None = None


def states_of(
    names: tuple[str, ...], codes: NDArray[np.int64], known: Known, **more: Any
) -> States:
    """States of names and codes, with what is known of places."""
    return States(names, codes, known.axes, known.tree, known.reach, known.outside, **more)


def check_same_states(a: States, b: States, of_a: object, of_b: object) -> None:
    """Refuse to compare or combine states that are not the same, or are not told alike.

    Raises
    ------
    StoreError
        If definition, names or families differ.
    """
    what, mine, others = next(
        (
            (what, mine, others)
            for what, mine, others in (
                ("definition of membership", a.definition, b.definition),
                ("set of states", ", ".join(a.names), ", ".join(b.names)),
                ("division into families", a.families, b.families),
            )
            if mine != others
        ),
        ("", "", ""),
    )
    if what:
        raise StoreError(
            f"runs that are combined must have one {what}; got {mine} in {of_a} and {others} in "
            f"{of_b}"
        )
