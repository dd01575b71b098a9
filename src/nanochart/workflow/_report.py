"""The report of a run, from what its stages have left."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from nanochart._progress import Progress, silent
from nanochart.autoencoder import Model
from nanochart.clusters import build
from nanochart.errors import ConvergenceError, NanochartError, StoreError
from nanochart.potentials import GUPTA_PARAMETERS
from nanochart.report import (
    FigureCard,
    Gallery,
    Section,
    build_report,
    run_sections,
    save_figures,
)
from nanochart.store import Run
from nanochart.tempering import Thermodynamics
from nanochart.workflow._chart import check_charted, check_model, check_trained
from nanochart.workflow._fes import FreeEnergies, fes_run
from nanochart.workflow._ladder import populations_at_rungs
from nanochart.workflow._sessions import asked_config
from nanochart.workflow._thermo import thermo_run

__all__ = ["reference_energies", "report_run"]

#: Motifs whose best structures a run's energies are compared with.
_REFERENCES = ("icosahedron", "decahedron", "octahedron", "twin")


def reference_energies(element: str, n_atoms: int) -> dict[str, float]:
    """Energy in eV of the built structure of each motif, with the Gupta potential.

    Empty where there are no parameters for the metal or no structures of that size.
    """
    known = _references(element, n_atoms)
    return {motif: float(atoms.info["energy"]) for motif, atoms in known.items()}


def _references(element: str, n_atoms: int) -> dict[str, Atoms]:
    if element not in GUPTA_PARAMETERS or not 13 <= n_atoms <= 3_000:
        return {}
    return {motif: build(motif, element, n_atoms) for motif in _REFERENCES}


def report_run(
    run: Run,
    path: str | Path,
    model: Model | None = None,
    *,
    biased: Sequence[Run] = (),
    wall_time: float | None = None,
    figures: str | Path | None = None,
    progress: Progress = silent,
) -> Path:
    """Write the HTML report of a run.

    Parameters
    ----------
    run
        However far it has come.
    path
        File to write.
    model
        Trained on the run.
    biased
        Biased runs along its chart, for the section on free energies. A biased run tells its own.
    wall_time
        Seconds that it took, if known.
    figures
        Folder for the figures as PNG and PDF.
    progress
        Told of every figure.
    """
    if model is not None:
        check_model(run, model)
        (check_charted if run.committed("chart") else check_trained)(run, model)
    facts = run.metadata
    metadata = {**dataclasses.asdict(facts), "config": asked_config(run)}
    if facts.potential.get("form") == "gupta":
        known = _references(facts.element, facts.n_atoms)
        metadata["references"] = {motif: float(a.info["energy"]) for motif, a in known.items()}
        metadata["start_structures"] = {
            motif: atoms.positions for motif, atoms in known.items() if motif in facts.start_motifs
        }
    metadata["families"] = run.info("families")
    metadata["thermodynamics"] = _thermodynamics(run)
    frames = run.frames()
    for stage, name in (("label", "motif"), ("families", "family")):
        if frames.has(stage):
            found = frames.motifs if stage == "label" else frames.families
            metadata[f"{name}_populations"] = populations_at_rungs(
                frames, run, found.codes, found.names
            )
    if wall_time is not None:
        metadata["wall_time_s"] = wall_time
    energies = _free_energies(run, biased, progress)
    header, sections = run_sections(run.to_xarray(), metadata, model, free_energies=energies)
    sections = _counted(sections, progress, rounds=1 if figures is None else 2)
    if figures is not None:
        save_figures(sections, figures)
    return build_report(sections, path, header=header)


def _thermodynamics(run: Run) -> Thermodynamics | None:
    """What `nanochart thermo` says of a run; None where its ladder is too short or has a gap."""
    try:
        return thermo_run(run)
    except (StoreError, ValueError, ConvergenceError):  # the report's verdict says what is wrong
        return None


def _free_energies(
    run: Run, biased: Sequence[Run], progress: Progress
) -> list[FreeEnergies | str] | None:
    """Of the biased runs, or of the run itself where it is one; None where there is none.

    A run that has none yet, because it is too short or its windows do not overlap, is a sentence.
    """
    runs = list(biased) or ([run] if run.metadata.kind == "biased" else [])
    equilibrium = [each for each in runs if each.metadata.provenance.get("method") != "steered"]
    if not runs:
        return None
    found: list[FreeEnergies | str] = []
    for each in equilibrium:
        try:
            found.append(fes_run(each, progress=progress))
        except (NanochartError, ValueError) as error:
            found.append(str(error))
    return found


def _counted(sections: Sequence[Section], progress: Progress, rounds: int) -> tuple[Section, ...]:
    """Sections whose figures report that they were drawn; each will be, ``rounds`` times."""
    drawable = [x for s in sections for x in s.items if isinstance(x, (FigureCard, Gallery))]
    total, done = rounds * len(drawable), itertools.count(1)

    def counted(draw: Any) -> Callable[[], Any]:
        def drawn() -> Any:
            result = draw() if callable(draw) else draw
            progress("report", next(done), total)
            return result

        return drawn

    def item(x: Any) -> Any:
        if isinstance(x, FigureCard):
            return dataclasses.replace(x, figure=counted(x.figure))
        return dataclasses.replace(x, pictures=counted(x.pictures)) if x in drawable else x

    return tuple(dataclasses.replace(s, items=tuple(map(item, s.items))) for s in sections)
