"""The report of a run: assembled from what the run holds, however far it has come."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import yaml

from nanochart.autoencoder import Reconstruction
from nanochart.report.page.anchored import anchored_section
from nanochart.report.page.chart import chart_section, learning_section, overview_card
from nanochart.report.page.free_energy import free_energy_section
from nanochart.report.page.inherent import inherent_section, number
from nanochart.report.page.motif import family_section, motif_section
from nanochart.report.page.page import Header, Item, Listing, Section, Table
from nanochart.report.page.run_data import RunData
from nanochart.report.page.run_results import method_words
from nanochart.report.page.sampling import sampling_section
from nanochart.report.structures.pictures import PICTURE_SIZE

__all__ = ["run_sections"]


def run_sections(
    run: RunData, model: Any | None = None, *, picture_size: int = PICTURE_SIZE
) -> tuple[Header, tuple[Section, ...]]:
    """Describe all that a run holds; a stage that has not run yet names the command that makes it.

    The figures are drawn when the sections are used.

    Parameters
    ----------
    run
        Its frames, facts and results.
    model
        A trained model, for its history.
    picture_size
        Width of the pictures of clusters in pixels.

    Returns
    -------
    header, sections
        For :func:`build_report` and :func:`save_figures`.
    """
    history = getattr(model, "history", None)
    reconstruction = run.results.reconstruction
    free_energies, anchored = run.results.free_energies, run.results.anchored
    overview = overview_card(run)
    summary: list[Item] = [Table(_summary(run, model, history, reconstruction))]
    if overview is not None:
        summary.append(overview)
    sections = (
        Section("Summary", _summary_text(run), tuple(summary)),
        sampling_section(run, picture_size),
        inherent_section(run, picture_size),
        motif_section(run, picture_size),
        *([] if run.results.bias is not None else [learning_section(history, reconstruction)]),
        chart_section(run),
        family_section(run, picture_size),
        *([] if anchored is None else [anchored_section(anchored)]),
        *([] if free_energies is None else [free_energy_section(free_energies)]),
        _provenance(run, model),
    )
    return _header(run, history, reconstruction), sections


def _header(run: RunData, history: Any, reconstruction: Reconstruction | None) -> Header:
    name, facts_of = run.results.name, run.metadata
    tiles = [(number(run.n_frames * run.n_replicas, 0), "configurations")]
    if run.sampled_time is not None:
        tiles.append((f"{run.sampled_time:.3g} ns", f"of dynamics, all {run.trajectory}s"))
    if run.inherent_energy is not None:
        tiles.append((f"{number(run.reference, 3)} eV", "lowest minimum found"))
    variance = _variances(history, reconstruction)
    # The number that the verdict on the training rests on.
    for part in ("unseen", "test", "validation"):
        if part in variance:
            of = "minima never seen" if part == "unseen" else f"{part} frames"
            tiles.append((f"{100 * variance[part]:.1f} %", f"explained variance, {of}"))
            break
    facts = [
        (label, _plain(value))
        for label, value in (
            ("seed", facts_of.seed), ("made", facts_of.created), ("platform", facts_of.platform)
        )
        if value is not None
    ]  # fmt: skip
    if run.results.wall_time is not None:
        facts.append(("wall time", _duration(run.results.wall_time)))
    if "nanochart" in facts_of.versions:
        facts.append(("nanochart", str(facts_of.versions["nanochart"])))
    return Header(
        name or f"The structural landscape of {run.system}",
        _asked(run),
        tuple(tiles),
        tuple(facts),
    )


def _asked(run: RunData) -> str:
    """Say in one sentence what was asked for."""
    if run.is_imported:
        return f"{run.system}: {run.n_frames} imported frames of {run.trajectories}."
    bias = run.results.bias
    if bias is not None:
        along = f" along {', '.join(bias.variables)}" if bias.method and bias.variables else ""
        return (
            f"{run.system}: {run.trajectories} of {method_words(bias.method)}{along} "
            f"{bias.at}, {bias.started}; {run.n_frames} stored frames each."
        )
    sentence = f"{run.system}: {run.trajectories}"
    if run.ladder is not None:
        sentence += (
            f" on a ladder of {run.ladder.size} temperatures, "
            f"{run.ladder.min():.0f}–{run.ladder.max():.0f} K"
        )
    names = list(dict.fromkeys(run.motifs))
    if names:
        sentence += ", started from the " + ", ".join(names)
    return sentence + f"; {run.n_frames} stored frames each."


def _summary_text(run: RunData) -> str:
    if run.results.bias is not None:
        return (
            f"What biased dynamics found for {run.system}. Every number here is explained in the "
            "section that it comes from."
        )
    return (
        f"What was found for {run.system}, from sampling to chart. Every number here is explained "
        "in the section that it comes from."
    )


def _summary(
    run: RunData, model: Any, history: Any, reconstruction: Reconstruction | None
) -> tuple[tuple[str, ...], ...]:
    rows = [
        (
            "Configurations",
            (
                f"{number(run.n_frames * run.n_replicas, 0)} ({run.n_frames} frames of "
                f"{run.trajectories})"
            ),
        )
    ]
    if run.sampled_time is not None:
        rows.append(("Dynamics", f"{run.sampled_time:.3g} ns in all, {run.time_step:.4g} fs steps"))
    rows += _energy_rows(run)
    variance = _variances(history, reconstruction)
    if variance:
        shares = ", ".join(f"{100 * share:.1f} % ({part})" for part, share in variance.items())
        rows.append(("Explained variance of the RDF", shares))
    if model is not None:
        config: Any = getattr(model, "config", None)
        parts = [str(getattr(config, key)) for key in ("architecture",) if hasattr(config, key)]
        parts += [f"target {getattr(model, 'target', '?')}"]
        if hasattr(config, "bottleneck"):
            parts.append(f"{config.bottleneck} coordinates")
        rows.append(("Model", ", ".join(parts)))
    return tuple(rows)


def _energy_rows(run: RunData) -> list[tuple[str, str]]:
    place = run.lowest()
    if place is None:
        return []
    at = ""
    if run.temperature is not None and np.isfinite(run.temperature[place]):
        at = f", at {run.temperature[place]:.0f} K"
    motif = f", from the {run.motifs[place[1]]}" if run.motifs else ""
    where = f"frame {place[0]} of {run.trajectory} {place[1]}"
    rows = [
        (
            "Lowest minimum found",
            f"{number(run.reference, 4)} eV ({where}{at}{motif})",
        )
    ]
    for name, energy in run.references.items():
        difference = run.reference - energy
        word = "below" if difference < -1e-4 else "above" if difference > 1e-4 else "equal to"
        size = "" if word == "equal to" else f"{number(abs(difference), 4)} eV "
        rows.append((f"Against the {name}", f"{size}{word} its minimum, {number(energy, 4)} eV"))
    if run.converged is not None:
        quenched = int((run.converged >= 0).sum())
        done = int((run.converged == 1).sum())
        text = f"{number(done, 0)} of {number(quenched, 0)} converged"
        evaluations = run.evaluations
        if evaluations is not None:
            text += f", {evaluations[evaluations >= 0].mean():.0f} force evaluations on average"
        rows.append(("Quenches", text))
    return rows


def _variances(history: Any, reconstruction: Reconstruction | None) -> dict[str, float]:
    """Explained variance by part: as the training recorded it, else of what was reconstructed."""
    recorded = getattr(history, "explained_variance", None)
    if isinstance(recorded, Mapping) and recorded:
        order = ["train", "validation", "test"]
        parts = sorted(recorded, key=lambda part: order.index(part) if part in order else 3)
        return {str(part): float(recorded[part]) for part in parts}
    if reconstruction is None:
        return {}
    return {reconstruction.held_out: reconstruction.explained_variance}


def _provenance(run: RunData, model: Any) -> Section:
    versions = {**run.metadata.versions, "Python": run.metadata.python}
    rows = tuple((str(name), str(value)) for name, value in versions.items())
    items: list[Item] = []
    if rows:
        items.append(Table(rows, ("program", "version")))
    for title, held in (
        ("Configuration (YAML)", run.results.config or run.metadata.config),
        ("Potential", run.metadata.potential),
        ("Origin", run.metadata.provenance),
    ):
        if held:
            items.append(Listing(title, _as_yaml(held)))
    config: Any = getattr(model, "config", None)
    if hasattr(config, "model_dump"):
        items.append(Listing("Training (YAML)", _as_yaml(config.model_dump(mode="json"))))
    return Section(
        "Provenance",
        "What made these numbers. The same configuration, seed and versions give them again.",
        tuple(items),
    )


def _as_yaml(tree: Any) -> str:
    try:
        return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=None)
    except yaml.YAMLError:  # something that YAML has no word for: its own words must do
        return str(tree)


def _plain(value: Any) -> str:
    """Write a value; of a time to the second in UTC, the letters that machines want are dropped."""
    text = str(value)
    is_time = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", text)
    return f"{text[:10]} {text[11:19]} UTC" if is_time else text


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
