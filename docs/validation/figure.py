"""Draw the heat capacities of the validation runs from their tables beside this file.

The tables are `thermo.csv` of `nanochart thermo`; `python docs/validation/figure.py` makes
`heat-capacity.png` again.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from nanochart.report.figures.style import (
    COLUMN,
    INK,
    MUTED,
    OKABE_ITO,
    axis_label,
    new_figure,
    style,
)
from nanochart.units import BOLTZMANN

HERE = Path(__file__).parent
#: System -> number of atoms, and the published melting temperature in K where there is one.
SYSTEMS = {"Au147": (147, 505.0), "Cu147": (147, 779.0), "Au90": (90, None), "Ag147": (147, None)}


def drawn() -> Figure:
    """One panel per system."""
    figure = new_figure(2 * COLUMN, 4.6)
    for place, (name, (n_atoms, published)) in enumerate(SYSTEMS.items(), start=1):
        T, *_, C, low, high = np.genfromtxt(
            HERE / f"{name.lower()}.csv", delimiter=",", skip_header=1
        ).T[:7]
        unit = n_atoms * BOLTZMANN
        panel = figure.add_subplot(2, 2, place)
        panel.fill_between(
            T, low / unit, high / unit, color=OKABE_ITO["vermillion"], alpha=0.25, lw=0
        )
        panel.plot(T, C / unit, color=OKABE_ITO["vermillion"], lw=1.2, label="nanochart, resampled")
        if published is not None:
            panel.axvline(
                published, color=INK, lw=0.9, ls=(0, (4, 2)), label=f"published, {published:.0f} K"
            )
        panel.axhline(3.0 - 3.0 / n_atoms, color=MUTED, lw=0.7)
        panel.set_title(name, loc="left")
        panel.set_ylim(bottom=0.0)
        panel.set_xlabel(axis_label("temperature", "K"))
        panel.set_ylabel(axis_label("heat capacity per atom", "$k$"))
        panel.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    with style():
        drawn().savefig(HERE / "heat-capacity.png", dpi=160)
