"""A ladder of equal acceptance from short runs, and the configuration that has it."""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from nanochart.config import RunConfig, check_files, load_config, whole_share
from nanochart.dynamics import Langevin
from nanochart.errors import ConfigError
from nanochart.files import write_text
from nanochart.parallel import use_executor
from nanochart.potentials import Potential
from nanochart.progress import Progress, silent
from nanochart.shown import short_repr
from nanochart.store import seed_of, stream_fingerprint
from nanochart.tempering import (
    Acceptance,
    AcceptanceModel,
    EnergyDistributions,
    Ladder,
    MappedDistances,
    MappedExchange,
    Pilot,
    Segment,
    TemperingConfig,
    acceptance,
    cold_rungs,
    harmonic_ladder,
    langevin_segment,
    mapped_exchange,
    predicted_acceptance,
    run_pilot,
    tuned_ladder,
)
from nanochart.workflow.starts import make_starts, tell_starts
from nanochart.workflow.system import (
    brisk,
    find_mapped_pairs,
    make_dynamics,
    make_potential,
)

__all__ = ["Tuning", "tune_ladder", "tune_segment", "tuned_text", "write_tuned"]

#: Time between exchange attempts of a pilot, ps; at its friction, the energy forgets itself in
#: about that time.
_PILOT_INTERVAL = 0.5
#: The same where exchanges ask for quenches.
_MAPPED_INTERVAL = 2.0
#: Share of a pilot that is discarded.
_DISCARD = 0.3
#: Leave-one-out blocks for the error of a prediction.
_N_BLOCKS = 6
#: Kelvins to which temperatures are rounded.
_DIGITS = 1


@short_repr
@dataclass(frozen=True)
class Tuning:
    """A tuned ladder.

    Attributes
    ----------
    ladder
        Temperatures.
    predicted, predicted_error
        Acceptance of each pair from the energies of the runs before, and its standard error by
        jackknife over blocks in time, shape (pair,).
    measured
        Acceptance of each pair in a run of this ladder.
    runs
        Short runs that it took, the measuring one included.
    mapped_below
        Highest temperature in K of a pair that exchanged mapped in them, 0 for none.
    """

    ladder: Ladder
    predicted: NDArray[np.float64]
    predicted_error: NDArray[np.float64]
    measured: Acceptance
    runs: int
    mapped_below: float = 0.0

    @property
    def deviations(self) -> NDArray[np.float64]:
        """Measured less predicted acceptance in standard errors, shape (pair,).

        Far from zero where the short runs were too short: structures and with them energies
        still changed from one to the next, slower than the blocks of the error can see.
        """
        error = np.hypot(0.5 * (self.measured.high - self.measured.low), self.predicted_error)
        return np.asarray((self.measured.share - self.predicted) / error)


