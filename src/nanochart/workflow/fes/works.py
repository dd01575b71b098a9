"""Free-energy differences from the works of steered runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing import BiasPlan, protocol_difference
from nanochart.errors import StoreError
from nanochart.free_energy import WorkEstimate, bar, jarzynski
from nanochart.shown import short_repr
from nanochart.store import Run, share_stream
from nanochart.workflow.bias.plans import plan_of

__all__ = ["Works", "works_of_runs"]

Floats = NDArray[np.float64]

#: Rounds of a hold from which a drift in it can be told, and how many standard errors are one.
_FEWEST_HELD, _DRIFT = 6, 4.5
#: Walkers from which their standard error is one.
_FEWEST_WALKERS = 5


@short_repr
@dataclass(frozen=True, eq=False)
class Works:
    """What steered runs say.

    Attributes
    ----------
    estimate
        Free energy of the cluster restrained at ``end`` less that restrained at ``start``.
    start, end
        Names of the places.
    temperature
        K.
    forward, backward
        The works in eV, (walker,) of all runs.
    """

    estimate: WorkEstimate
    start: str
    end: str
    temperature: float
    forward: Floats
    backward: Floats


def works_of_runs(forward: Sequence[Run], backward: Sequence[Run] = ()) -> Works:
    """Free-energy difference from steered runs in one direction, or in both.

    Parameters
    ----------
    forward
        Runs whose walkers were steered one way, by one protocol.
    backward
        Runs by the mirrored protocol; none, for Jarzynski's estimate.

    Raises
    ------
    StoreError
        If a run is not steered, not complete, or of another protocol, or if two runs are one.
    """
    plans = [[_steered(run) for run in runs] for runs in (forward, backward)]
    _check_protocols(forward, backward, *plans)
    there, back = ([_whole_works(run) for run in runs] for runs in (forward, backward))
    first = plans[0][0]
    f, b = (np.concatenate(part) if part else np.empty(0) for part in (there, back))
    found = bar(f, b, first.temperature) if len(backward) else jarzynski(f, first.temperature)
    pairs = zip([*forward, *backward], [*plans[0], *plans[1]], strict=True)
    moving = [run.path.name for run, plan in pairs if _drifts(run, plan)]
    if found.known and moving:
        found = replace(
            found,
            reliable=False,
            advice=f"the walkers of {', '.join(moving)} were not at rest when the restraint began "
            "to move: hold longer at the first place",
        )
    return Works(found, first.places[0], first.places[-1], first.temperature, f, b)


def _steered(run: Run) -> BiasPlan:
    plan = plan_of(run)
    if plan.method_name != "steered" or not run.complete:
        raise StoreError(
            f"{run.path} must be a steered run that is complete: works are those of whole "
            "protocols; finish it with `nanochart bias CONFIG --resume`"
        )
    return plan


def _whole_works(run: Run) -> Floats:
    """The works at the end of the protocol in eV, (walker,)."""
    works = run.frames(run.committed() - 1).biased.works
    if works is None:
        raise StoreError(f"{run.path} recorded no works: steer it again with `nanochart bias`")
    last: Floats = works[0]
    return last


def _check_protocols(
    forward: Sequence[Run],
    backward: Sequence[Run],
    plans: Sequence[BiasPlan],
    back: Sequence[BiasPlan],
) -> None:
    first = forward[0]
    others = [(run, plan, False) for run, plan in zip(forward[1:], plans[1:], strict=True)]
    others += [(run, plan, True) for run, plan in zip(backward, back, strict=True)]
    for run, plan, mirrored in others:
        difference = protocol_difference(plans[0], plan, mirrored=mirrored)
        if difference is not None:
            what = "the mirror of the forward protocol" if mirrored else "of one protocol"
            raise StoreError(
                f"the works of {run.path} must be {what}, that of {first.path}; got "
                f"{difference}: steer it again with the places in "
                f"{'reverse' if mirrored else 'the same'} order and all else equal"
            )
    for run, other in combinations([*forward, *backward], 2):
        if share_stream(run.metadata, other.metadata):
            raise StoreError(
                f"works that are combined must be independent; got {run.path} and {other.path} of "
                f"the same configuration and seed, {run.metadata.seed}, which share their random "
                "numbers: give each its own seed"
            )


def _drifts(run: Run, plan: BiasPlan) -> bool:
    """Whether the variables still moved one way in the second half of the hold.

    The change of a walker's mean from the second to the last third of the hold is compared with
    the standard error of that change over the walkers.
    """
    held = int(plan.method.steps[0]) // plan.steps_per_round  # type: ignore[union-attr]
    if held < _FEWEST_HELD or plan.n_walkers < _FEWEST_WALKERS:
        return False
    s = run.frames(0, held).biased.variables
    change = s[2 * held // 3 :].mean(axis=0) - s[held // 3 : 2 * held // 3].mean(axis=0)
    error = change.std(axis=0, ddof=1) / np.sqrt(len(change))
    return bool((np.abs(change.mean(axis=0)) > _DRIFT * error + 1e-12).any())
