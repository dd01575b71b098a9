"""Figures and the HTML report.

Nothing here computes and nothing elsewhere draws: results come ready, as `RunResults`. Figure
functions take arrays and results and return a :class:`matplotlib.figure.Figure`; pyplot is never
used, so no display is needed and matplotlib's settings stay as the caller has them.
"""

from nanochart.report._charts import Coloring, chart_overview, chart_projections
from nanochart.report._energies import (
    caloric_curve,
    energy_distributions,
    energy_map,
    inherent_energy_curve,
)
from nanochart.report._exchange import exchange_acceptance, ladder_mixing, temperature_walks
from nanochart.report._explorer import Explorer, Property, StructureBlock, write_explorer
from nanochart.report._learning import (
    learning_curves,
    reconstruction_errors,
    reconstruction_examples,
)
from nanochart.report._page import (
    FigureCard,
    Gallery,
    Header,
    Listing,
    Missing,
    Section,
    Table,
    build_report,
    save_figures,
)
from nanochart.report._pictures import (
    Cluster,
    Picture,
    cluster_gallery,
    draw_clusters,
    element_color,
)
from nanochart.report._run_data import RunData
from nanochart.report._run_report import run_sections
from nanochart.report._run_results import Bias, RunResults
from nanochart.report._shared_chart import shared_chart
from nanochart.report._spheres import Shading, render_spheres
from nanochart.report._style import category_colors, style
from nanochart.report._views import principal_view, zone_axis_view
from nanochart.report._works import draw_works

__all__ = [
    "Bias",
    "Cluster",
    "Coloring",
    "Explorer",
    "FigureCard",
    "Gallery",
    "Header",
    "Listing",
    "Missing",
    "Picture",
    "Property",
    "RunData",
    "RunResults",
    "Section",
    "Shading",
    "StructureBlock",
    "Table",
    "build_report",
    "caloric_curve",
    "category_colors",
    "chart_overview",
    "chart_projections",
    "cluster_gallery",
    "draw_clusters",
    "draw_works",
    "element_color",
    "energy_distributions",
    "energy_map",
    "exchange_acceptance",
    "inherent_energy_curve",
    "ladder_mixing",
    "learning_curves",
    "principal_view",
    "reconstruction_errors",
    "reconstruction_examples",
    "render_spheres",
    "run_sections",
    "save_figures",
    "shared_chart",
    "style",
    "temperature_walks",
    "write_explorer",
    "zone_axis_view",
]
