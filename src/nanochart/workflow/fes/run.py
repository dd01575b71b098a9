"""The free energies of a run: surface, states, differences, path."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing import known_distance, known_reach
from nanochart.config import BiasConfig
from nanochart.files import replacing_set
from nanochart.free_energy import (
    FreeEnergies,
    FreeEnergyPath,
    Surface,
    basins,
    free_energy_surface,
    grid_shape,
    minimum_path,
)
from nanochart.landscape import States
from nanochart.output import write_csv, write_json
from nanochart.progress import Progress, silent
from nanochart.statistics import (
    Blocks,
    Estimate,
    Growth,
    Populations,
    StateShares,
    Weighted,
    growth,
    state_populations,
)
from nanochart.store import STAGES, Run
from nanochart.workflow.bias.resolve import check_stop
from nanochart.workflow.bias.then import SourceThen
from nanochart.workflow.fes.key import states_are_made, states_key
from nanochart.workflow.fes.membership import check_asked
from nanochart.workflow.fes.samples import BiasedFrames, TemperedFrames, weighted_frames
from nanochart.workflow.results import kept

__all__ = ["fes_run", "fes_summary", "state_difference", "write_fes"]

Floats = NDArray[np.float64]


_TYPES = (
    FreeEnergies, Surface, Blocks, States, StateShares, Estimate, Growth, FreeEnergyPath,
)  # fmt: skip


def fes_run(
    run: Run,
    *,
    by: str = "family",
    membership: str = "own",
    every: int | None = None,
    dimensions: Sequence[str] | None = None,
    discard: float | None = None,
    temperature: float | None = None,
    geometric: bool = False,
    between: tuple[str, str] | None = None,
    shape: int | Sequence[int] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    progress: Progress = silent,
) -> FreeEnergies:
    """Free energies of a biased run, or of parallel tempering in its own chart.

    What is found is kept with a run that is open for writing, and given again as long as its frames
    and states are the same.

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
        Share of the run at its beginning that is left out; None is a fifth of a biased run, whose
        bias is still growing, and nothing of parallel tempering.
    temperature
        K, at which parallel tempering, and a biased run on a ladder, are taken by MBAR; of the
        latter by default the lowest. Other biased runs have their own.
    geometric
        Whether to compute the gauge-invariant surface, too.
    between
        The two states whose difference is judged; by default the two most populated.
    shape
        Nodes of each axis; by default as many as the narrowest basin asks for.
    limits
        Ends of the axis of a variable, by name; by default those of what was seen.
    progress
        Function that is called after every part of the work.

    Raises
    ------
    StoreError
        If the run is not biased, too short, or a steered one.
    ConvergenceError
        If umbrella windows do not overlap.
    """
    options: dict[str, Any] = {
        "by": by, "membership": membership, "every": every, "discard": discard,
        "dimensions": None if dimensions is None else list(dimensions), "temperature": temperature,
        "geometric": geometric, "between": None if between is None else list(between),
        "shape": None if shape is None else np.atleast_1d(shape).tolist(),
        "limits": None if limits is None else {k: list(v) for k, v in limits.items()},
    }  # fmt: skip

    # Of before the frames are looked at: a key with frames that came since is that of nothing.
    options["frames"] = run.fingerprint("frames")

    def key() -> dict[str, Any]:
        told_by = states_key(run, by)
        return {"made_of": run.fingerprint(*STAGES), "told_by": told_by, **options}

    frames = weighted_frames(run, discard, temperature, membership=membership, every=every)
    check_asked(by, membership)
    if shape is not None:
        grid_shape(shape, len(_chosen(frames.names, dimensions)))
    if not states_are_made(run, by, membership):  # then this makes stages, which the key counts
        frames.states(by, progress)
        frames = weighted_frames(run, discard, temperature, membership=membership, every=every)
    found = kept(
        run, "fes", key, _TYPES,
        lambda: _computed(
            run, frames, by, dimensions, geometric, between, shape, limits, progress
        ),
    )  # fmt: skip
    progress("fes", 4, 4)
    return found


def _computed(
    run: Run,
    frames: BiasedFrames | TemperedFrames,
    by: str,
    dimensions: Sequence[str] | None,
    geometric: bool,  # noqa: FBT001  private, and as in `fes_run`
    between: tuple[str, str] | None,
    shape: int | Sequence[int] | None,
    limits: Mapping[str, tuple[float, float]] | None,
    progress: Progress,
) -> FreeEnergies:
    names, T, values = frames.names, frames.temperature, frames.values()
    progress("fes", 1, 4, "weights")
    weighted = frames.weighted()
    chosen = _chosen(names, dimensions)
    s = values[..., chosen]
    progress("fes", 2, 4, "states")
    states = frames.states(by, progress)
    populations = _populations(states, weighted, T)
    pair = _pair(states, populations, between)
    progress("fes", 3, 4, "surface")
    low, high = None, None
    if limits is not None:
        seen = {names[a]: (float(s[..., k].min()), float(s[..., k].max()))
                for k, a in enumerate(chosen)}  # fmt: skip
        low, high = zip(*({**seen, **limits}[names[a]] for a in chosen), strict=True)
    slow = populations.inside[..., populations.matters]
    surface = free_energy_surface(s, weighted, T, low=low, high=high, shape=shape, slow=slow)
    other = None
    if geometric:
        other = free_energy_surface(
            s, weighted, T, shape=surface.energy.shape, slow=slow,
            low=[a[0] for a in surface.axes], high=[a[-1] for a in surface.axes],
            log_gram=frames.log_gram(chosen),
        )  # fmt: skip
    difference = grown = path = None
    if pair[0] != pair[1]:
        difference = populations.difference(*pair)
        grown = growth(populations, *pair)
        path = _path(surface, states, s, pair, weighted.weights)
    found = [
        (_state_of(basin.nodes, surface, states, s, weighted.weights), basin.place, basin.energy)
        for basin in basins(surface)
    ]
    known, outside = _known(states, surface, chosen, names)
    return FreeEnergies(
        run.path.name, frames.method, T,
        tuple(names[a] for a in chosen), tuple(frames.units[a] for a in chosen),
        surface, other, replace(states, tree=None), populations.found, pair, difference, grown,
        path, tuple(found), frames.first, run.committed(), frames.planned, outside, known,
    )  # fmt: skip


def state_difference(run: Run, config: BiasConfig, between: tuple[str, str]) -> Estimate:
    """F of the second family or motif less that of the first, of a biased run, so far."""
    frames = weighted_frames(run, None)
    by = check_stop(config, SourceThen.of(run).family_names, config.run)
    states = frames.states(by or "family")
    populations = _populations(states, frames.weighted(), frames.temperature)
    return populations.difference(*(states.names.index(name) for name in between))


def _populations(states: States, weighted: Weighted, temperature: float) -> Populations:
    members = states.codes if states.shares is None else states.shares
    return state_populations(members, weighted, temperature, states.names, beside=states.error)


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
    order = sorted(named, key=lambda k: -float(populations.shares.value[k]))
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
    """Numbers as JSON values; None where nothing is known."""
    p, names, surface = found.populations, found.states.names, found.surface
    summary: dict[str, Any] = {
        "run": found.run,
        "method": found.method,
        "temperature": found.temperature,
        "frames": found.frames,
        "planned_frames": found.planned,
        "variables": list(found.variables),
        "membership": found.states.definition,
        "converged": p.converged,
        "verdict": p.verdict,
        "effective_samples": surface.effective,
        "independent_slices": surface.blocks.independent,
        "outside_training": found.outside,
        "path": found.path is not None,
        "new": found.states.new,
        "surface": {
            "known": not surface.why, "why": surface.why,
            "nodes": list(surface.energy.shape), "bandwidth": list(surface.bandwidth),
        },
        "populations": {
            names[k]: p.shares[k].summary()
            for k in sorted(range(len(names)), key=lambda k: -float(p.shares.value[k]))
            if p.shares.value[k] > 0
        },
        "basins": [
            {"state": state, "place": place.tolist(), "energy": _stated(surface, place, energy)}
            for state, place, energy in found.basins
        ],
    }  # fmt: skip
    if found.difference is not None and found.growth is not None:
        a, b = found.pair
        summary["difference"] = {
            "from": names[a], "to": names[b], **found.difference.summary(),
            "lasting_changes": found.growth.changes,
        }  # fmt: skip
    if found.path is not None and found.path.barrier is not None:
        saddle = [] if found.path.saddle is None else found.path.saddle.tolist()
        summary["barrier"] = {**found.path.barrier.summary(), "saddle": saddle}
    return summary


def _stated(surface: Surface, place: Floats, energy: float) -> float | None:
    """The energy of a basin where it is known."""
    return energy if np.isfinite(surface.stated[surface.node(place)]) else None


def write_fes(found: FreeEnergies, folder: str | Path) -> list[Path]:
    """Write the surface as a table, NaN where it is not known, and all other numbers as JSON."""
    grid = np.stack(np.meshgrid(*found.surface.axes, indexing="ij"), axis=-1)
    columns = [f"{n} / {u}" for n, u in zip(found.variables, found.units, strict=True)]
    extra = ["geometric free energy / eV"] if found.geometric is not None else []
    rows, stated = [], found.surface.stated
    for node in np.argwhere(np.isfinite(found.surface.energy)):
        k = tuple(node)
        row = [*grid[k], stated[k], found.surface.error[k]]
        if found.geometric is not None:
            row.append(found.geometric.stated[k])
        rows.append(row)
    header = [*columns, "free energy / eV", "standard error / eV", *extra]
    with replacing_set(folder, "fes") as target:
        write_csv(target / "surface.csv", header, rows, digits=6)
        write_json(target / "free-energy.json", fes_summary(found))
    return [Path(folder) / "surface.csv", Path(folder) / "free-energy.json"]
