"""How a run was made, how far it is, and whether it is well."""

from typing import Any

import numpy as np

from nanochart.config import RunConfig, load_config
from nanochart.errors import ConfigError, StoreError
from nanochart.progress import Progress, silent
from nanochart.store import STAGES, Run, holder, is_sealed
from nanochart.tempering import communication_barrier
from nanochart.units import kelvin
from nanochart.workflow.ladder import exchanges, mapped_below, mapped_every
from nanochart.workflow.sessions import asked_config
from nanochart.workflow.starts import start_words

__all__ = ["run_info"]

#: Acceptance below which a pair hardly exchanges: a replica needs dozens of attempts to pass.
_POOR = 0.05
#: Attempts from which on the acceptance of a pair is known well enough to complain.
_ENOUGH = 20


def run_info(run: Run, *, verify: bool = False, progress: Progress = silent) -> dict[str, Any]:
    """Facts about a run, as plain JSON values.

    Parameters
    ----------
    run
        Open for reading; another process may be writing it.
    verify
        Read every committed chunk and compare its checksum; without, sizes are compared.
    progress
        Function that is called after every chunk that is read.

    Returns
    -------
    dict
        ``run``, ``complete``, ``stopped`` (why a biased run is done before its planned end, or
        None), ``stages`` (stage -> ``committed`` and ``of``, in frames), ``made_from`` (config as
        it was last asked for, seed, potential, time step in fs, what is to be said of its starts,
        versions, machine), ``exchange`` (``acceptance``, ``pairs`` with the kind of each,
        ``mapped_below`` in K, at one of how many turns these are tried, ``mapped_every``, the
        communication ``barrier`` and the number of ``temperatures``), ``timings`` (of all sessions,
        with the estimated ``seconds_left``), ``sealed`` (whether its metadata have a checksum),
        ``writer``,
        ``checkpoint``, ``problems`` (a sentence for each thing that is not well) and ``advice``
        (one for each that could be better).
    """
    facts = run.metadata
    frames = run.committed()
    problems = _damage(run, progress, verify=verify)
    checkpoint = _checkpoint(run, problems)
    failure = run.info("frames").get("failure")
    if failure:
        problems.append(str(failure))
    exchange = _exchange(run, problems)
    return {
        "run": str(run.path),
        "cluster": f"{facts.element}{facts.n_atoms}",
        "kind": facts.kind,
        "replicas": facts.n_replicas,
        "complete": run.complete,
        "stopped": run.info("frames").get("stopped"),
        "stages": {
            stage: {
                "committed": run.committed(stage),
                "of": run.n_frames if stage == "frames" else frames,
            }
            for stage in STAGES
        },
        "made_from": {
            "config": asked_config(run),
            "seed": facts.seed,
            "potential": facts.potential,
            "time_step": facts.time_step,
            "provenance": facts.provenance,
            "start_motifs": list(facts.start_motifs),
            "starts": start_words(run),
            "versions": facts.versions,
            "python": facts.python,
            "platform": facts.platform,
            "created": facts.created,
        },
        "exchange": exchange,
        "timings": _timings(run, checkpoint),
        "sealed": is_sealed(run.path),
        "writer": holder(run.path),
        "checkpoint": checkpoint,
        "problems": problems,
        "advice": _advice(run, exchange),
    }


def _advice(run: Run, exchange: dict[str, Any] | None) -> list[str]:
    if recorded := run.info("frames").get("advice"):
        return [str(recorded)]
    worst = exchange["worst"] if exchange else None
    if not worst or worst["attempts"] < _ENOUGH or worst["acceptance"] >= _POOR:
        return []
    low, high = worst["temperatures"]
    share = f"{worst['acceptance']:.1%} of {worst['attempts']} attempts"
    return [
        f"replicas hardly exchange between {kelvin(low)} and {kelvin(high)} K ({share}): add a rung"
    ]


def _damage(run: Run, progress: Progress, *, verify: bool) -> list[str]:
    if verify:
        return [damage.message for damage in run.verify(progress)]
    try:
        run.check_sizes()
    except StoreError as error:
        return [str(error)]
    return []


def _checkpoint(run: Run, problems: list[str]) -> dict[str, Any] | None:
    """Round and frames of the newest usable checkpoint, None if none was saved."""
    try:
        found = run.load_checkpoint()
    except StoreError as error:
        problems.append(str(error))
        return None
    if found is None:
        return None
    problems += found.skipped
    pending = int(found.info.get("pending", 0))
    return {"round": found.info.get("round"), "frames": found.frames, "pending": pending}


def _exchange(run: Run, problems: list[str]) -> dict[str, Any] | None:
    """Acceptance of each pair of neighbouring temperatures, None without exchanges."""
    try:
        found = exchanges(run)
    except StoreError as error:
        if str(error) not in problems:
            problems.append(str(error))
        return None
    if found is None:
        return None
    ladder, counts = found.ladder.temperatures, found.acceptance
    tried, accepted = counts.attempts, counts.accepted
    pairs: list[dict[str, Any]] = [
        {
            "temperatures": [ladder[k], ladder[k + 1]],
            "kind": "mapped" if k < found.n_mapped else "plain",
            "attempts": int(tried[k]),
            "acceptance": float(accepted[k] / tried[k]) if tried[k] else None,
        }
        for k in range(len(tried))
    ]
    known = [pair for pair in pairs if pair["attempts"]]
    worst = min(known, key=lambda pair: pair["acceptance"], default=None)
    share = float(accepted.sum() / tried.sum()) if tried.any() else None
    barrier = communication_barrier(counts.share)
    return {
        "acceptance": share, "worst": worst, "pairs": pairs, "mapped_below": mapped_below(run),
        "mapped_every": mapped_every(run), "temperatures": len(ladder),
        "barrier": barrier if np.isfinite(barrier) else None,
    }  # fmt: skip


def _timings(run: Run, checkpoint: dict[str, Any] | None) -> dict[str, Any] | None:
    """Speed of the sampling and what is left of it, None for a run without record of them."""
    sessions = run.info("frames").get("sessions", [])
    config, time_step = _config(run), run.metadata.time_step
    if not sessions or config is None or time_step is None:
        return None
    rounds = np.array([s["rounds"] for s in sessions], dtype=np.int64)
    seconds = np.array([s["seconds"] for s in sessions])
    n_steps = config.steps_per_round(time_step)
    steps = n_steps * run.metadata.n_replicas
    done = checkpoint["round"] if checkpoint else 0
    rounds_in_all = (config.n_discarded + run.n_frames) * config.tempering.exchanges_per_frame
    left = max(0, rounds_in_all - done)
    # The last session that got anywhere: an earlier one may have had another machine.
    latest = int(np.flatnonzero(rounds)[-1]) if rounds.any() else None
    pace = seconds[latest] / rounds[latest] if latest is not None else None
    nanoseconds = n_steps * time_step * 1e-6
    return {
        "sessions": sessions,
        "seconds": float(seconds.sum()),
        "rounds_left": int(left),
        "seconds_per_round": None if pace is None else float(pace),
        "replica_steps_per_second": None if pace is None else float(steps / pace),
        "ns_per_day": None if pace is None else float(nanoseconds / pace * 86400),
        "seconds_left": None if pace is None else float(left * pace),
    }


def _config(run: Run) -> RunConfig | None:
    """The run's configuration, None if it has none that holds here, as where its files are gone."""
    if run.metadata.kind != "sampled":
        return None
    try:
        return load_config(asked_config(run))
    except ConfigError:
        return None
