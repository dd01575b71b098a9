"""``nanochart fes``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nanochart.cli.app import app
from nanochart.cli.display import show_progress
from nanochart.cli.options import JsonFlag, QuietFlag, RunPaths, Threads, emit
from nanochart.files import replacing, replacing_set


@app.command()
def fes(
    runs: RunPaths,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for numbers and figures; by default RUN-fes, or as RUN-fes-400K at a "
            "--temperature.",
        ),
    ] = None,
    by: Annotated[str, typer.Option(help="What the states are: family or motif.")] = "family",
    membership: Annotated[
        str,
        typer.Option(
            help="Whose state a frame has: own, of its inherent structure (what is not quenched "
            "will be), or place, the shares that known frames have there."
        ),
    ] = "own",
    every: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="One frame of a biased run in so many counts and is quenched; by default all, "
            "or what makes about 20,000.",
        ),
    ] = None,
    dimensions: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Variables of the surface, as s1,s2; by default all."),
    ] = None,
    discard: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=0.99,
            help="Share of the run left out at its start; by default a fifth of a biased run.",
        ),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=10_000.0,
            help="Temperature in K, for parallel tempering or a biased run on a ladder (by default "
            "its lowest); other biased runs have their own.",
        ),
    ] = None,
    geometric: Annotated[
        bool, typer.Option("--geometric", help="Compute the gauge-invariant surface, too.")
    ] = False,
    between: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="States to compare; by default the most populated."),
    ] = None,
    backward: Annotated[
        list[Path] | None,
        typer.Option(help="Steered runs in the other direction; may be repeated."),
    ] = None,
    nodes: Annotated[
        int | None,
        typer.Option(min=8, max=2_000, help="Grid nodes of each axis of the surface."),
    ] = None,
    _threads: Threads = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Compute free energies with errors: surface, states, differences and barrier.

    RUN is a biased run, or a charted run of parallel tempering at a --temperature. Several
    independent runs are also taken together, and the spread between them is the error. Steered
    runs give the free-energy difference between their ends from their works.
    """
    from nanochart import store
    from nanochart.workflow import analysed_run

    opened = [analysed_run(run) for run in runs]
    steered = opened[0].metadata.provenance.get("method") == "steered"
    if steered or backward:
        from nanochart.workflow import works_of_runs

        works = works_of_runs(opened, [store.open(path) for path in backward or []])
        from nanochart.report import draw_works

        found = works.estimate
        folder = output or _folder(runs[0])
        drawn = {"works": draw_works(works.forward, works.backward, found)}
        with replacing_set(folder, "fes") as target:
            names = _save(drawn, target)
        known = found.known
        result: dict[str, Any] = {
            "from": works.start, "to": works.end, "temperature": works.temperature,
            "difference": found.value if known else None,
            "error": found.error if known else None,
            "dissipated": found.dissipated if known else None,
            "works": [len(works.forward), len(works.backward)],
            "reliable": found.reliable, "advice": found.advice,
            "files": [str(folder / name) for name in names],
        }  # fmt: skip
        number = f"{found.value:.4f} ± {found.error:.4f} eV" if known else "unknown"
        dissipated = f"dissipated: {found.dissipated:.4f} eV; " if known else ""
        lines = [
            (
                f"free energy restrained at {works.end} less that at {works.start}, "
                f"{works.temperature:g} K: {number}"
                + (", not reliable" if known and not found.reliable else "")
            ),
            f"{dissipated}{found.advice}",
            f"figure: {folder / names[0]}",
        ]
        emit(result, json, lines)
        return
    from nanochart.report import free_energy_figures, runs_figures
    from nanochart.workflow import (
        fes_run,
        fes_runs,
        fes_summary,
        runs_summary,
        write_fes,
        write_fes_runs,
    )

    pair = _names(between, 2, "--between") if between else None
    options: dict[str, Any] = {
        "by": by,
        "membership": membership,
        "every": every,
        "dimensions": _names(dimensions, None, "--dimensions") if dimensions else None,
        "discard": discard,
        "temperature": temperature,
        "geometric": geometric,
        "between": (pair[0], pair[1]) if pair else None,
        "shape": nodes,
    }
    folder = output or _folder(runs[0], temperature)
    with show_progress(quiet) as progress:
        if len(opened) == 1:
            one = fes_run(opened[0], progress=progress, **options)
            with replacing_set(folder, "fes") as target:
                names = [f.name for f in write_fes(one, target)]
                names += _save(free_energy_figures(one), target)
            summary = fes_summary(one)
            lines = _lines(summary)
        else:
            several = fes_runs(opened, progress=progress, **options)
            with replacing_set(folder, "fes") as target:
                names = [f.name for f in write_fes_runs(several, target)]
                names += _save(runs_figures(several), target)
            summary = runs_summary(several)
            lines = _lines_of_runs(summary)
    lines.append(f"figures and tables: {folder}")
    emit({**summary, "files": [str(folder / name) for name in names]}, json, lines)


