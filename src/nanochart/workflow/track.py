"""A trajectory, quenched and placed in the chart of a run."""

import json
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import Model
from nanochart.config import QuenchConfig
from nanochart.errors import ModelError
from nanochart.files import replacing_set
from nanochart.interop import LeftOut, TrajectoryBlock, read_trajectory
from nanochart.landscape import (
    OWN,
    Families,
    LastingStates,
    lasting_states,
    reconstruction_errors,
)
from nanochart.minimization import quench
from nanochart.output import write_csv, write_json
from nanochart.parallel import use_executor
from nanochart.progress import Progress, silent
from nanochart.shown import short_repr
from nanochart.store import Run
from nanochart.system import System
from nanochart.workflow.chart import check_charted, check_model
from nanochart.workflow.labels import family_labels, motif_labels
from nanochart.workflow.system import run_config

__all__ = ["Track", "track_run", "track_summary", "write_track"]

Floats = NDArray[np.float64]

#: Frames from which on their order can be judged, and the deviation of the ratio of von Neumann, in
#: its standard deviations, at which neighbours are alike.
_FEWEST_IN_ORDER, _ALIKE = 20, 2.3


@short_repr
@dataclass(frozen=True, eq=False)
class Track:
    """A trajectory followed through a chart; arrays have one entry for each frame.

    Attributes
    ----------
    trajectory
        The file.
    element
        Chemical symbol.
    time, time_unit
        In ns where the interval between frames was given, else in 10⁶ steps, else in frames.
    temperature
        K, NaN where the file does not say.
    inherent_positions
        Å, (frame, atom, 3), float32.
    inherent_energy
        eV.
    lowest_energy
        Lowest inherent energy in eV of the run and the trajectory.
    converged
        Whether the quench reached its tolerance.
    chart
        Coordinates of the inherent structures (frame, d).
    reconstruction_error
        Of the RDF, in 1/Å.
    motif, family
        Names (frame,); ``family`` is None where the run has no families.
    persistence
        Frames for which a change must last.
    motifs, families
        Lasting states and transitions.
    nearest_neighbour
        Of the bulk metal, Å.
    frames
        Their numbers in the file, (frame,).
    left_out
        What was left out of the file.
    doubt
        Why the order of the frames may not be that of time; empty where nothing speaks against it.
    """

    trajectory: str
    element: str
    time: Floats
    time_unit: str
    temperature: Floats
    inherent_positions: NDArray[np.float32]
    inherent_energy: Floats
    lowest_energy: float
    converged: NDArray[np.bool_]
    chart: Floats
    reconstruction_error: Floats
    motif: NDArray[np.str_]
    persistence: int
    motifs: LastingStates
    family: NDArray[np.str_] | None = None
    families: LastingStates | None = None
    nearest_neighbour: float | None = None
    frames: NDArray[np.int64] | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    doubt: str = ""

    def __len__(self) -> int:
        return len(self.time)


