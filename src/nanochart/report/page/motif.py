"""The sections on motifs and on families: how often, at which temperature, what they look like."""

from functools import partial
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from nanochart.motifs import LABELS, atom_types
from nanochart.report.figures.charts import Coloring, chart_projections
from nanochart.report.figures.populations import MOTIF_WORDS, populations_figure
from nanochart.report.page.inherent import number
from nanochart.report.page.page import FigureCard, Gallery, Item, Missing, Section, Table
from nanochart.report.page.run_data import RunData
from nanochart.report.page.run_results import Bias
from nanochart.report.structures.atom_types import (
    ATOM_TYPE_COLORS,
    ATOM_TYPE_PHRASES,
    ATOM_TYPE_SIZES,
)
from nanochart.report.structures.pictures import Cluster, Picture, draw_clusters
from nanochart.statistics import Estimate

__all__ = ["family_section", "motif_section"]

#: How populations are drawn, for captions.
POPULATION_WORDS = (
    "by MBAR; bars: 95 % intervals. Open and dotted, without a bar: what was sampled, of which too "
    "little is independent to know it."
)
#: Families that are drawn and listed; the rest is in the run.
_MOST_FAMILIES = 24
_FAMILY_CURVES = 8
_ATOMS = (
    "Atoms: "
    + ", ".join(
        f"{colour} {ATOM_TYPE_PHRASES[name]}"
        for colour, name in (
            ("green", "fcc"),
            ("red", "hcp"),
            ("violet", "axis"),
            ("yellow", "ico"),
            ("grey", "other"),
        )
    )
    + "."
)


def motif_section(run: RunData, picture_size: int) -> Section:
    """Share of each motif, its populations against temperature, and its lowest structure."""
    text = (
        "Each inherent structure is given one of six classes by common neighbour analysis: "
        "decahedra (dh) have one five-fold axis, icosahedra (ih) the axes of one centre, fcc "
        "neither axes nor twin planes, twins parallel twin planes or stacking faults; amorphous "
        "structures have hardly an ordered atom inside, and mix is all else."
    )
    codes = run.motif_codes
    if codes is None:
        return Section("Motifs", text, (Missing("No labels yet:", "nanochart label RUN"),))
    items: list[Item] = [_motif_table(run, codes)]
    found = run.results.motif_populations
    items += _unknown(found, run)
    if np.any(found.known) and run.ladder is not None:
        names = [name for k, name in enumerate(LABELS) if (codes == k).any()]
        rows = [LABELS.index(name) for name in names]
        items.append(
            FigureCard(
                "motif-populations",
                partial(populations_figure, run.ladder, found, rows, names),
                "Share of the configurations of each motif (%) at each temperature (K) of the "
                f"ladder, {POPULATION_WORDS}",
                "Populations of the motifs against temperature.",
                wide=False,
            )
        )
    items += _pictures(
        run,
        [(name, run.lowest(codes == k)) for k, name in enumerate(LABELS)],
        "The lowest minimum of each motif, its energy relative to the lowest of all.",
        picture_size,
    )
    return Section("Motifs", text, tuple(items))


def family_section(run: RunData, picture_size: int) -> Section:
    """Show the families of the chart: their map, their cards, representatives and populations."""
    text = (
        "Families are groups of minima that lie together in the chart, found there without any "
        "label. Each is named by the motif of most of its members and its rank in size. What is "
        "said of a family holds for most of its members and sets it apart from its siblings of the "
        "same motif."
    )
    about = run.results.families
    codes, cards = run.family_codes, list(about.get("cards") or ())
    if run.results.bias is not None and cards:
        return _families_of_source(run.results.bias, text, cards)
    if codes is None or not cards:
        return Section("Families", text, (Missing("No families yet:", "nanochart families RUN"),))
    names = ("noise", *(str(card["name"]) for card in cards))
    items: list[Item] = []
    points = run.places("inherent")
    if points is not None and points.shape[-1] >= 2:
        coloring = Coloring("family", "", codes.ravel().astype(int), categories=names)
        items.append(
            FigureCard(
                "chart-families",
                partial(chart_projections, points.reshape(-1, points.shape[-1]), coloring),
                "The chart of the minima, coloured by family: the hue is that of the motif, the "
                f"shade tells its families apart. {number(int((codes == 0).sum()), 0)} of "
                f"{number(codes.size, 0)} configurations belong to none (noise). Coordinates are "
                "dimensionless.",
                "Scatter plots of the chart coloured by family.",
            )
        )
    items.append(_cards_table(cards, np.bincount(codes[codes >= 0], minlength=len(names))))
    items += _pictures(
        run,
        [(str(card["name"]), tuple(card["representative"])) for card in cards[:_MOST_FAMILIES]],
        "Representative of each family: the member nearest to all others in the chart. Energies "
        "relative to the lowest minimum of all.",
        picture_size,
    )
    found = run.results.family_populations
    items += _unknown(found, run)
    if np.any(found.known) and run.ladder is not None:
        rows = list(range(1, 1 + min(len(cards), _FAMILY_CURVES)))
        items.append(
            FigureCard(
                "family-populations",
                partial(populations_figure, run.ladder, found, rows, [names[k] for k in rows]),
                f"Share of the configurations of the {len(rows)} largest families (%) at each "
                f"temperature (K) of the ladder, {POPULATION_WORDS}",
                "Populations of the families against temperature.",
                wide=False,
            )
        )
    measures = _measures_table(about.get("measures") or {})
    if measures is not None:
        items.append(measures)
    return Section("Families", text, tuple(items))


