"""Which family or motif each frame of a biased run belongs to."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.biasing import known_distance, known_reach
from nanochart.errors import StoreError
from nanochart.motifs import LABELS
from nanochart.store import Run
from nanochart.workflow._bias_then import SourceThen

__all__ = ["States", "state_codes"]

Floats = NDArray[np.float64]

_MOST = 60_000
_VOTERS = 9


@dataclass(frozen=True, eq=False)
class States:
    """States of the frames of a run.

    Attributes
    ----------
    names
        Of the states.
    codes
        (time, walker), an index into the names.
    axes
        Variables that the training frames are known in; empty for "label".
    tree
        Training frames in these variables.
    reach
        Distance beyond which a frame is outside of what was trained on.
    outside
        Share of the frames that are.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int64]
    axes: tuple[str, ...] = ()
    tree: cKDTree | None = None
    reach: float = np.inf
    outside: float = 0.0


def state_codes(
    run: Run, source: SourceThen | None, data: Any, values: Floats, names: tuple[str, ...], by: str
) -> States:
    """Tell the states of frames.

    Parameters
    ----------
    run, source
        The biased run, and the one whose chart it uses; None, where that is no longer what it was
        and ``by`` is "label".
    data
        Frames of the biased run, as xarray.
    values
        Their variables (time, walker, m).
    names
        Of the variables.
    by
        "family", "motif" or "label"; see `nanochart.workflow.fes_run`.

    Raises
    ------
    StoreError
        If the runs lack what that needs.
    """
    charted = [k for k, name in enumerate(names) if name[0] == "s" and name[1:].isdigit()]
    axes = tuple(names[k] for k in charted)
    tree, reach, outside, frames = None, np.inf, 0.0 if source is not None else np.nan, None
    s = values[..., charted]
    if source is not None and charted and "chart" in source.to_xarray():
        frames = source.to_xarray()
        n = frames.sizes["frame"] * frames.sizes["replica"]
        frames = frames.isel(frame=slice(None, None, max(1, n // _MOST)))
        columns = [int(name[1:]) - 1 for name in axes]
        chart = frames["chart"].to_numpy()[..., columns].reshape(-1, len(columns))
        tree = cKDTree(chart.astype(np.float64))
        reach = known_reach(tree.data)
        outside = float((known_distance(tree, s) > reach).mean())
    if by == "label":
        if "motif" not in data or (data["motif"] < 0).any():
            raise StoreError(
                f"{run.path} has no motifs of its own frames: run `nanochart quench {run.path}` "
                f"and `nanochart label {run.path}` first, or take --by family"
            )
        codes = data["motif"].to_numpy().astype(np.int64)
        return States(LABELS, codes, axes, tree, reach, outside)
    if by not in {"family", "motif"}:
        raise ValueError(f"by must be family, motif or label; got {by!r}")
    if (
        source is None
        or tree is None
        or frames is None
        or by not in frames
        or (frames[by] == -1).all()
    ):
        what = "families" if by == "family" else "motifs"
        raise StoreError(
            f"states by {by} need a run along chart coordinates whose source has {what}: run "
            f"`nanochart {'families' if by == 'family' else 'label'}` on the source first, or "
            "quench and label the biased run and take --by label"
        )
    known = frames[by].to_numpy().ravel().astype(np.int64)
    labels = LABELS if by == "motif" else tuple(source.info("families")["names"])
    _, neighbours = tree.query(s.reshape(-1, len(charted)), k=_VOTERS)
    votes = known[neighbours]
    counts = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    codes = votes[np.arange(len(votes)), counts.argmax(axis=1)]
    return States(labels, codes.reshape(values.shape[:2]), axes, tree, reach, outside)