def track_run(
    run: Run,
    trajectory: str | Path,
    model: Model,
    *,
    persistence: int = 10,
    interval: float | None = None,
    families: Families | None = None,
    unwrap: bool = False,
    cell: float | Sequence[float] | None = None,
    unit: str | None = None,
    largest_fragment: bool = False,
    skip_bad_frames: bool = False,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> Track:
    """Quench a trajectory and place it in the chart of a run's model.

    Parameters
    ----------
    run
        The run whose model and landscape it is; only read.
    trajectory
        A file of one cluster of the same metal and size, as `nanochart.interop.read_trajectory`
        reads it.
    model
        The run's.
    persistence
        Frames for which a change of motif or family must last to be a transition; see
        `nanochart.landscape.lasting_states`.
    interval
        Time between frames in ns, where it is to be told in ns.
    families
        Found in the chart of the model; None leaves them out.
    unwrap, cell, unit, largest_fragment, skip_bad_frames
        As for `nanochart.interop.read_trajectory`; the element is the run's.
    executor
        Where frames are quenched; None is one thread per core.
    progress
        Function that is called after every block with how far the work is.

    Returns
    -------
    Track
        For `write_track` and `nanochart.report.track_cards`.

    Raises
    ------
    ModelError
        If the model is of another cluster than the run.
    ValueError
        If the trajectory cannot be read, or is of another cluster than the model.
    """
    check_model(run, model)
    check_charted(run, model)
    own = run_config(run)
    settings = own.quench if own else QuenchConfig()
    parts: list[Track] = []
    blocks: list[TrajectoryBlock] = []
    with use_executor(executor) as pool:
        for block in read_trajectory(
            trajectory,
            run.metadata.element,
            unwrap=unwrap,
            cell=cell,
            unit=unit,
            largest_fragment=largest_fragment,
            skip_bad_frames=skip_bad_frames,
            block_frames=64,
        ):
            _check_size(trajectory, block, model)
            parts.append(_part(str(trajectory), block, model, run.system, settings, pool, families))
            blocks.append(replace(block, positions=block.positions[:0]))
            progress("track", block.frames[-1] + 1, float("inf"))
    frames = np.concatenate([block.frames for block in blocks])
    steps = np.concatenate([block.steps for block in blocks])
    progress("track", frames[-1] + 1, frames[-1] + 1)
    time, time_unit = _time(steps, frames, interval)
    motif = np.concatenate([p.motif for p in parts])
    family = None
    if families is not None:
        family = np.concatenate([p.family for p in parts if p.family is not None])
    energy = np.concatenate([p.inherent_energy for p in parts])
    chart = np.concatenate([p.chart for p in parts])
    return replace(
        parts[0],
        time=time,
        time_unit=time_unit,
        temperature=np.concatenate([p.temperature for p in parts]),
        inherent_positions=np.concatenate([p.inherent_positions for p in parts]),
        inherent_energy=energy,
        lowest_energy=min(float(energy.min()), _lowest(run)),
        converged=np.concatenate([p.converged for p in parts]),
        chart=chart,
        reconstruction_error=np.concatenate([p.reconstruction_error for p in parts]),
        motif=motif,
        persistence=persistence,
        motifs=lasting_states(motif, persistence),
        family=family,
        families=None if family is None else lasting_states(family, persistence),
        frames=frames,
        left_out=blocks[-1].left_out,
        doubt=_doubt_of_order(steps, chart, motif),
    )


def _check_size(trajectory: str | Path, block: TrajectoryBlock, model: Model) -> None:
    if block.positions.shape[1] != model.n_atoms:
        raise ModelError(
            f"{trajectory}: frame {block.first} must be {model.element}{model.n_atoms}, the "
            f"cluster of the model; got {block.element}{block.positions.shape[1]}"
        )


def _part(
    name: str,
    block: TrajectoryBlock,
    model: Model,
    system: System,
    settings: QuenchConfig,
    pool: Executor,
    families: Families | None,
) -> Track:
    """Track a block of frames; what needs all of them is put in later."""
    positions = block.positions - block.positions.mean(axis=1, keepdims=True)
    cold = quench(
        positions,
        system.potential,
        settings.max_force,
        settings.max_evaluations,
        executor=pool,
    )
    targets = model.density(cold.positions, block.element)
    inputs = targets if model.target == "self" else model.density(positions, block.element)
    chart = model.encode_rdf(targets)
    distance = system.nearest_neighbour(block.element)
    motif = motif_labels(cold.positions, block.element, distance)
    return Track(
        trajectory=name,
        element=block.element,
        time=np.empty(0),
        time_unit="",
        temperature=block.temperatures,
        inherent_positions=cold.positions.astype(np.float32),
        inherent_energy=cold.energies,
        lowest_energy=np.nan,
        converged=cold.converged,
        chart=chart,
        reconstruction_error=reconstruction_errors(model, inputs, targets),
        motif=motif,
        persistence=0,
        motifs=LastingStates(motif, ()),
        family=None if families is None else family_labels(families, chart),
        nearest_neighbour=distance,
    )


def _time(
    steps: NDArray[np.int64], frames: NDArray[np.int64], interval: float | None
) -> tuple[NDArray[Any], str]:
    if interval is not None:
        return interval * frames.astype(np.float64), "ns"
    if len(steps) > 1 and (np.diff(steps) > 0).all() and steps[0] >= 0:
        return 1e-6 * steps.astype(np.float64), "10⁶ steps"
    return frames.astype(np.float64), "frames"


def _doubt_of_order(steps: NDArray[np.int64], chart: Floats, motif: NDArray[np.str_]) -> str:
    r"""Why the order of frames may not be that of time.

    Neighbours are compared with all frames by the ratio of von Neumann,

    .. math:: \eta = \frac{\sum_t |s_{t+1} - s_t|^2}{2 \sum_t |s_t - \bar s|^2} ,

    which is :math:`1 \pm n^{-1/2}` in any order that time did not make.
    """
    back = np.flatnonzero((steps[1:] <= steps[:-1]) & (steps[:-1] >= 0))
    if back.size:
        k = int(back[0])
        return (
            f"the step of the trajectory falls from {steps[k]} to {steps[k + 1]} after {k + 1} "
            "frames: they are followed in the order of the file, which is not that of time"
        )
    n = len(chart)
    spread = float(((chart - chart.mean(axis=0)) ** 2).sum())
    if n < _FEWEST_IN_ORDER or spread == 0.0 or len(np.unique(motif)) < 2:
        return ""
    ratio = float((np.diff(chart, axis=0) ** 2).sum()) / (2.0 * spread)
    if ratio < 1.0 - _ALIKE / np.sqrt(n):
        return ""
    return (
        "neighbouring frames are no more alike than any others: their order is not that of time, "
        "or the time between them is longer than the cluster remembers; changes that last cannot "
        "be told"
    )


def _lowest(run: Run) -> float:
    """Lowest inherent energy of a run in eV, infinity where there is none."""
    quenched = run.frames(0, run.committed("quench"))
    if not len(quenched):
        return np.inf
    energies = quenched.inherent.energies
    return float(np.nanmin(energies)) if np.isfinite(energies).any() else np.inf


def track_summary(track: Track) -> dict[str, Any]:
    """What happened, as plain JSON values."""
    kinds = {"motif": track.motifs, "family": track.families}
    known = {kind: found for kind, found in kinds.items() if found is not None}
    return {
        "trajectory": track.trajectory,
        "frames": len(track),
        "unconverged": int((~track.converged).sum()),
        "left_out": asdict(track.left_out),
        "doubt": track.doubt or None,
        "units": {"time": track.time_unit, "energy": "eV", "temperature": "K"},
        "lowest_energy": track.lowest_energy,
        "persistence": track.persistence,
        "membership": OWN,
        "transitions": {
            kind: [
                {
                    "frame": t.frame if track.frames is None else int(track.frames[t.frame]),
                    "time": float(track.time[t.frame]),
                    "temperature": _number(track.temperature[t.frame]),
                    "from": t.before,
                    "to": t.after,
                }
                for t in found.transitions
            ]
            for kind, found in known.items()
        },
    }


def write_track(track: Track, folder: str | Path) -> tuple[Path, Path]:
    """Write ``track.json`` (what happened) and ``track.csv`` (a line per frame).

    Those of the same trajectory are replaced.

    Raises
    ------
    ValueError
        If the folder holds the track of another trajectory.
    """
    check_track_folder(Path(folder), track.trajectory)
    columns: dict[str, Any] = {
        "frame": np.arange(len(track)) if track.frames is None else track.frames,
        f"time ({track.time_unit})": track.time,
        "temperature (K)": track.temperature,
        "inherent energy (eV)": track.inherent_energy,
        **{f"s{k + 1}": column for k, column in enumerate(track.chart.T)},
        "reconstruction error (1/Å)": track.reconstruction_error,
        "motif": track.motif,
        "lasting motif": track.motifs.states,
    }
    if track.family is not None and track.families is not None:
        columns |= {"family": track.family, "lasting family": track.families.states}
    columns["quench converged"] = track.converged.astype(int)
    rows = zip(*columns.values(), strict=True)
    with replacing_set(folder, "track") as target:
        write_json(target / "track.json", track_summary(track))
        write_csv(target / "track.csv", list(columns), rows)
    return Path(folder) / "track.json", Path(folder) / "track.csv"


def check_track_folder(folder: Path, trajectory: str) -> None:
    """Refuse a folder that holds the track of another trajectory.

    Raises
    ------
    ValueError
        If it does.
    """
    before = folder / "track.json"
    if not before.exists():
        return
    try:
        known = json.loads(before.read_text(encoding="utf-8")).get("trajectory")
    except (ValueError, AttributeError):
        known = "something else"
    if known is None or Path(known).resolve() != Path(trajectory).resolve():
        raise ValueError(
            f"{folder} holds the track of {known}: name another folder with --output, or remove it"
        )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