def tune_ladder(
    config: RunConfig,
    t_min: float | None = None,
    t_max: float | None = None,
    target: float = 0.3,
    *,
    pilot: float = 1_000.0,
    iterations: int = 2,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> Tuning:
    """Place temperatures for equal acceptance between two ends, from short runs.

    The first run has the ladder that would be right for a harmonic cluster. Its energies place
    temperatures, which the next run measures; that one's energies are used as well to place them
    again, ``iterations`` times, and a last run measures what came of it.

    Parameters
    ----------
    config
        System, starts, dynamics and seed; its temperatures give the ends unless they are given.
    t_min, t_max
        Ends of the ladder, K.
    target
        Acceptance of every pair of neighbours to reach.
    pilot
        Length of each short run, ps per replica; three tenths of it are discarded. A run much
        shorter than the cluster takes to melt gives a ladder for the structures it starts from.
    iterations
        How often the temperatures are placed.
    executor
        Executor that replicas run on; None is one thread for each core.
    progress
        Function that is called after every round with how far the work is.
    """
    ends = config.tempering.ladder.temperatures
    low, high = (ends[0] if t_min is None else t_min), (ends[-1] if t_max is None else t_max)
    if not 0.0 < low < high:
        raise ConfigError(
            f"the ends of a ladder must have 0 < t_min < t_max (K) to be tuned; got {low:g} and "
            f"{high:g}"
        )
    config = check_files(config)
    potential = make_potential(config)
    made = make_starts(config, potential)
    tell_starts(progress, made, config)
    starts = made.positions
    dynamics = make_dynamics(config, potential, starts, high)
    wide = Ladder((*cold_rungs(low, high), high))
    # Where minima last, rungs stand as wide apart as mapped exchanges carry.
    below = find_mapped_pairs(config, potential, dynamics, starts, executor, wide).lasting
    half = 500.0 * (_MAPPED_INTERVAL if below else _PILOT_INTERVAL)
    dynamics = replace(brisk(dynamics), time_step=whole_share(half, dynamics.time_step))
    steps = 2 * round(half / dynamics.time_step)
    return tune_segment(
        langevin_segment(potential, dynamics),
        starts,
        potential,
        _first_ladder(config.system.n_atoms, low, high, target, below),
        target,
        mapped=mapped_exchange(potential, dynamics, below) if below else None,
        steps=steps,
        rounds=_rounds(pilot, steps, dynamics),
        iterations=iterations,
        seed=config.seed,
        executor=executor,
        progress=progress,
    )


def tune_segment(
    segment: Segment,
    starts: NDArray[np.float64],
    potential: Potential,
    ladder: Ladder,
    target: float,
    *,
    steps: int,
    rounds: int,
    mapped: MappedExchange | None = None,
    iterations: int = 2,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> Tuning:
    """Tune a ladder for any dynamics: :func:`tune_ladder` without a configuration.

    Parameters
    ----------
    segment
        The dynamics.
    starts
        (start, atom, 3) in Å.
    potential
        Gives the mass.
    ladder
        Of the first short run; its ends stay.
    target
        Acceptance to reach.
    steps, rounds
        Time steps between exchange attempts, and attempts, of each short run.
    mapped
        How cold pairs exchange; None is plainly.
    iterations, seed, executor, progress
        As of :func:`tune_ladder`; each short run has a stream of its own.
    """
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1; got {iterations}")
    discarded, total = int(_DISCARD * rounds), rounds * (iterations + 1)
    done = 0

    def told() -> None:
        nonlocal done
        done += 1
        progress("tune", done, total, f"{len(ladder)} temperatures")

    def measure(k: int, structures: NDArray[np.float64]) -> Pilot:
        settings = TemperingConfig(ladder, steps)
        return run_pilot(
            segment, structures, potential, settings, discarded, rounds - discarded,
            _pilot_seed(seed, k, ladder), pool, told, mapped,
        )  # fmt: skip

    with use_executor(executor) as pool:
        pilots = [measure(0, starts)]
        for k in range(1, iterations + 1):
            placed = tuned_ladder(
                _model(pilots, mapped), ladder.temperatures[0], ladder.temperatures[-1], target
            )
            ladder = _rounded(placed.ladder)
            known = list(pilots)
            pilots.append(measure(k, pilots[-1].starts(ladder)))
    predicted = predicted_acceptance(_model(known, mapped), ladder)
    error = _jackknife(known, ladder, mapped)
    below = 0.0 if mapped is None else mapped.below
    return Tuning(ladder, predicted, error, pilots[-1].acceptance, len(pilots), below)


def tuned_text(source: str | Path, ladder: Ladder) -> str:
    """Text of a configuration with its temperatures replaced; all else, comments too, stays.

    Parameters
    ----------
    source
        YAML file of the configuration.
    ladder
        The temperatures to put in.
    """
    text = Path(source).read_text(encoding="utf-8")
    document: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    section = next(value for key, value in document.value if key.value == "tempering")
    old = [kv for kv in section.value if kv[0].value in {"temperatures", "t_min", "t_max", "n"}]
    written = "temperatures: [" + ", ".join(f"{t:g}" for t in ladder.temperatures) + "]"
    # From the last one on, so that the places of those before it stay right.
    for place, (key, value) in reversed(list(enumerate(old))):
        start, end = key.start_mark.index, _end(value)
        if place == 0:
            text = text[:start] + written + text[end:]
        elif section.flow_style:
            text = text[: text.rindex(",", 0, start)] + text[end:]
        else:
            line_end = text.find("\n", end)
            text = text[: text.rindex("\n", 0, start)] + text[line_end if line_end >= 0 else end :]
    return text


def _end(node: Any) -> int:
    """Where the text of a node ends; YAML lets a list in lines reach to the next key."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def write_tuned(source: str | Path, ladder: Ladder, path: str | Path) -> Path:
    """Write a configuration with other temperatures.

    Parameters
    ----------
    source
        YAML file of the configuration.
    ladder
        The temperatures to put in.
    path
        File to write; one that is there is left alone.

    Raises
    ------
    ConfigError
        If the file is there already, or the result would not be the same configuration with
        other temperatures.
    """
    target = Path(path)
    text = tuned_text(source, ladder)
    values = yaml.safe_load(text)
    changes = {
        "temperatures": list(ladder.temperatures), "t_min": None, "t_max": None, "n": None,
    }  # fmt: skip
    if load_config(values) != load_config(source).replaced(tempering=changes):
        raise ConfigError(
            f"the temperatures of {source} cannot be replaced in its text; put them in by hand: "
            f"{', '.join(f'{t:g}' for t in ladder.temperatures)}"
        )
    if target.exists():
        raise ConfigError(f"{target} exists already: name another file with --output")
    return write_text(target, text)


def _pilot_seed(seed: int, k: int, ladder: Ladder) -> int:
    """Seed of the k-th short run, whose noise no other run has."""
    asked = {"k": k, "ladder": list(ladder.temperatures)}
    return seed_of(stream_fingerprint("pilot", seed, asked))


def _rounds(pilot: float, steps: int, dynamics: Langevin) -> int:
    rounds = round(1000.0 * pilot / (steps * dynamics.time_step))
    if rounds < 40:
        shortest = 40e-3 * steps * dynamics.time_step
        raise ConfigError(
            f"a short run to tune a ladder must last at least {shortest:g} ps per replica; got "
            f"{pilot:g}"
        )
    return rounds


def _rounded(ladder: Ladder) -> Ladder:
    """Temperatures to a tenth of a kelvin, if they stay apart; the ends as they are."""
    T = ladder.temperatures
    try:
        return Ladder((T[0], *(round(t, _DIGITS) for t in T[1:-1]), T[-1]))
    except ValueError:
        return ladder


def _first_ladder(n_atoms: int, low: float, high: float, target: float, below: float) -> Ladder:
    """Where nothing but the harmonic cluster is known: wide steps where exchanges are mapped."""
    if below <= low:
        return harmonic_ladder(n_atoms, low, high, target)
    if below >= high:
        return Ladder((*cold_rungs(low, high), high))
    above = harmonic_ladder(n_atoms, below, high, target).temperatures
    return Ladder((*cold_rungs(low, below), *above))


def _model(
    pilots: list[Pilot], mapped: MappedExchange | None, left_out: int | None = None
) -> AcceptanceModel:
    """What the runs say of any pair, without one block in time of each."""
    plain = _distributions(pilots, left_out)
    if mapped is None:
        return plain
    blocks = np.array_split(pilots[-1].accepted, _N_BLOCKS)
    outcomes = np.concatenate([b for k, b in enumerate(blocks) if k != left_out])
    share = np.nan_to_num(acceptance(outcomes).share)
    return MappedDistances(plain, mapped.below, pilots[-1].ladder, share)


def _distributions(pilots: list[Pilot], left_out: int | None = None) -> EnergyDistributions:
    """Of the energies of all runs, without one block in time of each."""
    temperatures = [t for p in pilots for t in p.ladder.temperatures]
    energies = []
    for p in pilots:
        blocks = np.array_split(p.energies, _N_BLOCKS)
        kept = [b for k, b in enumerate(blocks) if k != left_out]
        energies += list(np.concatenate(kept).T)
    return EnergyDistributions.from_samples(temperatures, energies)


def _jackknife(
    pilots: list[Pilot], ladder: Ladder, mapped: MappedExchange | None
) -> NDArray[np.float64]:
    left_out = np.array(
        [predicted_acceptance(_model(pilots, mapped, k), ladder) for k in range(_N_BLOCKS)]
    )
    error: NDArray[np.float64] = np.sqrt((_N_BLOCKS - 1.0) * left_out.var(axis=0))
    return error
