"""A search for the lowest minima, into a run that every other command reads."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanochart.clusters import MOTIFS, above_known, build, known_minima_of
from nanochart.config import QuenchConfig, changes, changes_sentence
from nanochart.errors import StoreError
from nanochart.motifs import classify
from nanochart.parallel import use_executor
from nanochart.potentials import Potential, check_forces, is_compiled
from nanochart.progress import Progress, silent
from nanochart.search import (
    FINAL_MAX_FORCE,
    Catalogue,
    SearchConfig,
    SearchResult,
    SearchState,
    begin,
    ended,
    finish,
    point_group_order,
    step,
    tell,
)
from nanochart.store import Run, create, open as open_run
from nanochart.system import System
from nanochart.workflow.label import label_run
from nanochart.workflow.recorder import never

__all__ = ["Found", "found_minima", "search_run", "shortfalls"]

Floats = NDArray[np.float64]

#: Seconds between checkpoints: what a kill loses at most.
_CHECKPOINT_SECONDS = 30.0
#: Bytes of positions that are committed together.
_BLOCK_BYTES = 4_000_000
#: Settings that may differ between a search and the one that goes on with it: they say when it
#: ends, and not which way it takes.
_CHANGEABLE = ("n_quenches", "patience", "target")
#: Fewest atoms that starts are built of.
_SMALLEST = 13


@dataclass(frozen=True)
class Found:
    """A minimum of a search, as its run has it.

    Attributes
    ----------
    energy
        In eV.
    motif
        One of `nanochart.motifs.LABELS`.
    point_group_order
        Of its point group.
    log_frequencies
        Logarithm of the product of its frequencies in rad/ps; None where it has none.
    first_found
        Quench that found it.
    """

    energy: float
    motif: str
    point_group_order: int
    log_frequencies: float | None
    first_found: int


def search_run(
    potential: Potential,
    n_atoms: int,
    path: str | Path,
    config: SearchConfig,
    *,
    random_starts: bool = False,
    resume: bool = False,
    executor: Executor | None = None,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> Run:
    """Search for the lowest minima of a cluster, and make a run of them.

    A frame of the run is a minimum, the lowest first, which is its own inherent structure; it is
    labelled, and has the order of its point group and the product of its frequencies.

    Parameters
    ----------
    potential
        Potential of the cluster.
    n_atoms
        Number of atoms.
    path
        Folder of the run.
    config
        Settings of the search.
    random_starts
        Whether all walkers begin at random places; otherwise the first begin from built structures.
    resume
        Go on with the search that is there, whose result is that of one that was never stopped. It
        may be longer.
    executor
        Executor that walkers run on; None is one thread for each core. The result does not depend
        on it.
    progress
        Function that is called after every hop with how far the search is.
    stop
        Asked after every hop; once it answers True, the state is saved and the run returned, not
        ``complete``.

    Raises
    ------
    StoreError
        If the run cannot be made, or the search that is there was made with other settings.
    ValueError
        If nothing was found.
    """
    about = {"search": asdict(config), "random_starts": random_starts}
    run = _resumed(potential, n_atoms, path, about) if resume else None
    starts = () if random_starts else _built(potential, n_atoms, config)
    if starts and not is_compiled(potential):
        check_forces(potential, starts[0])
    if run is None:
        run = _created(potential, n_atoms, path, config, about)
    with run.lock(), use_executor(executor) as pool:
        checkpoint = run.load_checkpoint()
        state = begin(n_atoms, config) if checkpoint is None else _unpacked(run, checkpoint)
        if run.complete and ended(state, config):
            return run
        told = _Told(state, config, progress)
        saved, stopped = time.monotonic(), False
        try:
            while not ended(state, config) and not stopped:
                state = step(state, potential, config, starts, pool)
                told(state)
                stopped = stop()
                if time.monotonic() - saved > _CHECKPOINT_SECONDS:
                    run.save_checkpoint(*_packed(state))
                    saved = time.monotonic()
        finally:
            run.save_checkpoint(*_packed(state))
        if not ended(state, config):
            return run
        _write(run, finish(state, potential, config, pool), potential, pool)
        run.save_checkpoint(*_packed(state))  # which knows of the frames
    return run


def found_minima(run: Run) -> list[Found]:
    """The minima of a search, the lowest first.

    Raises
    ------
    StoreError
        If the run holds none.
    """
    frames = run.frames().require("quench").require("label")
    minima, labels = frames.inherent, frames.motifs
    orders, first = minima.point_group_orders, minima.found_after
    if orders is None or first is None:
        raise StoreError(f"{run.path} is not of a search: make one with `nanochart search`")
    logs = minima.log_frequencies
    if logs is None:
        logs = np.full(orders.shape, np.nan)
    return [
        Found(
            float(energy), labels.names[code], int(order),
            float(log) if np.isfinite(log) else None, int(after),
        )
        for energy, code, order, log, after in zip(
            minima.energies.ravel(), labels.codes.ravel(), orders.ravel(), logs.ravel(),
            first.ravel(), strict=True,
        )
    ]  # fmt: skip


def shortfalls(run: Run) -> list[str]:
    """Sentences on motifs of which a search did not find the lowest minimum known."""
    facts = run.metadata
    if not known_minima_of(run.system.potential, facts.n_atoms):
        return []
    lowest: dict[str, float] = {}
    for minimum in found_minima(run):
        lowest.setdefault(minimum.motif, minimum.energy)
    above = {
        motif: above_known(motif, energy, run.system.potential, facts.n_atoms)
        for motif, energy in lowest.items()
    }
    return [
        f"lowest {motif} found: {energy:.2f} eV above the lowest known minimum of its motif of "
        f"{facts.element}{facts.n_atoms}; search for longer (--patience), or with --motif {motif}"
        for motif, energy in above.items()
        if energy > 0.0
    ]


def _built(potential: Potential, n_atoms: int, config: SearchConfig) -> tuple[Floats, ...]:
    """The built structures of all motifs, or of those that are of the motif looked for."""
    if n_atoms < _SMALLEST:
        return ()
    made = [
        np.array(build(motif, potential.symbol, n_atoms, potential=potential).positions)
        for motif in MOTIFS
        if motif != "random"
    ]
    if config.motif is None:
        return tuple(made)
    labels = classify(
        np.array(made), potential.symbol, nearest_neighbour=potential.nearest_neighbour
    )
    return tuple(x for x, label in zip(made, labels, strict=True) if label == config.motif)


def _created(
    potential: Potential, n_atoms: int, path: str | Path, config: SearchConfig, about: Any
) -> Run:
    # How many minima there are is known at the end: room for one is made, and for more then.
    return create(
        path,
        element=potential.symbol,
        n_atoms=n_atoms,
        n_frames=1,
        n_replicas=1,
        kind="imported",
        seed=config.seed,
        system=System.pure(potential, n_atoms),
        provenance=about,
        chunk_frames=max(1, min(config.keep, _BLOCK_BYTES // (12 * n_atoms))),
    )


def _resumed(potential: Potential, n_atoms: int, path: str | Path, about: Mapping[str, Any]) -> Run:
    run = open_run(path, mode="a")
    before = run.metadata.provenance
    if "search" not in before:
        raise StoreError(f"{run.path} is not of a search, so there is nothing to resume")
    if (run.metadata.element, run.metadata.n_atoms) != (potential.symbol, n_atoms):
        raise StoreError(
            f"{run.path} is a search of {run.metadata.element}{run.metadata.n_atoms}, and "
            f"{potential.symbol}{n_atoms} was asked for: choose another folder"
        )
    changed = [
        change
        for change in changes(dict(before), dict(about))
        if not any(change.within("search", name) for name in _CHANGEABLE)
    ]
    if changed:
        raise StoreError(
            f"{run.path} was searched with other settings ({changes_sentence(changed)}): resume it "
            "with its own, or begin a new search"
        )
    run.store_system(System.pure(potential, n_atoms))
    return run


def _write(run: Run, result: SearchResult, potential: Potential, pool: Executor) -> None:
    """Make the frames of a run: the minima, quenched and labelled."""
    n = len(result)
    orders = [point_group_order(x) for x in result.positions]
    if run.n_frames > n:
        raise StoreError(
            f"{run.path} holds {run.n_frames} minima, and this search has {n}: begin a new one"
        )
    run.truncate(0)
    run.extend(n)
    thermal = {
        "positions": result.positions[:, None],
        "energy": result.energies[:, None],
        "temperature": np.full((n, 1), np.nan),
        "step": np.full(n, -1),
    }
    quenched: dict[str, NDArray[Any]] = {
        "inherent_positions": result.positions[:, None],
        "inherent_energy": result.energies[:, None],
        "quench_converged": (result.max_forces < FINAL_MAX_FORCE).astype(np.int8)[:, None],
        "quench_evaluations": np.zeros((n, 1), dtype=np.int32),
        "quench_max_force": result.max_forces[:, None],
        "point_group_order": np.array(orders, dtype=np.int16)[:, None],
        "log_frequencies": result.log_frequencies[:, None],
        "found_after": result.first_found[:, None],
    }
    for block in list(run.pending()):
        run.write_frames(block.start, {name: values[block] for name, values in thermal.items()})
    settings = QuenchConfig(max_force=FINAL_MAX_FORCE)
    run.begin("quench", {**settings.model_dump(mode="json"), "potential": potential.name})
    for block in list(run.pending("quench")):
        run.write("quench", block.start, {k: values[block] for k, values in quenched.items()})
    label_run(run, executor=pool)
    run.record_info("frames", {"quenches": result.n_quenches, "evaluations": result.n_evaluations})
    run.finalize()


class _Told:
    """Reports a search with how fast this process is."""

    def __init__(self, state: SearchState, config: SearchConfig, progress: Progress) -> None:
        self.config, self.progress = config, progress
        self.first, self.begun = state.n_quenches, time.perf_counter()

    def __call__(self, state: SearchState) -> None:
        rate = (state.n_quenches - self.first) / max(time.perf_counter() - self.begun, 1e-9)

        def with_rate(stage: str, done: float, total: float, note: str = "") -> None:
            self.progress(stage, done, total, f"{rate:.0f} quenches/s, {note}")

        tell(state, self.config, with_rate)


def _packed(state: SearchState) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """A state as arrays and plain values."""
    found = state.catalogue
    shape = (len(found), *state.positions.shape[1:])
    arrays = {name: getattr(state, name) for name in _ARRAYS}
    arrays |= {f"found_{name}": getattr(found, name) for name in _COLUMNS}
    arrays["found_positions"] = np.array(found.positions).reshape(shape)
    return arrays, {"round": state.hop, **{name: getattr(state, name) for name in _NUMBERS}}


_ARRAYS = ("positions", "energies", "radii", "lowest", "idle", "lives")
_COLUMNS = ("energies", "radii", "visits", "first")
_NUMBERS = ("hop", "n_quenches", "n_evaluations")


def _unpacked(run: Run, checkpoint: Any) -> SearchState:
    arrays, info = checkpoint.arrays, checkpoint.info
    try:
        columns = {name: arrays[f"found_{name}"] for name in _COLUMNS}
        found = Catalogue(**columns, positions=tuple(arrays["found_positions"]))
        numbers: dict[str, Any] = {name: int(info[name]) for name in _NUMBERS}
        return SearchState(**{name: arrays[name] for name in _ARRAYS}, **numbers, catalogue=found)
    except KeyError as error:
        raise StoreError(
            f"the checkpoint of {run.path} must hold what this version of nanochart continues; "
            f"got one without {error.args[0]}: go on with the version that wrote it, or begin anew "
            "with another --output"
        ) from None