def _folder(run: Path, temperature: float | None = None) -> Path:
    """Folder of the free energies of a run; each temperature that is asked for has its own."""
    at = "" if temperature is None else f"-{temperature:.10g}K"
    return run.with_name(f"{run.stem}-fes{at}")


def _save(figures: Mapping[str, Any], folder: Path) -> list[str]:
    """Save figures as PNG and PDF and return the names of the files."""
    names = []
    for name, figure in figures.items():
        for suffix in (".png", ".pdf"):
            names.append(f"{name}{suffix}")
            with replacing(folder / names[-1]) as file:
                figure.savefig(file, dpi=200)
    return names


def _names(text: str, count: int | None, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if count is not None and len(names) != count:
        raise ValueError(f"{option} takes {count} names with a comma between; got {text!r}")
    return names


def _lines(summary: dict[str, Any]) -> list[str]:
    lines = [*_unfinished(summary), summary["verdict"]]
    lines.append(
        f"{summary['effective_samples']:.0f} frames carry the weight at "
        f"{summary['temperature']:g} K; states by: {summary['membership']}"
    )
    for name, p in list(summary["populations"].items())[:8]:
        shown = (
            f"{p['value']:7.2%}  ({p['low']:.2%} to {p['high']:.2%})" if p["known"] else "unknown"
        )
        lines.append(f"{name:>12}  {shown}")
    gap = summary.get("difference")
    if gap:
        value = _value(gap, summary["verdict"])
        lines.append(f"F({gap['to']}) - F({gap['from']}) = {value}")
    if "barrier" in summary:
        value = _value(summary["barrier"], summary["verdict"])
        lines.append(f"barrier along the path: {value}")
    elif summary["path"] and summary["surface"]["known"]:
        lines.append("barrier along the path: none, its highest point is an end of it")
    if summary["surface"]["why"]:
        lines.append(f"the surface is {_unknown(summary['surface']['why'], summary['verdict'])}")
    if (summary["new"] or 0.0) > 0.0:
        lines.append(
            f"{summary['new']:.1%} of the frames are new: their inherent structures are far from "
            "every family"
        )
    if (summary["outside_training"] or 0.0) > 0.01:
        lines.append(
            f"{summary['outside_training']:.0%} of the frames are where the model was not trained"
        )
    return lines


def _value(estimate: dict[str, Any], said: str = "") -> str:
    """A number in eV with its error; no digits where nothing is known, and why if not yet said."""
    if not estimate["known"]:
        return _unknown(estimate.get("why") or "run longer", said)
    return (
        f"{estimate['value']:.3f} ± {estimate['error']:.3f} eV (95 %: {estimate['low']:.3f} to "
        f"{estimate['high']:.3f})"
    )


def _unknown(why: str, said: str) -> str:
    """The word, and why if that is not yet said."""
    return "unknown" if why.lower() in said.lower() else f"unknown: {why}"


def _unfinished(summary: dict[str, Any]) -> Iterator[str]:
    done, planned = summary["frames"], summary["planned_frames"]
    if done < planned:
        command = "sample" if summary["method"].startswith("parallel tempering") else "bias"
        yield (
            f"{summary['run']} is not finished ({done} of {planned} frames), and this is what it "
            f"says so far; go on with `nanochart {command} CONFIG --resume`"
        )


def _lines_of_runs(summary: dict[str, Any]) -> list[str]:
    together = summary["together"]
    lines = [line for run in summary["runs"] for line in _unfinished(run)]
    lines.append(f"{len(summary['runs'])} runs, {summary['runs'][0]['temperature']:g} K")
    for name, runs in list(together["populations"].items())[:8]:
        shown = ", ".join(f"{p['value']:.1%}" if p["known"] else "unknown" for p in runs)
        lines.append(f"{name:>12}  (runs: {shown})")
    gap = f"F({together['to']}) - F({together['from']})"
    lines += [
        f"{run['run']}: {gap} = {_value(own)}"
        for run, own in zip(summary["runs"], together["runs"], strict=True)
    ]
    if "value" in together:
        verdict = (
            "the runs agree within their own errors"
            if together["agree"]
            else "the runs differ by more than their own errors allow: none of them is converged"
        )
        lines.append(f"together: {gap} = {_value(together)}; {verdict}")
    else:
        lines.append("together: unknown, because fewer than two runs know the difference")
    return lines
