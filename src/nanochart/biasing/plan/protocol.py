"""Whether works of two steered runs are works of one protocol."""

import json
from collections.abc import Sequence
from itertools import pairwise

from nanochart.biasing.methods import Steered
from nanochart.biasing.plan.plan import BiasPlan

__all__ = ["protocol_difference"]


def protocol_difference(plan: BiasPlan, other: BiasPlan, *, mirrored: bool = False) -> str | None:
    """Say what keeps the works of two steered runs from being of one protocol; None if nothing.

    Works are combined by Jarzynski's equality if they were done by one protocol at one temperature,
    and by Crooks's theorem with those of the protocol that runs backward in time. Seeds, starts and
    the time at the first place may differ.

    Parameters
    ----------
    plan, other
        Plans of two steered runs.
    mirrored
        Whether the other's protocol must be the mirror of the first.

    Returns
    -------
    str or None
        A clause with what both have, as "the temperature 300 K and 400 K".
    """
    mine, its = _facts(plan, mirrored=False), _facts(other, mirrored=mirrored)
    for what, value in mine.items():
        if its[what] != value:
            return f"{what} {value} and {its[what]}"
    for what in ("reference", "guard"):
        if _arrays(plan, what) != _arrays(other, what):
            return f"{what}s of other numbers"
    return None


def _facts(plan: BiasPlan, *, mirrored: bool) -> dict[str, str]:
    """What must agree, in words; of a mirrored protocol as it is when run backward in time."""
    way = plan.method
    if not isinstance(way, Steered):
        raise TypeError(f"works are those of steered runs; got {plan.method_name}")
    dt = plan.dynamics.time_step
    moves = [1e-3 * dt * (end - begin) for begin, end in pairwise(way.steps)]
    order = slice(None, None, -1 if mirrored else 1)
    through = " to ".join(f"({_numbers(point)})" for point in way.points[order])
    return {
        "the cluster": f"{plan.element}{plan.n_atoms}",
        "the potential": json.dumps(dict(plan.potential), sort_keys=True),
        "the temperature": f"{plan.temperature:g} K",
        "the variables": ", ".join(plan.names),
        "the model": str(plan.model),
        "the stiffness": f"{_numbers(way.stiffness)} eV per unit²",
        "the way from": through,
        "moves of": f"{_numbers(moves[order])} ps",
        "the walls": _walls(way),
        "the time step": f"{dt:g} fs",
        "the friction": f"{plan.dynamics.friction:g} 1/fs",
        "the stride": f"{plan.stride} steps",
    }


def _walls(method: Steered) -> str:
    return json.dumps([[w.variable, w.at, w.stiffness, w.side] for w in method.walls])


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.6g}" for value in values)


def _arrays(plan: BiasPlan, what: str) -> list[bytes]:
    arrays, _ = plan.to_record()
    return [arrays[name].tobytes() for name in sorted(arrays) if name.startswith(f"{what}_")]
