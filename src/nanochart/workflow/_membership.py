"""Which family or motif each frame of a biased run belongs to.

There are two definitions, `nanochart.landscape.OWN` and `PLACE`. Every result records which one it
is of, and results of different definitions are never combined.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.autoencoder import Model, load
from nanochart.biasing import known_distance, known_reach
from nanochart.errors import ModelError, StoreError
from nanochart.landscape import OWN, PLACE, Families, load_families
from nanochart.store import Run
from nanochart.workflow._bias_then import SourceThen

__all__ = [
    "MEMBERSHIPS",
    "STATES",
    "Known",
    "Source",
    "States",
    "check_asked",
    "check_same_states",
    "families_of",
    "known_places",
    "model_of_chart",
    "states_of",
]

Floats = NDArray[np.float64]

#: A run with chart and families: that of a biased run, as it was when that was begun, or any.
Source = Run | SourceThen

#: What states can be, and by which definition frames belong to them.
STATES = ("family", "motif")
MEMBERSHIPS = {"own": OWN, "place": PLACE}

#: Training frames that a place is compared with, at most.
_MOST = 60_000


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


def check_asked(by: str, membership: str) -> None:
    """Refuse states or definitions that there are not."""
    if by not in STATES:
        raise ValueError(f"by must be {' or '.join(STATES)}; got {by!r}")
    if membership not in MEMBERSHIPS:
        raise ValueError(f"membership must be {' or '.join(MEMBERSHIPS)}; got {membership!r}")


def known_places(run: Run, source: Source | None, values: Floats, names: tuple[str, ...]) -> Known:
    """Where the frames of a run's chart lie in its variables (time, walker, m).

    Nothing is known where the source has another chart by now than the one the run was biased
    along, since the variables are no coordinates of that one.
    """
    charted = [k for k, name in enumerate(names) if name[0] == "s" and name[1:].isdigit()]
    if source is None:
        return Known(outside=np.nan)
    same = run.metadata.provenance.get("model") == source.info("chart").get("model")
    if not charted or not same or source.committed("chart") == 0:
        return Known()
    axes = tuple(names[k] for k in charted)
    frames = source.to_xarray()
    n = frames.sizes["frame"] * frames.sizes["replica"]
    chart = frames["chart"][:: max(1, n // _MOST)].to_numpy()
    columns = [int(name[1:]) - 1 for name in axes]
    tree = cKDTree(chart[..., columns].reshape(-1, len(columns)).astype(np.float64))
    reach = known_reach(tree.data)
    outside = float((known_distance(tree, values[..., charted]) > reach).mean())
    return Known(axes, tree, reach, outside)


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


def families_of(source: Source) -> Families:
    """The families that a run's frames were divided into, from the file beside it.

    Raises
    ------
    StoreError, ModelError
        If there are none, or the file is not there or holds others.
    """
    info = source.info("families")
    if not info or source.committed("families") == 0:
        raise StoreError(
            f"states by family need the families of {source.path}, which has none: run `nanochart "
            f"families {source.path}` first, or take the motifs"
        )
    path = source.path.with_name(str(info.get("file", "")))
    if not path.is_file():
        raise ModelError(
            f"the families {path.name} of {source.path} must lie beside it, so that frames of "
            f"biased runs can be told by them: put the file back, or run `nanochart families "
            f"{source.path}` again"
        )
    families = load_families(path)
    if list(families.names) != list(info.get("names", ())):
        raise StoreError(
            f"the families of {path} are not those that the frames of {source.path} have: run "
            f"`nanochart families {source.path}` again"
        )
    return families


def model_of_chart(source: Source, given: str | Path | None) -> Model:
    """The model of a run's chart, from one of the places where it may lie.

    Raises
    ------
    ModelError
        If none of them has it.
    """
    charted = source.info("chart").get("model")
    trained = source.path.with_name(str(source.info("train").get("model", "")))
    places = [Path(given)] if given else []
    for path in (*places, trained, source.path.with_suffix(".nanochart")):
        if path.is_file() and (model := load(path)).fingerprint == charted:
            return model
    raise ModelError(
        f"the model that charted {source.path} ({charted}) must lie beside it, so that frames of "
        f"biased runs can be told by its families: put it back, or chart and group {source.path} "
        "anew"
    )
