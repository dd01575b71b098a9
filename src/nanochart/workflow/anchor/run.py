"""Free energies of motifs from ladders that keep to one each, anchored near 0 K."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import pairwise
from pathlib import Path

import ase.io
import numpy as np
from numpy.typing import NDArray

from nanochart.config import QuenchConfig, RunConfig, load_config
from nanochart.dynamics import Langevin
from nanochart.errors import StoreError
from nanochart.files import replacing
from nanochart.free_energy import (
    AnchoredMotif,
)
from nanochart.interop import to_atoms
from nanochart.motifs import LABELS
from nanochart.potentials import Potential
from nanochart.progress import Progress, silent
from nanochart.report import AnchoredNumbers
from nanochart.search import Catalogue
from nanochart.statistics import Estimate
from nanochart.store import Run, open as open_run
from nanochart.tempering import Ladder, cold_rungs, mapped_exchange
from nanochart.workflow.anchor.compare import compared_by_ladder
from nanochart.workflow.anchor.partition import (
    AnchorConfig,
    frames_that_count,
    motif_partition,
)
from nanochart.workflow.anchor.result import Anchored, MotifLadder
from nanochart.workflow.anchor.starts import lowest_minima, minima_of_run
from nanochart.workflow.ladder import (
    ladder_sample,
    ladder_words,
    mapped_below,
    minima_last_to,
)
from nanochart.workflow.quench import quench_run
from nanochart.workflow.recorder import never
from nanochart.workflow.results import keep, kept, look_up
from nanochart.workflow.sample import sample
from nanochart.workflow.system import potential_at_hand, run_config

__all__ = ["anchor_ladder", "anchor_run", "anchored_numbers"]

Floats = NDArray[np.float64]

#: Minima of a motif that its rungs start from in turn.
_STARTS = 4


def anchor_ladder(
    run: Run, coldest: float, hottest: float | None, among: Sequence[float] = ()
) -> Ladder:
    """Temperatures from one at which minima are harmonic to where motifs are asked for.

    Parameters
    ----------
    run
        That is asked about.
    coldest
        In K.
    hottest
        In K; None is up to where minima last, as was found when the run was made.
    among
        Temperatures in K that are to be among them.

    Raises
    ------
    ValueError
        If the run has no mapped exchanges to tell, or the temperatures do not rise.
    """
    end = hottest or minima_last_to(run)
    if not end:
        raise ValueError(
            f"{run.path} has no mapped exchanges that tell up to where minima last: give the "
            "hottest temperature (--to)"
        )
    if not 0.0 < coldest < end:
        raise ValueError(
            f"the coldest temperature (K) must be positive and below the hottest, {end:g}; got "
            f"{coldest:g}"
        )
    outside = [T for T in among if not coldest <= T <= end]
    if outside:
        raise ValueError(
            f"temperatures that are to be rungs (K) must be between the coldest, {coldest:g}, and "
            f"the hottest, {end:g}; got {', '.join(f'{T:g}' for T in outside)}"
        )
    ends = sorted({coldest, *among, end})
    return Ladder((*(T for pair in pairwise(ends) for T in cold_rungs(*pair)), end))


def anchor_run(
    run: Run,
    folder: str | Path,
    config: AnchorConfig,
    *,
    motifs: Sequence[str] | None = None,
    more: Sequence[Run] = (),
    potential: Potential | None = None,
    executor: Executor | None = None,
    progress: Progress = silent,
    stop: Callable[[], bool] = never,
) -> Anchored | None:
    """Compute the free energies of motifs from ladders that are anchored near 0 K.

    Each motif has a run of its own in the folder, begun from its lowest minima, which is made,
    gone on with or made longer as need be.

    Parameters
    ----------
    run
        Quenched; its minima are where the ladders start from, and its own populations are compared.
    folder
        Where the runs of the motifs are.
    config
        Settings.
    motifs
        Motifs; None is all that occur but amorphous ones.
    more
        Further runs whose minima count, as those of searches.
    potential
        Where the run keeps its name alone.
    executor
        Executor that replicas run on.
    progress, stop
        As of `nanochart.workflow.sample`.

    Returns
    -------
    Anchored or None
        None where it was stopped.

    Raises
    ------
    StoreError
        If no minima are known, or runs are of other clusters.
    """
    for motif in motifs or ():
        if motif not in LABELS:
            raise ValueError(f"a motif must be one of {', '.join(LABELS)}; got {motif!r}")
    own, begun = potential_at_hand(run, potential), _of(run)
    for other in more:
        same = (other.metadata.element, other.metadata.n_atoms)
        if same != (run.metadata.element, run.metadata.n_atoms):
            raise StoreError(
                f"{other.path} must be of the cluster of {run.path}, "
                f"{run.metadata.element}{run.metadata.n_atoms}; got {same[0]}{same[1]}"
            )
    known = lowest_minima([run, *more], own, motifs, _STARTS)
    lacking = [m for m in motifs or () if m not in known]
    if lacking or not known:
        raise StoreError(
            f"no minimum of {', '.join(lacking) or 'any motif'} is known of {run.path}: quench it "
            "(`nanochart quench`), or name a run of `nanochart search --motif` with --minima"
        )
    order = sorted(known, key=lambda m: float(known[m].energies[0]))
    ladders: dict[str, MotifLadder] = {}
    for motif in order:
        told = partial(_told, progress, motif)
        made = _sampled(run, Path(folder), motif, known[motif], config, own, executor, told, stop)
        if made is None:
            return None
        starts = known[motif].positions
        ladders[motif] = _anchored(made, starts, own, config, executor, told)
    hotter, compared = compared_by_ladder(run, order, config.ladder)
    found = Anchored(np.array(config.ladder.temperatures), ladders, hotter, compared)
    if _of(run) == begun:
        keep(run, "last anchored", begun, found)
    return found


def _last_anchored(run: Run) -> Anchored | None:
    """What `anchor_run` found last of a run as it is now; None if nothing."""
    types = (Anchored, MotifLadder, AnchoredMotif, Estimate)
    found: Anchored | None = look_up(run, "last anchored", _of(run), *types)
    return found


def anchored_numbers(run: Run) -> AnchoredNumbers | None:
    """What the report shows of the last anchored free energies of a run; None if there are none."""
    found = _last_anchored(run)
    return None if found is None else found.numbers


def _of(run: Run) -> dict[str, object]:
    return {"made_of": run.fingerprint("frames", "quench")}


def _told(
    progress: Progress, motif: str, stage: str, done: float, total: float, note: str = ""
) -> None:
    progress(f"{motif}: {stage}", done, total, note)


def _sampled(
    run: Run,
    folder: Path,
    motif: str,
    starts: Catalogue,
    config: AnchorConfig,
    potential: Potential,
    executor: Executor | None,
    progress: Progress,
    stop: Callable[[], bool],
) -> Run | None:
    """The ladder of a motif, sampled and quenched; None where it was stopped."""
    path = folder / f"{motif}.zarr"
    if path.exists():
        _check_ladder(path, config.ladder)
    files = []
    for k, positions in enumerate(starts.positions):
        file = (folder / f"{motif}-{k + 1}.xyz").absolute()
        if not path.exists():
            atoms = to_atoms(positions, run.metadata.element, {"energy": starts.energies[k]})
            with replacing(file) as target:
                ase.io.write(target, atoms, format="extxyz")
        if file.exists():
            files.append(str(file))
    asked = run_config(run)
    values = {
        "system": {
            "metal": run.metadata.element,
            "n_atoms": run.metadata.n_atoms,
            "potential": "gupta" if asked is None else asked.system.potential,
        },
        "starts": files,
        "dynamics": {} if asked is None else asked.dynamics.model_dump(mode="json"),
        "tempering": {
            "temperatures": list(config.ladder.temperatures),
            "swap_interval": config.swap_interval,
            "time_per_replica": config.time_per_replica,
            "within": motif,
        },
        "seed": config.seed,
    }
    settings: RunConfig = load_config(values)
    made = sample(
        settings, path, resume=path.exists(), potential=potential, executor=executor,
        progress=progress, stop=stop,
    )  # fmt: skip
    if not made.complete:
        return None
    made = open_run(path, mode="a")
    quench_run(made, QuenchConfig(), potential=potential, executor=executor, progress=progress)
    return made


def _check_ladder(path: Path, ladder: Ladder) -> None:
    """Refuse to go on with a ladder of other temperatures."""
    before = run_config(open_run(path))
    there = () if before is None else before.tempering.temperatures or ()
    if there != ladder.temperatures:
        asked, held = (", ".join(f"{T:g}" for T in each) for each in (ladder.temperatures, there))
        raise StoreError(
            f"the ladder of {path} has the temperatures {held} K, and {asked} K are asked for: "
            "name another folder (--output), or ask for those that are there (--from, --to, --at)"
        )


def _anchored(
    run: Run,
    starts: Sequence[Floats],
    potential: Potential,
    config: AnchorConfig,
    executor: Executor | None,
    progress: Progress,
) -> MotifLadder:
    asked = run_config(run)
    time_step = run.metadata.time_step
    assert asked is not None  # noqa: S101  it was sampled
    assert time_step is not None  # noqa: S101
    radius = run.metadata.provenance.get("sphere_radius")
    dynamics = Langevin(time_step, asked.dynamics.friction, radius)
    exchange = mapped_exchange(potential, dynamics, mapped_below(run))

    def key() -> dict[str, object]:
        about = {"n_draws": config.n_draws, "n_minima": config.n_minima, "seed": config.seed}
        return {"made_of": run.fingerprint("frames", "quench"), **about}

    def compute() -> tuple[AnchoredMotif, Floats]:
        catalogue = minima_of_run(run, potential, starts, config.n_minima)
        return motif_partition(run, catalogue, potential, exchange, config, executor, progress)

    found, lowest = kept(run, "anchored", key, (AnchoredMotif, Estimate), compute)
    sampled = ladder_sample(frames_that_count(run), run)
    each = sampled.diagnostics.equilibration
    return MotifLadder(
        run=str(run.path),
        verdict=ladder_words(run, sampled.diagnostics),
        lowest=float(lowest[0]),
        independent=np.array([np.nan if e is None else e.n_independent for e in each]),
        inefficiency=sampled.diagnostics.inefficiency,
        found=found,
    )
