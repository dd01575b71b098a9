"""From a run to its explorer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from nanochart.autoencoder import Model
from nanochart.landscape import Decimation, decimate, reconstruction_errors
from nanochart.metals import NEAREST_NEIGHBOUR
from nanochart.progress import Progress, silent
from nanochart.report import (
    BLOCK,
    Explorer,
    RunData,
    StructureBlock,
    element_color,
    run_properties,
    write_explorer,
)
from nanochart.store import Frames, Run
from nanochart.workflow.chart import check_charted, check_model
from nanochart.workflow.labels import atom_type_codes

__all__ = ["Explored", "explore_run", "explorer_path"]


@dataclass(frozen=True)
class Explored:
    """What became of a run's structures: the file, how many it shows, and of how many."""

    path: Path
    shown: int
    total: int
    colorings: tuple[str, ...]


def explorer_path(run: Path) -> Path:
    """Where the explorer of a run is written unless another place is asked for."""
    return run.with_name(f"{run.stem}-explore.html")


def explore_run(
    run: Run,
    path: str | Path,
    model: Model | None = None,
    *,
    max_structures: int = 20_000,
    seed: int = 0,
    progress: Progress = silent,
) -> Explored:
    """Write the explorer of a run: its chart and structures, linked, in one HTML file.

    Shown are the inherent structures of the frames that have one, or the thermal ones of a run that
    is not quenched, in the chart, or by energy and temperature where there is none; coloured by all
    that is known. Of more structures than ``max_structures``, `nanochart.landscape.decimate`
    chooses, with the families and with the reconstruction errors and energies as extremes.

    Parameters
    ----------
    run
        However far it has come.
    path
        The file.
    model
        Trained on the run; gives the reconstruction errors.
    max_structures
        How many to show at most.
    seed
        Of the choice.
    progress
        Function that is called after every block with how far the work is.

    Returns
    -------
    Explored
        What the page holds.

    Raises
    ------
    StoreError
        If the run has nothing to show.
    ModelError
        If model and run do not fit.
    """
    whole = run.frames().require()
    quenched = whole.has("quench")
    frames = whole.with_minima() if quenched else whole
    kind_of: Literal["thermal", "inherent"] = "inherent" if quenched else "thermal"
    data = RunData(frames, run.metadata)
    errors = None
    if model is not None:
        check_model(run, model)
        check_charted(run, model)
        if quenched:
            errors = _errors(frames, run.metadata.element, model, progress)
    properties, axes = run_properties(
        data,
        chart=kind_of if frames.has("chart") else None,
        family_names=_family_names(run),
        errors=errors,
        numbers=frames.numbers,
    )
    energies = np.asarray(data.inherent_energy if quenched else data.energy, dtype=np.float64)
    families = data.family_codes
    chosen = decimate(
        energies.size,
        max_structures,
        families=None if families is None else families.ravel(),
        extremes=(
            energies.ravel(),
            -energies.ravel(),
            *(() if errors is None else (errors,)),
        ),
        seed=seed,
    )
    kept = [p.chosen(chosen.indices) for p in properties]
    kind = "inherent structures" if quenched else "thermal configurations"
    facts = run.metadata
    distance = run.info("label").get("nearest_neighbour")
    explorer = Explorer(
        title=f"{facts.element}{facts.n_atoms}",
        subtitle=f"{_counted(chosen)} {kind} of {run.path.name}",
        element=facts.element,
        n_atoms=facts.n_atoms,
        color=to_hex(element_color(facts.element)),
        radius=0.5 * NEAREST_NEIGHBOUR.get(facts.element, 2.8),
        properties=kept,
        axes=axes,
        blocks=_blocks(frames, chosen.indices, facts.element, distance, progress),
        notes=[*_notes(chosen, with_errors=errors is not None), *_thinned(frames, whole)],
    )
    written = write_explorer(explorer, path)
    return Explored(
        written,
        len(chosen.indices),
        chosen.n_total,
        tuple(p.name for p in kept if p.button),
    )


def _family_names(run: Run) -> Mapping[int, str]:
    """Code -> name of each family, from what the stage recorded."""
    return dict(enumerate(map(str, run.info("families").get("names", ()))))


def _errors(frames: Frames, element: str, model: Model, progress: Progress) -> NDArray[np.float64]:
    """Reconstruction error of every frame, (frame x replica,) in 1/Å."""
    found = []
    for start in range(0, len(frames), 64):
        stop = min(start + 64, len(frames))
        part = frames.take(np.arange(start, stop))
        targets = model.density(part.inherent.positions, element)
        inputs = targets
        if model.target == "inherent":
            inputs = model.density(part.thermal.positions, element)
        found.append(reconstruction_errors(model, inputs, targets).ravel())
        progress("errors", stop, len(frames))
    return np.concatenate(found)


def _blocks(
    frames: Frames,
    indices: NDArray[np.intp],
    element: str,
    distance: float | None,
    progress: Progress,
) -> Iterator[StructureBlock]:
    """Chosen structures, centred, with the types of their atoms."""
    quenched = frames.has("quench")
    stored = frames.inherent if quenched else frames.thermal
    for start in range(0, len(indices), BLOCK):
        positions = stored.structures(indices[start : start + BLOCK])
        positions -= positions.mean(axis=1, keepdims=True)
        types = atom_type_codes(positions, element, distance) if quenched else None
        yield StructureBlock(positions, types)
        progress("explore", min(start + BLOCK, len(indices)), len(indices))


def _counted(chosen: Decimation) -> str:
    if chosen.complete:
        return f"{chosen.n_total:,}"
    return f"{len(chosen.indices):,} of {chosen.n_total:,}"


def _thinned(frames: Frames, whole: Frames) -> list[str]:
    if len(frames) == len(whole):
        return []
    note = (
        f"Of {len(whole):,} frames {len(frames):,} were quenched, one in so many, and the "
        "structures are those of these frames."
    )
    return [note]


def _notes(chosen: Decimation, *, with_errors: bool) -> list[str]:
    if chosen.complete:
        return [f"All {chosen.n_total:,} structures of the run are shown."]
    extreme = f"the {chosen.n_extreme:,} most extreme ones, those of highest and lowest energy"
    parts = [extreme + (" and of largest reconstruction error" if with_errors else "")]
    if chosen.per_family:
        parts.append(f"at least {chosen.per_family} of every family, or the whole of a smaller one")
    if chosen.n_noise_total:
        share = (
            f"all {chosen.n_noise_total:,}"
            if chosen.n_noise == chosen.n_noise_total
            else f"{chosen.n_noise:,} of {chosen.n_noise_total:,}"
        )
        parts.append(f"{share} that belong to no family")
    parts.append("a random choice of the others")
    rule = "; ".join(parts)
    note = (
        f"Of {chosen.n_total:,} structures {len(chosen.indices):,} are shown: {rule}. So rare "
        "structures stand out more than they occur; the numbers beside the categories count what "
        "is shown."
    )
    return [note]
