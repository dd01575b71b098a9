"""Frames with weights, whatever run they come from: what free energies are made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nanochart.biasing import BiasPlan, known_reach
from nanochart.config import DISCARD, FEWEST_FRAMES
from nanochart.errors import StoreError
from nanochart.free_energy import heated_weights, log_gram, umbrella_weights
from nanochart.landscape import Known, States
from nanochart.progress import Progress, silent
from nanochart.statistics import Weighted
from nanochart.store import Frames, Run
from nanochart.tempering import Ladder
from nanochart.workflow.bias.plans import dynamics_of, plan_of
from nanochart.workflow.bias.then import SourceThen
from nanochart.workflow.chart import check_model
from nanochart.workflow.chart_files import chart_model
from nanochart.workflow.fes.membership import check_asked, known_places
from nanochart.workflow.fes.own_states import own_states, tempered_states
from nanochart.workflow.fes.place_states import place_states
from nanochart.workflow.ladder import ladder_sample, restricted_to, whole_frames
from nanochart.workflow.quench import quenched_every
from nanochart.workflow.sessions import asked_config

__all__ = ["BiasedFrames", "SomeFrames", "TemperedFrames", "weighted_frames"]

Floats = NDArray[np.float64]

#: Frames of all walkers that are quenched for their states, about; of a longer run one frame in so
#: many counts.
_MOST_QUENCHED = 20_000


@dataclass(frozen=True, eq=False)
class BiasedFrames:
    """Frames of a biased run, of equilibrium, as far as it has come.

    Attributes
    ----------
    run, plan
        The run, and what it was biased by.
    temperature
        K; of a run on a ladder, the one that is asked for.
    frames
        Its frames that count.
    first, planned
        Frames left out at the start, and frames it was to have.
    every
        One frame in so many counts, for weights, variables and states alike: a ratio of sums over
        frames that were chosen by their number alone has the same expectation.
    membership
        "own" or "place", how frames belong to states.
    """

    run: Run
    plan: BiasPlan
    temperature: float
    frames: Frames
    first: int
    planned: int
    every: int = 1
    membership: str = "own"

    @property
    def method(self) -> str:
        """What biased it."""
        return self.plan.method_name or "plain dynamics"

    @property
    def model(self) -> str | None:
        """Fingerprint of the model of the chart."""
        return self.run.metadata.provenance.get("model")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the variables."""
        return self.plan.names

    @property
    def units(self) -> tuple[str, ...]:
        """Of the variables."""
        return self.plan.units

    def values(self) -> Floats:
        """Variables (time, walker, m)."""
        return self.frames.biased.variables

    def weighted(self) -> Weighted:
        """Their weights in the ensemble without bias."""
        if self.plan.ladder:
            return self._heated()
        if self.plan.method_name != "umbrella":
            return Weighted(self.frames.biased.log_weights)
        energies = self.plan.window_energies(self.values())
        return umbrella_weights(energies[..., self.plan.windows], self.temperature)

    def _heated(self) -> Weighted:
        """Their weights by the biases of all rungs, and of all windows where there are such."""
        thermal, logs = self.frames.thermal, self.frames.biased.rung_log_weights
        walks, windows = self.run.frames(self.first).thermal.rungs, None
        if self.plan.method_name == "umbrella":
            betas, windows = Ladder(self.plan.ladder).betas, self.plan.windows
            logs = self.plan.window_energies(self.values())[..., None] * betas
        if thermal.energies is None or thermal.rungs is None or logs is None:
            raise StoreError(
                f"{self.run.path} must have energies, rungs and weights of its frames, and it has "
                "lost them: restore it from a copy"
            )
        return heated_weights(
            thermal.energies, logs, thermal.rungs, self.plan.ladder, self.temperature,
            windows=windows, walks=walks,
        )  # fmt: skip

    def states(self, by: str, progress: Progress = silent) -> States:
        """Family or motif of each frame, of its own inherent structure or as shares by its place.

        Inherent structures that are missing are made and kept; see `own_states`.
        """
        check_asked(by, self.membership)
        source = SourceThen.of(self.run)
        known = known_places(source, self.values(), self.names)
        if self.membership == "place":
            return place_states(self.run, source, self.frames, by, known, self.temperature)
        return own_states(
            self.run, source, self.frames.numbers, by, known, every=self.every, progress=progress
        )

    def log_gram(self, chosen: list[int]) -> Floats:
        """½ ln det J Jᵀ of every frame (time, walker), from the compiled variables."""
        dynamics = dynamics_of(self.run, self.plan)
        return _log_gram(dynamics.cvs, dynamics.potential, self.frames, chosen)


