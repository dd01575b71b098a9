"""The report of a run, from what its stages have left."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ase import Atoms

from nanochart.autoencoder import Model
from nanochart.biasing import ANY_FRAME, BiasPlan
from nanochart.clusters import build
from nanochart.errors import ConvergenceError, NanochartError, StoreError
from nanochart.files import replacing_set
from nanochart.free_energy import FreeEnergies
from nanochart.potentials import GUPTA_PARAMETERS
from nanochart.progress import Progress, silent
from nanochart.report import (
    Bias,
    FigureCard,
    Gallery,
    RunData,
    RunResults,
    Section,
    build_report,
    run_sections,
    save_figures,
)
from nanochart.store import Run
from nanochart.tempering import (
    LadderDiagnostics,
    Thermodynamics,
    ladder_findings,
)
from nanochart.workflow.anchor.run import anchored_numbers
from nanochart.workflow.bias.plans import plan_of
from nanochart.workflow.bias.then import SourceThen
from nanochart.workflow.chart import check_charted, check_model, check_trained
from nanochart.workflow.explore import explorer_path
from nanochart.workflow.fes.run import fes_run
from nanochart.workflow.ladder import (
    energies_at_rungs,
    exchanges,
    ladder_diagnostics,
    ladder_words,
    populations_at_rungs,
)
from nanochart.workflow.reconstruction import held_out_reconstruction
from nanochart.workflow.sessions import asked_config
from nanochart.workflow.thermo import thermo_run

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

    Its numbers are those that `thermo_run`, `fes_run` and the other stages have kept with the run;
    what is not there is computed by the same functions, and kept with a run open for writing.

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
        Function that is called after every figure with how far the work is.
    """
    if model is not None:
        check_model(run, model)
        (check_charted if run.committed("chart") else check_trained)(run, model)
    results = dataclasses.replace(
        _results(run, model, biased, wall_time, progress),
        path=run.path.name,
        explorer=_explorer_beside(run, Path(path)),
    )
    data = RunData(run.frames(), run.metadata, results)
    header, sections = run_sections(data, model)
    sections = _counted(sections, progress, rounds=1 if figures is None else 2)
    if figures is not None:
        with replacing_set(figures, "report") as target:
            save_figures(sections, target)
    return build_report(sections, path, header=header)


def _explorer_beside(run: Run, page: Path) -> str:
    """Name of the explorer that is in the folder of the report; empty where there is none."""
    name = explorer_path(run.path).name
    return quote(name) if page.with_name(name).is_file() else ""


def _results(
    run: Run,
    model: Model | None,
    biased: Sequence[Run],
    wall_time: float | None,
    progress: Progress,
) -> RunResults:
    """What is known of a run: what was kept with it, and what is computed because it was not."""
    facts, frames = run.metadata, run.frames()
    references, starts = {}, {}
    if facts.potential.get("form") == "gupta":
        known = _references(facts.element, facts.n_atoms)
        references = {motif: float(a.info["energy"]) for motif, a in known.items()}
        starts = {m: a.positions for m, a in known.items() if m in facts.start_motifs}
    plan = _plan(run)
    ladder = ladder_diagnostics(frames, run)
    thermodynamics, why = _thermodynamics(run, ladder, progress)
    populations = {of: populations_at_rungs(frames, run, of)[0] for of in ("motif", "family")}
    return RunResults(
        ladder=ladder,
        exchanges=exchanges(run) if ladder is None else ladder.exchanges,
        verdict=ladder_words(run, ladder),
        thermodynamics=thermodynamics,
        no_thermodynamics=why,
        energies=energies_at_rungs(frames, run, "thermal"),
        inherent_energies=energies_at_rungs(frames, run, "inherent"),
        motif_populations=populations["motif"],
        family_populations=populations["family"],
        families=_families(run, plan),
        bias=None if plan is None else _bias(plan),
        free_energies=_free_energies(run, biased, progress),
        anchored=anchored_numbers(run),
        reconstruction=None if model is None else held_out_reconstruction(run, model),
        references=references,
        planned=run.n_frames,
        start_structures=starts,
        config=asked_config(run),
        wall_time=wall_time,
    )


def _thermodynamics(
    run: Run, ladder: LadderDiagnostics | None, progress: Progress
) -> tuple[Thermodynamics | None, str]:
    """What `nanochart thermo` says of a run; None with the reason where its ladder has a gap.

    Its warnings are those that are not about the ladder, which has a verdict of its own.
    """
    try:
        found = thermo_run(run, progress=progress)
    except (StoreError, ValueError, ConvergenceError) as error:
        return None, str(error)
    said = () if ladder is None else {w.rstrip(".") for w in ladder_findings(ladder)}
    others = tuple(w for w in found.warnings if w not in said)
    return dataclasses.replace(found, warnings=others), ""


def _plan(run: Run) -> BiasPlan | None:
    try:
        return plan_of(run) if run.metadata.kind == "biased" else None
    except StoreError:  # of an older nanochart, or damaged: `fes` says so
        return None


def _bias(plan: BiasPlan) -> Bias:
    named = plan.start_names if set(plan.start_names) != {ANY_FRAME} else ()
    return Bias(
        plan.method_name, plan.ladder or (plan.temperature,), plan.names, plan.units,
        named, plan.places, plan.origin.run,
    )  # fmt: skip


def _families(run: Run, plan: BiasPlan | None) -> dict[str, Any]:
    """Record of the families of a run; of a biased one those of its source, as they were."""
    if plan is None:
        return run.info("families")
    try:
        return dict(SourceThen.of(run).division)
    except StoreError:
        return {}


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