def _motif_table(run: RunData, codes: NDArray[Any]) -> Table:
    rows = []
    margins = run.margins
    for k, name in enumerate(LABELS):
        here = codes == k
        if not here.any():
            continue
        place = run.lowest(here)
        lowest = (
            ""
            if place is None or run.inherent_energy is None
            else number(float(run.inherent_energy[place]) - run.reference, 3)
        )
        margin = "" if margins is None else f"{np.nanmedian(margins[here]):.2f}"
        span = ""
        if run.temperature is not None:
            low, high = np.nanmin(run.temperature[here]), np.nanmax(run.temperature[here])
            span = f"{low:.0f} to {high:.0f}"
        count = number(int(here.sum()), 0)
        words = name if MOTIF_WORDS[name] == name else f"{name} ({MOTIF_WORDS[name]})"
        rows.append((words, count, lowest, span, margin))
    return Table(
        tuple(rows),
        ("motif", "configurations", "lowest minimum (eV)", "seen at (K)", "median margin"),
        "Motifs of the inherent structures, how many of the configurations of all temperatures "
        "have each, which is no population; energies above the lowest minimum. The margin says how "
        "far a structure is from another class, 0 to 1.",
    )


def _unknown(found: Estimate, run: RunData) -> list[Item]:
    """Why no share is known, where the run has a ladder."""
    if np.any(found.known) or run.ladder is None or not found.reason:
        return []
    return [Missing(f"Populations are unknown. {found.reason[0].upper()}{found.reason[1:]}.")]


def _families_of_source(bias: Bias, text: str, cards: list[Any]) -> Section:
    """The families of the chart that a run was biased along, which are those of its source."""
    where = (
        f" Those of {bias.source}, from which this run was begun; how often it has visited them is "
        "said with its free energies."
    )
    return Section("Families", text + where, (_cards_table(cards, None),))


def _cards_table(cards: list[Any], counts: NDArray[Any] | None) -> Table:
    """Cards by size; ``counts`` (family,) are of configurations, noise first."""
    rows = [
        (
            str(card["name"]),
            *(() if counts is None else (number(int(counts[k]), 0),)),
            f"{card['minima']}",
            f"{100 * card['purity']:.0f}\N{NO-BREAK SPACE}%",
            f"{number(card['energy_low'], 2)}–{number(card['energy_high'], 2)}",
            _sentence(card),
        )
        for k, card in enumerate(cards[:_MOST_FAMILIES], start=1)
    ]
    more = len(cards) - len(rows)
    left_out = f" {more} smaller ones are not listed." if more > 0 else ""
    return Table(
        tuple(rows),
        (
            "family",
            *(() if counts is None else ("configurations",)),
            "minima",
            "purity",
            "energies (eV)",
            "what it is",
        ),
        "Families by size: distinct minima in them, the share of their motif, energies above the "
        f"lowest minimum.{left_out}",
    )


def _sentence(card: Any) -> str:
    text = str(card["sentence"])
    return text[:1].upper() + text[1:]


def _measures_table(measures: dict[str, Any]) -> Table | None:
    words = {
        "purity_without_mix": "Neighbours of a held-out structure in the chart, of 15, that share "
        "its motif (without mix)",
        "purity": "The same with mix",
        "trustworthiness": "Trustworthiness: neighbours in the chart are neighbours in the RDF",
        "continuity": "Continuity: neighbours in the RDF are neighbours in the chart",
        "explained_by_families": "Variance of the defects that the family explains",
        "explained_by_kmeans": "The same by as many k-means clusters of the RDF",
        "explained_by_chance": "The same by a random split into as many",
    }
    rows = tuple((text, f"{measures[key]:.3f}") for key, text in words.items() if measures.get(key))
    return Table(rows, ("measure", "value"), "How good chart and families are.") if rows else None


def _pictures(
    run: RunData,
    places: list[tuple[str, tuple[Any, ...] | None]],
    caption: str,
    picture_size: int,
) -> list[Item]:
    """Draw structures with atoms coloured by type; nothing where no structure is stored."""
    known = [(name, place) for name, place in places if place is not None]
    if not known or run.structure(*known[0][1]) is None:
        return []
    return [Gallery(partial(_drawn, run, known, picture_size), f"{caption} {_ATOMS}")]


def _drawn(
    run: RunData, places: list[tuple[str, tuple[Any, ...]]], picture_size: int
) -> tuple[Picture, ...]:
    palette = {name: to_rgb(color) for name, color in ATOM_TYPE_COLORS.items()}
    clusters = []
    for name, (frame, replica) in places:
        positions = run.structure(int(frame), int(replica))
        if positions is None:
            continue
        types = atom_types(positions, run.element, nearest_neighbour=run.nearest_neighbour)
        energy = run.inherent_energy
        note = (
            ""
            if energy is None
            else (f"+{number(float(energy[int(frame), int(replica)]) - run.reference, 3)} eV")
        )
        colors = np.array([palette[str(t)] for t in types])
        sizes = np.array([ATOM_TYPE_SIZES[str(t)] for t in types])
        clusters.append(Cluster(name, positions, note, colors, sizes))
    return draw_clusters(clusters, run.element, size=picture_size)
