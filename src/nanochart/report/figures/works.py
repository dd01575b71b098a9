"""Figure of the works of steered runs."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from nanochart.report.figures.style import COLUMN, INK, OKABE_ITO, axis_label, new_figure, styled

if TYPE_CHECKING:
    from nanochart.free_energy import WorkEstimate

__all__ = ["draw_works"]


@styled
def draw_works(forward: ArrayLike, backward: ArrayLike | None, found: "WorkEstimate") -> Figure:
    """Distributions of the forward works and, mirrored, of the backward ones.

    They cross at the free-energy difference (Crooks, Phys. Rev. E 60, 2721 (1999)), which is drawn
    with its 95 % interval where it is known; each work is a tick below.

    Parameters
    ----------
    forward, backward
        eV, each the work done on the system; the second may be None.
    found
        The difference from `nanochart.free_energy.bar` or `jarzynski`.
    """
    parts = [("forward, $W$", np.asarray(forward, dtype=np.float64).ravel(), OKABE_ITO["blue"])]
    if backward is not None and np.size(backward):
        mirrored = -np.asarray(backward, dtype=np.float64).ravel()
        parts.append(("backward, $-W$", mirrored, OKABE_ITO["vermillion"]))
    both = np.concatenate([works for _, works, _ in parts])
    bins = np.histogram_bin_edges(both, bins=int(np.clip(1.2 * np.sqrt(len(both)), 8, 40))).tolist()
    figure = new_figure(COLUMN, 2.5)
    panel = figure.subplots()
    for k, (name, works, color) in enumerate(parts):
        panel.hist(works, bins, density=True, histtype="stepfilled", color=color, alpha=0.3, lw=0)
        panel.hist(works, bins, density=True, histtype="step", color=color, lw=1.1, label=name)
        height = -0.03 - 0.04 * k
        panel.plot(
            works, np.full(len(works), height), "|", color=color, ms=4, mew=0.5, alpha=0.6,
            transform=panel.get_xaxis_transform(), clip_on=False,
        )  # fmt: skip
    if found.known:
        half = 1.96 * found.error
        panel.axvspan(found.value - half, found.value + half, color=INK, alpha=0.15, lw=0)
        sign = "" if found.reliable else " (not reliable)"
        label = f"$\\Delta F$ = {found.value:.3f} eV{sign}"
        panel.axvline(found.value, color=INK, lw=0.9, label=label)
    else:
        panel.plot([], [], " ", label="$\\Delta F$ is unknown")
    panel.set_xlabel(axis_label("work", "eV"))
    panel.set_ylabel(axis_label("density", "1/eV"))
    panel.tick_params(axis="x", pad=9)
    panel.legend(loc="upper left", bbox_to_anchor=(0.0, 1.22), ncols=2, borderaxespad=0.0)
    return figure
