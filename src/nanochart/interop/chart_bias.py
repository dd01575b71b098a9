"""The bias of a biased run, for whatever engine moves the atoms."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing import FrozenBias, FunctionCV, unpack_method
from nanochart.errors import StoreError
from nanochart.potentials import NotAtHand, Potential, check_positions
from nanochart.store import Run, model_of, open as open_run, plan_of

if TYPE_CHECKING:
    from nanochart.biasing import Bias, BiasPlan, CVs

__all__ = ["ChartBias", "RunBias", "check_cluster", "variables_of"]

Floats = NDArray[np.float64]


class RunBias:
    """A bias of clusters of one metal and size: energies, forces, and values of its variables.

    ``plan`` is that of its run, and ``temperature`` in K what the bias is made for.
    """

    plan: "BiasPlan"
    temperature: float
    _frozen: FrozenBias

    @property
    def element(self) -> str:
        """Metal of the clusters."""
        return self.plan.element

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return self.plan.n_atoms

    @property
    def formula(self) -> str:
        """Clusters that it biases, as "Au147"."""
        return f"{self.element}{self.n_atoms}"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return self.plan.names

    def energy_forces(self, positions: ArrayLike) -> tuple[Floats, Floats]:
        """Energies (...) in eV and forces (..., atom, 3) in eV/Å of positions (..., atom, 3) in Å.

        Raises
        ------
        ValueError
            If positions are not those of such a cluster, or a distance is off the model's grid.
        """
        energies, forces, _ = self.evaluate(positions)
        return energies, forces

    def values(self, positions: ArrayLike) -> Floats:
        """Values (..., m) of the variables at positions (..., atom, 3) in Å."""
        return self.evaluate(positions)[2]

    def evaluate(self, positions: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Energies and forces as `energy_forces`, and the values of the variables, in one pass."""
        x = check_positions(positions)
        if x.shape[-2] != self.n_atoms:
            raise ValueError(
                f"positions for the bias of {self.formula} must have the shape "
                f"(..., {self.n_atoms}, 3); got {x.shape}: a bias is one of a single size"
            )
        return self._frozen(x)


class ChartBias(RunBias):
    r"""The bias V(s(x)) of a biased run as it stands: energies (eV) and forces (eV/Å) of it alone.

    The bias is frozen: that of metadynamics or OPES is what the run has accumulated, walls and
    guard included, and does not grow here; a restraint that moves rests where the run has it. The
    confining sphere of the run is no part of it (``plan.dynamics`` holds its radius). A run in
    progress is read at its last checkpoint.

    Parameters
    ----------
    run
        Biased run, or its folder.
    walker
        Walker whose window it is, from 0; needed where windows of umbrella sampling differ.
    rung
        Rung of a heated run whose bias it is, from 0, the coldest.
    step
        Step of the dynamics that a moving restraint is taken at; None is where the run stands.
    functions
        Variables of your own, which a run keeps by name.
    potential
        The one of the run, where that is your own and the potential energy is a variable.

    Raises
    ------
    StoreError
        If the run is not biased or damaged, or there is no such walker or rung.
    ConfigError
        If a function or potential is needed and not given.

    Examples
    --------
    >>> import nanochart as nc
    >>> bias = nc.interop.ChartBias("opes.zarr")           # doctest: +SKIP
    >>> energy, forces = bias.energy_forces(positions)     # doctest: +SKIP
    """

    step: int

    def __init__(
        self,
        run: Run | str | PathLike[str],
        *,
        walker: int | None = None,
        rung: int | None = None,
        step: int | None = None,
        functions: Sequence[FunctionCV] = (),
        potential: Potential | None = None,
    ) -> None:
        opened = run if isinstance(run, Run) else open_run(run)
        self.plan = plan = plan_of(opened).with_functions(functions)
        checkpoint = opened.load_checkpoint()
        if checkpoint is None:
            raise StoreError(
                f"{opened.path} has no checkpoint, so what its bias is at present is not known: "
                "restore the folder from a copy"
            )
        used = opened.system.potential if potential is None else potential
        try:
            state = unpack_method(checkpoint.arrays, checkpoint.info)
            self.step = int(checkpoint.arrays["steps"][0]) if step is None else int(step)
        except KeyError as error:
            raise StoreError(
                f"the checkpoint of {opened.path} must hold the state of its bias; got one without "
                f"{error.args[0]}: use the version of nanochart that wrote it"
            ) from None
        bias = _chosen(opened, plan, state, walker, rung)
        self.temperature = plan.temperature if rung is None else plan.ladder[rung]
        cvs = variables_of(opened, plan, used)
        self._frozen = FrozenBias(cvs, bias, self.step, used, plan.dynamics)

    def __repr__(self) -> str:
        names = ", ".join(self.names)
        return f"ChartBias({self.plan.method_name} along {names} of {self.formula})"


def variables_of(run: Run, plan: "BiasPlan", potential: Potential) -> "CVs":
    """The compiled variables of a biased run's plan.

    Raises
    ------
    ConfigError
        If the potential energy is one of them, and the run keeps the potential's name alone.
    """
    cvs = plan.compiled(potential, model_of(run, plan)).cvs
    if isinstance(potential, NotAtHand) and cvs.needs_energy:
        potential.energy_forces(())
    return cvs


def check_cluster(atoms: Atoms, element: str, n_atoms: int, what: str) -> None:
    """Refuse Atoms that are no free cluster of ``n_atoms`` of an element.

    Raises
    ------
    ValueError
        Names ``what`` they are for.
    """
    if set(atoms.get_chemical_symbols()) != {element} or len(atoms) != n_atoms or atoms.pbc.any():
        raise ValueError(
            f"{what} takes free clusters {element}{n_atoms}, without periodic boundaries; got "
            f"{atoms.get_chemical_formula() or 'no atoms'} with pbc={atoms.pbc.tolist()}"
        )


def _chosen(run: Run, plan: "BiasPlan", state: Any, walker: int | None, rung: int | None) -> "Bias":
    """The bias of a window and of a rung, where the run has several."""
    m = len(plan.variables)
    several = plan.method.n_windows > 1
    allowed = several or not plan.ladder
    if (walker is None and several) or (
        walker is not None and not (allowed and 0 <= walker < plan.n_walkers)
    ):
        reason = "each in a window" if several else "all under one bias"
        if not allowed:
            reason = "which only pass the rungs that its biases are of"
        remedy = f"must be 0 to {plan.n_walkers - 1}" if allowed else "must be left out"
        raise StoreError(
            f"{run.path} has {plan.n_walkers} walkers, {reason}: walker {remedy}; got {walker}"
        )
    window = int(plan.windows[walker]) if several else 0
    if plan.ladder:
        rungs = ", ".join(f"{k}: {T:g} K" for k, T in enumerate(plan.ladder))
        if rung is None or not 0 <= rung < len(plan.ladder):
            raise StoreError(
                f"{run.path} has a bias for each rung of its ladder, which walkers only pass, so "
                f"one must be chosen by rung ({rungs}); got rung={rung}"
            )
        return plan.heated(0).methods[rung].bias(state.methods[rung], window, m)
    if rung is not None:
        raise StoreError(
            f"{run.path} is biased at {plan.temperature:g} K alone, without a ladder; got "
            f"rung={rung}: leave it out"
        )
    bias: Bias = plan.biasing.bias(state, window, m)
    return bias
