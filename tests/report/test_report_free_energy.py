"""Free energies in the report: numbers where they are known, and none where they are not."""

import dataclasses
import re

import numpy as np
import pytest
from matplotlib.text import Text

from nanochart.free_energy import (
    FreeEnergies,
    IndependentRuns,
    basins,
    free_energy_surface,
    minimum_path,
)
from nanochart.landscape import States
from nanochart.report.figures.free_energy import draw_differences, free_energy_figures
from nanochart.report.page.free_energy import free_energy_section
from nanochart.report.page.page import FigureCard, Missing, Table
from nanochart.statistics import Weighted, growth, state_populations
from nanochart.testing import WellMixture

TIMES, WALKERS = 2000, 4
NUMBER = re.compile(r"\d\.\d")


def free_energies(dimension, *, mixing):
    """Two wells at 300 K, of which each walker sees both or stays in one."""
    centres = ((-0.6,) + (0.0,) * (dimension - 1), (0.6,) + (0.0,) * (dimension - 1))
    well = WellMixture(centres, (0.6, 0.4), sigma=0.4)
    rng = np.random.default_rng(0)
    s = well.draw(TIMES * WALKERS, rng)
    if not mixing:
        s = s[np.argsort(s[:, 0] > 0, kind="stable")]
        s = s.reshape(WALKERS, TIMES, dimension).swapaxes(0, 1)
    s = s.reshape(TIMES, WALKERS, dimension)
    weighted = Weighted(np.zeros((TIMES, WALKERS)))
    codes = (s[..., 0] > 0).astype(np.int64)
    names = ("dh/1", "fcc/1")
    found = state_populations(codes, weighted, 300.0, names)
    surface = free_energy_surface(s, weighted, 300.0)
    path = None if dimension == 2 else minimum_path(surface, centres[0], centres[1])
    minima = tuple((names[int(b.place[0] > 0)], b.place, b.energy) for b in basins(surface))
    variables = tuple(f"s{k + 1}" for k in range(dimension))
    return FreeEnergies(
        "opes.zarr", "opes", 300.0, variables, ("1",) * dimension, surface, None,
        States(names, codes), found.found, (0, 1), found.difference(0, 1), growth(found, 0, 1),
        path, minima, 0, TIMES, TIMES, 0.0, None,
    )  # fmt: skip


def words(figure):
    """Every text that a figure shows."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(Text)]


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_surface_that_is_known_has_a_scale_and_says_what_its_errors_are(dimension):
    found = free_energies(dimension, mixing=True)
    assert not found.surface.why
    figures = free_energy_figures(found)
    assert "free energy (eV)" in words(figures["surface"])
    assert any(w.startswith("$F$(fcc/1) - $F$(dh/1)") for w in words(figures["convergence"]))
    section = free_energy_section([found])
    surface, difference = (x for x in section.items if isinstance(x, FigureCard))
    said = {1: "band: 95 % interval", 2: "b: its standard error", 3: "third variable summed out"}
    assert said[dimension] in surface.caption
    assert "at 300 K, OPES" in surface.caption
    assert "with 95 % intervals" in difference.caption
    (table,) = (x for x in section.items if isinstance(x, Table))
    assert all(NUMBER.search(row[1]) for row in table.rows)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_what_walkers_that_never_mix_say_is_shown_without_a_number(dimension):
    found = free_energies(dimension, mixing=False)
    assert found.surface.why
    figures = free_energy_figures(found)
    assert set(figures) == {"surface"}  # no difference and no path
    shown = words(figures["surface"])
    assert not any("eV" in text for text in shown)
    assert any("often" in text for text in shown)
    section = free_energy_section([found])
    (card,) = (x for x in section.items if isinstance(x, FigureCard))
    assert "The free energy is unknown: of 248 slices of time about" in card.caption
    assert not [x for x in section.items if isinstance(x, Table)]
    (missing,) = (x for x in section.items if isinstance(x, Missing))
    assert "not converged" in missing.text
    assert missing.text.endswith("Seen, with a share that is unknown: dh/1, fcc/1.")


def test_a_difference_that_a_run_does_not_know_is_no_point():
    parts = tuple(free_energies(1, mixing=mixing) for mixing in (True, False))
    gaps = tuple(part.difference for part in parts)
    runs = IndependentRuns(parts, parts[0], ("dh/1", "fcc/1"), gaps, None)
    figure = draw_differences(runs)
    (panel,) = figure.axes
    assert sum(line.get_marker() == "o" for line in panel.lines) == 1
    assert words(figure).count("unknown") == 1
    none = dataclasses.replace(runs, parts=parts[1:], differences=gaps[1:])
    assert not draw_differences(none).axes[0].get_xticks().size
