"""Draw heat capacity and populations of short ladders about melting, from two starts.

`python docs/validation/melting.py` makes `melting-SYSTEM.png` of the tables `SYSTEM-solid.csv` and
`SYSTEM-liquid.csv` beside this file, which are `thermo.csv` of `nanochart thermo`.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nanochart.report.figures.style import (
    INK,
    OKABE_ITO,
    PAGE,
    axis_label,
    category_colors,
    letter_panels,
    new_figure,
    style,
)
from nanochart.units import BOLTZMANN

HERE = Path(__file__).parent
#: System -> number of atoms, and the published melting temperature in K where there is one.
SYSTEMS = {"Au147": (147, 505.0), "Cu147": (147, 779.0), "Au90": (90, None), "Ag147": (147, None)}
STARTS = {"solid": "-", "liquid": (0, (4, 1.5))}
#: Share below which a motif is left out.
_SHARE = 0.01


def drawn(name: str) -> Figure:
    """Heat capacity and populations of a system from both starts."""
    n_atoms, published = SYSTEMS[name]
    tables = {start: pd.read_csv(HERE / f"{name.lower()}-{start}.csv") for start in STARTS}
    figure = new_figure(PAGE, 2.7)
    left, right = figure.subplots(1, 2)
    unit = n_atoms * BOLTZMANN
    for (start, table), color in zip(
        tables.items(), (OKABE_ITO["vermillion"], OKABE_ITO["blue"]), strict=True
    ):
        T, C = table["temperature (K)"], "heat capacity (eV/K)"
        left.fill_between(T, table[f"{C} low"] / unit, table[f"{C} high"] / unit, color=color,
                          alpha=0.22, lw=0)  # fmt: skip
        left.plot(T, table[C] / unit, color=color, lw=1.1, label=f"{start} start")
    if published is not None:
        left.axvline(published, color=INK, lw=0.8, ls=(0, (4, 2)), label="published")
    left.set_xlabel(axis_label("temperature", "K"))
    left.set_ylabel(axis_label("heat capacity per atom", "$k$"))
    left.legend(loc="upper left")
    prefix = "population of "
    named = [c.removeprefix(prefix) for c in next(iter(tables.values())).columns if prefix in c]
    motifs = [m for m in named if not m.endswith((" low", " high"))]
    for motif, color in zip(motifs, category_colors(motifs), strict=True):
        seen = [
            np.nanmax(np.append(t[prefix + motif].to_numpy(float), 0.0)) for t in tables.values()
        ]
        if max(seen) < _SHARE:
            continue
        for start, table in tables.items():
            T, share = table["temperature (K)"], 100.0 * table[prefix + motif]
            right.plot(T, share, color=color, lw=1.1, ls=STARTS[start],
                       label=motif if start == "solid" else None)  # fmt: skip
            right.fill_between(T, 100.0 * table[f"{prefix}{motif} low"],
                               100.0 * table[f"{prefix}{motif} high"], color=color, alpha=0.15,
                               lw=0)  # fmt: skip
    right.set_ylim(-2.0, 102.0)
    right.set_xlabel(axis_label("temperature", "K"))
    right.set_ylabel(axis_label("population", "%"))
    right.legend(loc="best")
    letter_panels([left, right], [name, ""])
    return figure


if __name__ == "__main__":
    with style():
        for system in SYSTEMS:
            if (HERE / f"{system.lower()}-solid.csv").exists():
                drawn(system).savefig(HERE / f"melting-{system.lower()}.png", dpi=160)
