"""The free energies of several independent biased runs, with the spread between them as the error.

Blocks of one run cannot know of what none of its walkers saw; other runs may have.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.errors import StoreError
from nanochart.files import replacing_set
from nanochart.free_energy import FreeEnergies, IndependentRuns, combine_differences, surface_spread
from nanochart.landscape import check_same_states
from nanochart.output import write_csv, write_json
from nanochart.progress import Progress, silent
from nanochart.statistics import student_half_width
from nanochart.store import Run, share_stream
from nanochart.workflow.fes.run import fes_run, fes_summary
from nanochart.workflow.fes.samples import SomeFrames, weighted_frames

__all__ = ["fes_runs", "runs_summary", "write_fes_runs"]

Floats = NDArray[np.float64]


def fes_runs(
    runs: Sequence[Run],
    *,
    between: tuple[str, str] | None = None,
    progress: Progress = silent,
    **options: Any,
) -> IndependentRuns:
    """Free energies of independent runs, one by one and together.

    Parameters
    ----------
    runs
        At least two, along the same chart at one temperature, from different seeds; by any method,
        parallel tempering among them.
    between
        The two states that are compared; by default the two most populated of all runs.
    progress
        Function that is called after every part of the work.
    options
        As of `fes_run`.

    Raises
    ------
    StoreError
        If the runs do not ask one question, or as in `fes_run`.
    """
    if len(runs) < 2:
        raise ValueError(f"a spread is one of at least two runs; got {len(runs)}")
    kept = {name: options[name] for name in ("membership", "every") if name in options}
    frames = [
        weighted_frames(run, options.get("discard"), options.get("temperature"), **kept)
        for run in runs
    ]
    _same_question(frames)
    chosen = options.get("dimensions") or frames[0].names
    values = [_of(each, chosen) for each in frames]
    low = np.min([v.min(axis=(0, 1)) for v in values], axis=0)
    high = np.max([v.max(axis=(0, 1)) for v in values], axis=0)
    margin = 0.06 * (high - low)
    limits = {
        name: (float(a), float(b))
        for name, a, b in zip(chosen, low - margin, high + margin, strict=True)
    }
    options["dimensions"] = chosen
    parts: list[FreeEnergies] = []
    for k, run in enumerate(runs):
        progress("fes", k, len(runs), run.path.name)
        parts.append(fes_run(run, between=between, limits=limits, **options))
        check_same_states(parts[0].states, parts[-1].states, runs[0].path, run.path)
    finest = tuple(int(n) for n in np.max([part.surface.energy.shape for part in parts], axis=0))
    for k, part in enumerate(parts):  # one grid for all, as fine as the finest
        if part.surface.energy.shape != finest:
            same = {**options, "shape": finest}
            parts[k] = fes_run(runs[k], between=between, limits=limits, **same)
    progress("fes", len(runs), len(runs))
    states = parts[0].states.names
    shares = np.mean([np.asarray(part.populations.shares.value) for part in parts], axis=0)
    pair = between or _most_populated(states, shares)
    index = states.index(pair[0]), states.index(pair[1])
    for k, part in enumerate(parts):
        if part.pair != index:
            same = {**options, "shape": finest}
            parts[k] = fes_run(runs[k], between=pair, limits=limits, **same)
    differences = tuple(part.difference for part in parts if part.difference is not None)
    try:
        spread = combine_differences(differences)
    except ValueError:
        spread = None
    return IndependentRuns(tuple(parts), _together(parts), pair, differences, spread)


def _same_question(frames: Sequence[SomeFrames]) -> None:
    """Same chart and temperature; and no two of one random stream."""
    for k, mine in enumerate(frames):
        for other in frames[:k]:
            for what, a, b in (
                ("temperature", other.temperature, mine.temperature),
                ("model", other.model, mine.model),
            ):
                if a != b:
                    raise StoreError(
                        f"runs that are combined must have one {what}; got {a or 'none'} in "
                        f"{other.run.path} and {b or 'none'} in {mine.run.path}"
                    )
            facts = mine.run.metadata
            if share_stream(facts, other.run.metadata):
                alike = "size" if facts.stream is None else "configuration"
                raise StoreError(
                    f"runs that are combined must be independent; got {other.run.path} and "
                    f"{mine.run.path} of the same {alike} and seed, {facts.seed}, which share "
                    "their random numbers: give each its own seed"
                )


def _of(frames: SomeFrames, names: Sequence[str]) -> Floats:
    """The variables of these names, (time, walker, d)."""
    unknown = [name for name in names if name not in frames.names]
    if unknown:
        raise StoreError(
            f"runs that are combined must have the variables {', '.join(names)}; got "
            f"{', '.join(frames.names)} in {frames.run.path}: name those of all with --dimensions"
        )
    return frames.values()[..., [frames.names.index(name) for name in names]]


def _most_populated(names: tuple[str, ...], shares: Floats) -> tuple[str, str]:
    order = [k for k in np.argsort(-shares) if names[k] != "noise"]
    if len(order) < 2:
        raise StoreError("these runs know one state only, so there is nothing to compare")
    return names[order[0]], names[order[1]]


def _together(parts: Sequence[FreeEnergies]) -> FreeEnergies:
    """The first run with the mean surface of all.

    Its error is that of the mean of so few runs, by Student's t, and of smoothing.
    """
    mean, deviation = surface_spread([part.surface for part in parts])
    n = len(parts)
    chance = (
        deviation / np.sqrt(n) * student_half_width(1.0, n - 1.0) / student_half_width(1.0, 1e9)
    )
    smoothing = np.mean([p.surface.energy - p.surface.smoothed for p in parts], axis=0)
    first = parts[0]
    why = next((part.surface.why for part in parts if part.surface.why), "")
    surface = replace(
        first.surface, energy=mean, smoothed=mean - smoothing, error=np.hypot(chance, smoothing),
        why=why,
    )  # fmt: skip
    return replace(first, surface=surface, path=None, basins=_lowest(parts))


def _lowest(parts: Sequence[FreeEnergies]) -> tuple[tuple[str, Floats, float], ...]:
    """Basins of all runs, the deepest of each state."""
    found: dict[str, tuple[str, Floats, float]] = {}
    for part in parts:
        for basin in part.basins:
            state, _, energy = basin
            if state and (state not in found or energy < found[state][2]):
                found[state] = basin
    return tuple(sorted(found.values(), key=lambda basin: basin[2]))


def runs_summary(found: IndependentRuns) -> dict[str, Any]:
    """Numbers as JSON values: each run's and what they say together."""
    names = found.parts[0].states.names
    together: dict[str, Any] = {
        "from": found.pair[0],
        "to": found.pair[1],
        "membership": found.parts[0].states.definition,
        "runs": [d.summary() for d in found.differences],
        "populations": {
            name: [part.populations.shares[k].summary() for part in found.parts]
            for k, name in enumerate(names)
            if any(part.populations.shares.value[k] > 0 for part in found.parts)
        },
    }
    if found.spread is not None:
        together |= {
            **found.spread.difference.summary(),
            "ratio": found.spread.ratio, "agree": found.spread.agree,
        }  # fmt: skip
    return {"runs": [fes_summary(part) for part in found.parts], "together": together}


def write_fes_runs(found: IndependentRuns, folder: str | Path) -> list[Path]:
    """Write the mean surface with its spread as a table, and all other numbers as JSON."""
    whole = found.together
    grid = np.stack(np.meshgrid(*whole.surface.axes, indexing="ij"), axis=-1)
    energies = [part.surface.stated for part in found.parts]
    columns = [f"{n} / {u}" for n, u in zip(whole.variables, whole.units, strict=True)]
    own = [f"free energy of {part.run} / eV" for part in found.parts]
    stated = whole.surface.stated
    error = np.where(np.isfinite(stated), whole.surface.error, np.nan)
    rows = [
        [*grid[k], stated[k], error[k], *(each[k] for each in energies)]
        for k in map(tuple, np.argwhere(np.isfinite(whole.surface.energy)))
    ]
    header = [*columns, "free energy / eV", "standard error / eV", *own]
    with replacing_set(folder, "fes") as target:
        write_csv(target / "surface.csv", header, rows, digits=6)
        write_json(target / "free-energy.json", runs_summary(found))
    return [Path(folder) / "surface.csv", Path(folder) / "free-energy.json"]
