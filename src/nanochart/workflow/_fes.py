"""The free energies of a biased run: surface, families, differences, path, works."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart._progress import Progress, silent
from nanochart.biasing import known_distance, known_reach
from nanochart.errors import ConfigError
from nanochart.free_energy import (
    Convergence,
    Difference,
    FreeEnergyPath,
    Populations,
    Surface,
    basins,
    convergence,
    free_energy_surface,
    make_blocks,
    minimum_path,
    normalized,
    state_populations,
)
from nanochart.store import Run
from nanochart.workflow._bias_config import DISCARD, BiasConfig
from nanochart.workflow._fes_samples import weighted_frames
from nanochart.workflow._membership import States

__all__ = [
    "FreeEnergies",
    "family_difference",
    "fes_run",
    "fes_summary",
    "write_fes",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FreeEnergies:
    """What a biased run says.

    Attributes
    ----------
    run
        Its name.
    method, temperature, variables, units
        From its configuration.
    surface
        Free energy over the variables.
    geometric
        The gauge-invariant surface, where the variables are those of a chart and it was asked for.
    states
        Names of families or motifs with the places of their samples.
    populations
        Shares of the states.
    convergence
        Of the difference between the two most populated states; None for a single one.
    pair
        Those two states.
    path
        Between them; None where nothing connects them.
    basins
        Minima of the surface, with the state that has the largest share of each.
    discarded
        Frames left out at the start.
    frames, planned
        Frames the run has, and those it was to have.
    outside
        Share of the frames that lie where the chart holds no training frame.
    known
        Nodes near training frames, the shape of the surface; None without a chart.
    """

    run: str
    method: str
    temperature: float
    variables: tuple[str, ...]
    units: tuple[str, ...]
    surface: Surface
    geometric: Surface | None
    states: States
    populations: Populations
    convergence: Convergence | None
    pair: tuple[int, int]
    path: FreeEnergyPath | None
    basins: tuple[tuple[str, Floats, float], ...]
    discarded: int
    frames: int
    planned: int
    outside: float
    known: NDArray[np.bool_] | None


def fes_run(
    run: Run,
    *,
    by: str = "family",
    membership: str = "own",
    every: int | None = None,
    dimensions: Sequence[str] | None = None,
    discard: float = DISCARD,
    temperature: float | None = None,
    geometric: bool = False,
    between: tuple[str, str] | None = None,
    shape: int | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> FreeEnergies:
    """Free energies of a biased run, or of parallel tempering in its own chart.

    Parameters
    ----------
    run
        Made by `bias_run` with metadynamics, OPES, umbrella sampling or no bias; or by `sample`,
        with a chart.
    by
        States: "family" or "motif".
    membership
        How frames belong to them: "own", by their own inherent structure, or "place", by the shares
        that known frames have at their place in the chart; see `nanochart.landscape.OWN`. Inherent
        structures that a biased run lacks are made, and kept with it.
    every
        One frame of a biased run in so many counts. None takes those that are quenched; of a run
        that is not, all, or as many as make some 20,000 frames to be quenched.
    dimensions
        Variables of the surface, 1 to 3 of those of the run; by default all, at most 3.
    discard
        Share of the run at its beginning that is left out.
    temperature
        K, at which parallel tempering is taken by MBAR; a biased run has its own.
    geometric
        Whether to compute the gauge-invariant surface, too.
    between
        The two states whose difference is judged; by default the two most populated.
    shape
        Nodes of each axis.
    limits
        Ends of the axis of a variable, by name; by default those of what was seen.
    seed
        Of the bootstrap.
    progress
        Told of the parts.

    Raises
    ------
    StoreError
        If the run is not biased, too short, or a steered one.
    ConvergenceError
        If umbrella windows do not overlap.
    """
    frames = weighted_frames(run, discard, temperature, membership=membership, every=every)
    names, T, values = frames.names, frames.temperature, frames.values()
    progress("fes", 1, 4, "weights")
    log_weights = frames.log_weights()
    chosen = _chosen(names, dimensions)
    s = values[..., chosen]
    progress("fes", 2, 4, "states")
    states = frames.states(by, progress)
    populations = state_populations(states.codes, log_weights, T, len(states.names), seed=seed)
    progress("fes", 3, 4, "surface")
    low, high = None, None
    if limits is not None:
        low, high = zip(*(limits[names[a]] for a in chosen), strict=True)
    # A state may be slower than its place in the variables tells: the longer blocks are honest.
    blocks = max(make_blocks(s), populations.blocks, key=lambda b: b.inefficiency)
    surface = free_energy_surface(
        s, log_weights, T, low=low, high=high, shape=shape, blocks=blocks, seed=seed
    )
    other = None
    if geometric:
        other = free_energy_surface(
            s, log_weights, T, shape=shape, seed=seed, blocks=blocks,
            low=[a[0] for a in surface.axes], high=[a[-1] for a in surface.axes],
            log_gram=frames.log_gram(chosen),
        )  # fmt: skip
    pair = _pair(states, populations, between)
    weights = normalized(log_weights)
    judged = path = None
    if pair[0] != pair[1]:
        judged = convergence(states.codes, log_weights, T, *pair, seed=seed)
        path = _path(surface, states, s, pair, weights)
    found = [
        (_state_of(basin.nodes, surface, states, s, weights), basin.place, basin.energy)
        for basin in basins(surface)
    ]
    known, outside = _known(states, surface, chosen, names)
    progress("fes", 4, 4)
    return FreeEnergies(
        run.path.name, frames.method, T,
        tuple(names[a] for a in chosen), tuple(frames.units[a] for a in chosen),
        surface, other, states, populations, judged, pair, path, tuple(found), frames.first,
        run.committed(), frames.planned, outside, known,
    )  # fmt: skip


def family_difference(
    run: Run, config: BiasConfig, between: tuple[str, str]
) -> tuple[Difference, bool]:
    """F of the second family less that of the first, so far, and whether it can be trusted."""
    frames = weighted_frames(run, DISCARD)
    states = frames.states("family")
    for name in between:
        if name not in states.names:
            raise ConfigError(
                f"stop.between must name two families of {config.run}, of "
                f"{', '.join(states.names[1:])}; got {name!r}"
            )
    pair = [states.names.index(name) for name in between]
    logs = frames.log_weights()
    n_states = len(states.names)
    gap = state_populations(states.codes, logs, config.temperature, n_states).difference(*pair)
    judged = convergence(states.codes, logs, config.temperature, pair[0], pair[1])
    return gap, judged.converged


def _chosen(names: tuple[str, ...], dimensions: Sequence[str] | None) -> list[int]:
    wanted = names[:3] if dimensions is None else tuple(dimensions)
    unknown = [name for name in wanted if name not in names]
    if unknown or not 1 <= len(wanted) <= 3 or len(set(wanted)) < len(wanted):
        raise ValueError(
            f"the dimensions of a surface must be 1 to 3 of the run's variables, "
            f"{', '.join(names)}; got {', '.join(wanted) or 'none'}"
        )
    return [names.index(name) for name in wanted]


def _pair(
    states: States, populations: Populations, between: tuple[str, str] | None
) -> tuple[int, int]:
    if between is not None:
        for name in between:
            if name not in states.names:
                raise ValueError(
                    f"the states to compare must be two of {', '.join(states.names)}; got {name!r}"
                )
        return states.names.index(between[0]), states.names.index(between[1])
    named = [k for k, name in enumerate(states.names) if name != "noise"]
    order = sorted(named, key=lambda k: -populations.value[k])
    return (order[0], order[1]) if len(order) > 1 else (order[0], order[0])


def _path(
    surface: Surface, states: States, s: Floats, pair: tuple[int, int], weights: Floats
) -> FreeEnergyPath | None:
    ends = []
    for k in pair:
        inside = states.codes == k
        if not inside.any():
            return None
        ends.append(_centre(surface, s[inside], weights[inside]))
    try:
        return minimum_path(surface, ends[0], ends[1])
    except ValueError:
        return None


def _centre(surface: Surface, points: Floats, weights: Floats) -> Floats:
    """The node with the lowest free energy among those that hold most of the weighted points."""
    steps = np.array([axis[1] - axis[0] for axis in surface.axes])
    low = np.array([axis[0] for axis in surface.axes])
    index = np.rint((points - low) / steps).astype(np.int64)
    index = np.clip(index, 0, np.array(surface.energy.shape) - 1)
    nodes, inverse = np.unique(index, axis=0, return_inverse=True)
    shares = np.bincount(inverse.ravel(), weights)
    often = nodes[shares >= 0.3 * shares.max()]
    energies = surface.energy[tuple(often.T)]
    best = often[int(np.nanargmin(energies))] if np.isfinite(energies).any() else often[0]
    centre: Floats = low + best * steps
    return centre


def _state_of(
    nodes: NDArray[np.bool_], surface: Surface, states: States, s: Floats, weights: Floats
) -> str:
    """The state with the largest share of a basin."""
    steps = np.array([axis[1] - axis[0] for axis in surface.axes])
    low = np.array([axis[0] for axis in surface.axes])
    index = np.rint((s - low) / steps).astype(np.int64)
    index = np.clip(index, 0, np.array(nodes.shape) - 1)
    inside = nodes[tuple(np.moveaxis(index, -1, 0))] & (states.codes >= 0)
    if not inside.any():
        return ""
    return states.names[int(np.bincount(states.codes[inside], weights[inside]).argmax())]


def _known(
    states: States, surface: Surface, chosen: list[int], names: tuple[str, ...]
) -> tuple[NDArray[np.bool_] | None, float]:
    """Nodes near training frames, and the share of frames that are near none."""
    if states.tree is None or not all(names[a] in states.axes for a in chosen):
        return None, float(states.outside)
    from scipy.spatial import cKDTree

    columns = [states.axes.index(names[a]) for a in chosen]
    points = np.asarray(states.tree.data[:, columns])
    grid = np.stack(np.meshgrid(*surface.axes, indexing="ij"), axis=-1)
    near = known_distance(cKDTree(points), grid) <= known_reach(points)
    return near, float(states.outside)


def fes_summary(found: FreeEnergies) -> dict[str, Any]:
    """Numbers as JSON values."""
    p, names = found.populations, found.states.names
    summary: dict[str, Any] = {
        "run": found.run,
        "method": found.method,
        "temperature": found.temperature,
        "frames": found.frames,
        "planned_frames": found.planned,
        "variables": list(found.variables),
        "effective_samples": found.surface.effective,
        "statistical_inefficiency": found.surface.blocks.inefficiency,
        "blocks": found.surface.blocks.n,
        "reliable": found.surface.blocks.reliable,
        "outside_training": found.outside,
        "membership": found.states.definition,
        "new": found.states.new,
        "population_blocks": p.blocks.n,
        "populations_reliable": p.blocks.reliable,
        "populations": {
            name: {
                "value": float(p.value[k]), "error": float(p.error[k]),
                "low": float(p.low[k]), "high": float(p.high[k]),
            }
            for k, name in enumerate(names)
        },
        "basins": [
            {"state": state, "place": place.tolist(), "energy": energy}
            for state, place, energy in found.basins
        ],
    }  # fmt: skip
    if found.convergence is not None:
        a, b = found.pair
        gap = p.difference(a, b)
        summary["difference"] = {
            "from": names[a], "to": names[b], "value": gap.value, "error": gap.error,
            "low": gap.low, "high": gap.high,
            "converged": found.convergence.converged,
            "transitions": found.convergence.transitions,
            "advice": found.convergence.advice,
        }  # fmt: skip
    if found.path is not None:
        summary["barrier"] = {
            "value": found.path.barrier, "error": found.path.barrier_error,
            "saddle": found.path.saddle.tolist(),
        }  # fmt: skip
    finite: dict[str, Any] = _finite(summary)
    return finite


def _finite(value: Any) -> Any:
    """JSON has no infinity."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def write_fes(found: FreeEnergies, folder: str | Path) -> list[Path]:
    """Write the surface as a table and all other numbers as JSON."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    grid = np.stack(np.meshgrid(*found.surface.axes, indexing="ij"), axis=-1)
    table = target / "surface.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        columns = [f"{n} / {u}" for n, u in zip(found.variables, found.units, strict=True)]
        extra = ["geometric free energy / eV"] if found.geometric is not None else []
        writer.writerow([*columns, "free energy / eV", "standard error / eV", *extra])
        for node in np.argwhere(np.isfinite(found.surface.energy)):
            k = tuple(node)
            row = [*grid[k], found.surface.energy[k], found.surface.error[k]]
            if found.geometric is not None:
                row.append(found.geometric.energy[k])
            writer.writerow([f"{x:.6g}" for x in row])
    numbers = target / "free-energy.json"
    numbers.write_text(json.dumps(fes_summary(found), indent=1) + "\n")
    return [table, numbers]
