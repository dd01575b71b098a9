"""Results as pictures in a notebook."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["show_in_notebook"]

#: Points of a chart that are drawn.
_POINTS = 20_000


def show_in_notebook(shell: Any) -> None:
    """Let an IPython shell show studies, models and results as pictures.

    ``%load_ext nanochart`` calls it. What a picture cannot be made of keeps its text.

    Parameters
    ----------
    shell
        The `IPython.core.interactiveshell.InteractiveShell`.
    """
    png = shell.display_formatter.formatters["image/png"]
    for (module, name), draw in _DRAWN.items():
        png.for_type_by_name(module, name, _picture(draw))


def _picture(draw: Any) -> Any:
    def drawn(result: Any) -> bytes | None:
        figure = draw(result)
        if figure is None:
            return None
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=120)
        return buffer.getvalue()

    return drawn


def _surface(found: Any) -> "Figure":
    from nanochart.report import free_energy_figures

    return free_energy_figures(found)["surface"]


def _populations(found: Any) -> "Figure":
    from nanochart.report import anchored_populations_figure

    return anchored_populations_figure(found.numbers)


def _learning(model: Any) -> "Figure | None":
    from nanochart.report import learning_curves

    return learning_curves(model.history) if model.history.curves else None


def _chart(study: Any) -> "Figure | None":
    """The chart of a run, coloured by motif where there are any, else by energy."""
    from nanochart.motifs import LABELS
    from nanochart.report import Coloring, chart_overview

    frames = study.run.frames()
    if not frames.has("chart") or frames.n_coordinates < 2:
        return None
    places = frames.chart("thermal").coordinates.reshape(-1, frames.n_coordinates)
    if frames.has("label"):
        coloring = Coloring("motif", "", frames.motifs.codes.ravel(), categories=LABELS)
    else:
        energies = frames.thermal.energies
        if energies is None:
            return None
        coloring = Coloring("potential energy", "eV", np.asarray(energies).ravel())
    return chart_overview([(study.path.stem, places)], [[coloring]], max_points=_POINTS)


#: Module and name of a class -> what draws it. By name, so that nothing is loaded for it.
_DRAWN = {
    ("nanochart.workflow.study", "Study"): _chart,
    ("nanochart.free_energy.results", "FreeEnergies"): _surface,
    ("nanochart.workflow.anchor.result", "Anchored"): _populations,
    ("nanochart.autoencoder.model", "Model"): _learning,
}