@dataclass(frozen=True, eq=False)
class TemperedFrames:
    """Frames of parallel tempering with a chart, weighted to one temperature by MBAR.

    Walkers are replicas, because it is a replica that remembers its structure while it changes
    its temperature.
    """

    run: Run
    temperature: float
    frames: Frames
    first: int
    planned: int

    @property
    def method(self) -> str:
        """Of all structures, or of the one motif that the replicas keep to."""
        within = restricted_to(self.run)
        return "parallel tempering" + (f" within {within} alone" if within else "")

    @property
    def model(self) -> str | None:
        """Fingerprint of the model of the chart."""
        return self.run.info("chart").get("model")

    @property
    def names(self) -> tuple[str, ...]:
        """Of the chart's coordinates."""
        return tuple(f"s{k + 1}" for k in range(self.frames.n_coordinates))

    @property
    def units(self) -> tuple[str, ...]:
        """Of the chart's coordinates."""
        return ("1",) * len(self.names)

    def values(self) -> Floats:
        """Chart coordinates (time, replica, d)."""
        return self.frames.chart("thermal").coordinates

    def weighted(self) -> Weighted:
        """Their weights at the temperature."""
        whole = whole_frames(self.frames, self.run)
        if not whole.all():
            raise StoreError(
                f"{self.run.path} has {int((~whole).sum())} frames that lack a replica, and a "
                "surface needs all of them: sample it again"
            )
        return ladder_sample(self.frames, self.run, whole).at(self.temperature)

    def states(self, by: str, progress: Progress = silent) -> States:
        """Family or motif of each frame's own inherent structure."""
        del progress
        check_asked(by, "own")
        values = self.values().reshape(-1, len(self.names))
        known = Known(self.names, cKDTree(values), known_reach(values), 0.0)
        return tempered_states(self.run, self.frames, by, known)

    def log_gram(self, chosen: list[int]) -> Floats:
        """½ ln det J Jᵀ of every frame (time, replica), from the compiled variables."""
        from nanochart.biasing import ChartCoordinate, CVs

        model = chart_model(self.run)[1]
        check_model(self.run, model)
        potential = self.run.system.potential
        variables = [ChartCoordinate(k) for k in range(len(self.names))]
        cvs = CVs.compile(variables, potential, model, self.run.metadata.element)
        return _log_gram(cvs, potential, self.frames, chosen)


SomeFrames = BiasedFrames | TemperedFrames


