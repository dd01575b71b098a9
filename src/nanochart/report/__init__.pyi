from .explorer.explorer import (
    BLOCK as BLOCK,
    Explorer as Explorer,
    Property as Property,
    StructureBlock as StructureBlock,
    write_explorer as write_explorer,
)
from .explorer.properties import run_properties as run_properties
from .figures import track as track
from .figures.anchored import (
    AnchoredNumbers as AnchoredNumbers,
    anchored_cards as anchored_cards,
    anchored_differences_figure as anchored_differences_figure,
    anchored_populations_figure as anchored_populations_figure,
)
from .figures.charts import (
    Coloring as Coloring,
    chart_overview as chart_overview,
    chart_projections as chart_projections,
)
from .figures.energies import (
    caloric_curve as caloric_curve,
    energy_distributions as energy_distributions,
    energy_map as energy_map,
    inherent_energy_curve as inherent_energy_curve,
)
from .figures.exchange import (
    exchange_acceptance as exchange_acceptance,
    ladder_mixing as ladder_mixing,
    temperature_walks as temperature_walks,
)
from .figures.free_energy import (
    free_energy_figures as free_energy_figures,
    runs_figures as runs_figures,
)
from .figures.learning import (
    learning_curves as learning_curves,
    reconstruction_errors as reconstruction_errors,
    reconstruction_examples as reconstruction_examples,
)
from .figures.movie import MovieFrame as MovieFrame, follow as follow, write_movie as write_movie
from .figures.shared_chart import shared_chart as shared_chart
from .figures.style import category_colors as category_colors, style as style
from .figures.thermodynamics import thermodynamics_cards as thermodynamics_cards
from .figures.works import draw_works as draw_works
from .page.page import (
    FigureCard as FigureCard,
    Gallery as Gallery,
    Header as Header,
    Listing as Listing,
    Missing as Missing,
    Pointer as Pointer,
    Section as Section,
    Table as Table,
    build_report as build_report,
    save_figures as save_figures,
)
from .page.run_data import RunData as RunData
from .page.run_report import run_sections as run_sections
from .page.run_results import Bias as Bias, RunResults as RunResults
from .structures.pictures import (
    Cluster as Cluster,
    Picture as Picture,
    cluster_gallery as cluster_gallery,
    draw_clusters as draw_clusters,
    element_color as element_color,
)
from .structures.spheres import Shading as Shading, render_spheres as render_spheres
from .structures.views import zone_axis_view as zone_axis_view
