"""Metadynamics or OPES of a biased run's plan, grown by whatever engine moves the atoms."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing import (
    OPES,
    FrozenBias,
    FunctionCV,
    Metadynamics,
    pack_method,
    unpack_method,
)
from nanochart.errors import StoreError
from nanochart.files import write_atomic
from nanochart.interop.chart_bias import RunBias, variables_of
from nanochart.potentials import Potential
from nanochart.store import Run, open as open_run, pack, plan_of, unpack

__all__ = ["GrowingBias"]

Floats = NDArray[np.float64]


class GrowingBias(RunBias):
    """The bias of a plan with metadynamics or OPES, from zero on, for one walker of any engine.

    Variables, widths, grid, walls and guard are those of the biased run, whose own bias is not
    read. `evaluate` gives energy and force of the bias as it stands; `grow` goes on from there, as
    `nanochart bias` does at the end of each round.

    Parameters
    ----------
    run
        Biased run, or its folder; not one on a ladder of temperatures.
    state
        File that `save` wrote of the same plan, to go on from.
    functions
        Variables of your own, which a run keeps by name.
    potential
        The one of the run, where that is your own and the potential energy is a variable.

    Attributes
    ----------
    state
        Of the method.

    Raises
    ------
    StoreError
        If the bias of the run does not grow, or ``state`` is of another plan.
    """

    def __init__(
        self,
        run: Run | str | PathLike[str],
        *,
        state: str | PathLike[str] | None = None,
        functions: Sequence[FunctionCV] = (),
        potential: Potential | None = None,
    ) -> None:
        opened = run if isinstance(run, Run) else open_run(run)
        self.plan = plan = plan_of(opened).with_functions(functions)
        if not isinstance(plan.method, Metadynamics | OPES):
            raise StoreError(
                f"the bias of {opened.path} is {plan.method_name or 'none'}, which does not grow: "
                "take a run with metadynamics or OPES, or this one's by ChartBias"
            )
        if plan.ladder:
            raise StoreError(
                f"{opened.path} has a bias at each of {len(plan.ladder)} temperatures, between "
                "which its walkers exchange, and another engine has one: take a run at one "
                "temperature"
            )
        used = opened.system.potential if potential is None else potential
        self.temperature = plan.temperature
        self._cvs, self._potential = variables_of(opened, plan, used), used
        fresh = plan.biasing.initialize(len(plan.variables))
        self._take(fresh if state is None else self._loaded(Path(state), fresh))

    def __repr__(self) -> str:
        return f"GrowingBias({self.plan.method_name} along {', '.join(self.names)})"

    def grow(self, values: ArrayLike, energy: float) -> float:
        """Add what a configuration adds to the bias.

        Parameters
        ----------
        values, energy
            Values (m,) of the variables and energy of the bias in eV, as `evaluate` gave them.

        Returns
        -------
        float
            Logarithm of the weight of this configuration without the bias, as far as the method
            knows it before.
        """
        s, E = np.asarray(values, dtype=np.float64)[None], np.array([energy])
        weight = float(self.plan.biasing.log_weights(self.state, E)[0])
        self._take(self.plan.biasing.update(self.state, s, E))
        return weight

    def save(self, path: str | PathLike[str]) -> None:
        """Write the state of the method, for ``state``."""
        arrays, info = pack_method(self.state)
        info["plan"] = self.plan.fingerprint
        write_atomic(Path(path), pack(arrays, info))

    def _loaded(self, path: Path, fresh: object) -> object:
        try:
            arrays, info = unpack(path)
            plan, state = info.get("plan"), unpack_method(arrays, info)
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{path} is no state of a bias that GrowingBias.save has written ({error})"
            ) from error
        if plan != self.plan.fingerprint or type(state) is not type(fresh):
            raise StoreError(
                f"{path} must hold the bias of the plan {self.plan.fingerprint}; got one of {plan}"
            )
        return state

    def _take(self, state: object) -> None:
        self.state = state
        bias = self.plan.biasing.bias(state, 0, len(self.plan.variables))
        self._frozen = FrozenBias(self._cvs, bias, 0, self._potential, self.plan.dynamics)
