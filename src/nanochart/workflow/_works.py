"""Free-energy differences from the works of steered runs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nanochart.errors import StoreError
from nanochart.free_energy import WorkEstimate, bar, jarzynski
from nanochart.store import Run
from nanochart.workflow._fes_samples import biased_config

__all__ = ["works_of_runs"]

Floats = NDArray[np.float64]


def works_of_runs(
    forward: Sequence[Run], backward: Sequence[Run]
) -> tuple[WorkEstimate, Floats, Floats]:
    """Free-energy difference from steered runs in one direction, or in both.

    Parameters
    ----------
    forward
        Runs whose walkers were steered one way.
    backward
        Runs the other way; none, for Jarzynski's estimate.

    Returns
    -------
    estimate
        Of the free energy at the end less that at the start.
    forward, backward
        The works in eV, (walker,) of all runs.
    """
    works: list[Floats] = []
    temperatures: set[float] = set()
    for runs in (forward, backward):
        collected = []
        for run in runs:
            config = biased_config(run)
            if config.steered is None or not run.complete:
                raise StoreError(
                    f"{run.path} must be a steered run that is complete: works are those of whole "
                    "protocols; finish it with `nanochart bias CONFIG --resume`"
                )
            temperatures.add(config.temperature)
            collected.append(run.to_xarray()["work"][-1].to_numpy())
        works.append(np.concatenate(collected) if collected else np.empty(0))
    if len(temperatures) != 1:
        raise StoreError(f"steered runs must have one temperature; got {sorted(temperatures)} K")
    T = temperatures.pop()
    found = bar(works[0], works[1], T) if len(works[1]) else jarzynski(works[0], T)
    return found, works[0], works[1]