def weighted_frames(
    run: Run,
    discard: float | None,
    temperature: float | None = None,
    *,
    membership: str = "own",
    every: int | None = None,
) -> SomeFrames:
    """The frames of a run after a share at its start, with what weights them.

    Parameters
    ----------
    run
        Biased, or of parallel tempering with a chart.
    discard
        Share at the start that is left out; None is a fifth of a biased run, and else nothing.
    temperature
        K, of parallel tempering, or of a biased run on a ladder, whose default is its lowest; other
        biased runs have their own.
    membership
        How frames of a biased run belong to states, "own" or "place".
    every
        Of a biased run, one frame in so many counts. None takes those that are quenched; of a run
        that is not, all, or as many as make some 20,000 frames to be quenched.

    Raises
    ------
    StoreError
        If the run is of no kind that has weights, or is too short.
    ValueError
        If a temperature is missing, or is not the run's.
    """
    if discard is None:
        discard = DISCARD if run.metadata.kind == "biased" else 0.0
    if not 0.0 <= discard < 1.0:
        raise ValueError(f"discard must be a share from 0 to below 1; got {discard!r}")
    n = run.committed()
    first = int(discard * n)
    if run.metadata.kind == "biased":
        plan = plan_of(run)
        if plan.method_name == "steered":
            raise StoreError(
                f"{run.path} is a steered run, which is out of equilibrium: compare the works of "
                "several with `nanochart fes RUN RUN ...`, or sample by opes, metadynamics or "
                "umbrella"
            )
        at = _temperature(run, plan, temperature, membership)
        check_asked("motif", membership)
        step = _every(run, every) if membership == "own" else every or 1
        first = -(-first // step) * step
        frames = run.frames(min(first, n), every=step)
        _long_enough(run, len(frames), discard, "run `nanochart bias CONFIG --resume` first")
        return BiasedFrames(run, plan, at, frames, first, run.n_frames, step, membership)
    if membership != "own" or every not in {None, 1}:
        raise ValueError(
            f"the frames of {run.path} have states of their own, and all of them count: leave out "
            "--membership and --every, which are for biased runs"
        )
    frames = run.frames(first, n)
    T, thermal = frames.ladder, frames.thermal
    weights = T is not None and thermal.energies is not None and thermal.rungs is not None
    if T is None or not weights or not len(run.frames().having("chart")):
        raise StoreError(
            f"{run.path} has no weights or no chart: free energies are made of a biased run, by "
            "`nanochart bias CONFIG`, or of parallel tempering that is charted, by `nanochart "
            f"chart {run.path}`"
        )
    if temperature is None or not T.min() <= temperature <= T.max():
        raise ValueError(
            f"the free energies of parallel tempering need a temperature (--temperature) from "
            f"{T.min():g} to {T.max():g} K, that of the ladder of {run.path}; got {temperature}"
        )
    _long_enough(run, len(frames), discard, "run `nanochart sample --resume` first")
    return TemperedFrames(run, temperature, frames.require("chart"), first, run.n_frames)


def _temperature(run: Run, plan: BiasPlan, asked: float | None, membership: str) -> float:
    """Temperature in K of the free energies of a biased run: its own, or one of its ladder."""
    if asked is None or asked == plan.temperature:
        return plan.temperature
    if not plan.ladder:
        raise ValueError(
            f"the temperature of a biased run is its own, {plan.temperature:g} K; got "
            f"{asked:g}: leave it out"
        )
    low, high = plan.ladder[0], plan.ladder[-1]
    if not low <= asked <= high:
        raise ValueError(
            f"the temperature (--temperature) must be one from {low:g} to {high:g} K, those of the "
            f"ladder of {run.path}; got {asked:g}"
        )
    if membership == "place":
        raise ValueError(
            f"shares by place are those of known frames near {low:g} K, the lowest temperature of "
            f"{run.path}; got {asked:g} K: leave out --temperature, or --membership"
        )
    return asked


def _every(run: Run, asked: int | None) -> int:
    """One frame in how many counts, whose own states are asked for."""
    quenched = quenched_every(run)
    if asked is not None and quenched is not None and asked % quenched:
        raise StoreError(
            f"{run.path} has the inherent structure of one frame in {quenched}, so --every must be "
            f"a multiple of it; got {asked}: leave it out, or quench all with `nanochart quench "
            f"{run.path} --again`"
        )
    if asked is not None or quenched is not None:
        return asked or quenched or 1
    stop = asked_config(run).get("stop")
    every = 1 if stop is None else int(stop.get("every", 1))
    if every > 1 and run.committed() >= 2 * FEWEST_FRAMES * every:
        return every
    return max(1, -(-run.n_frames * run.metadata.n_replicas // _MOST_QUENCHED))


def _long_enough(run: Run, n: int, discard: float, remedy: str) -> None:
    if n < FEWEST_FRAMES:
        raise StoreError(
            f"{run.path} has {n} frames after the first {discard:.0%}, and a surface needs at "
            f"least {FEWEST_FRAMES}: {remedy}"
        )


def _log_gram(cvs: Any, potential: Any, frames: Frames, chosen: list[int]) -> Floats:
    positions = frames.thermal.positions
    flat = positions.reshape(-1, *positions.shape[-2:])
    rows = []
    for a in chosen:
        slope = np.zeros(len(cvs))
        slope[a] = 1.0
        rows.append(cvs.with_gradient(flat, potential, slope)[1])
    return log_gram(np.stack(rows, axis=1)).reshape(positions.shape[:2])
