"""Any ASE calculator under the bias of a biased run."""

from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

from nanochart.interop.chart_bias import ChartBias, check_cluster

__all__ = ["BiasedCalculator"]


class BiasedCalculator(Calculator):
    """Energy and forces of an ASE calculator plus those of a bias.

    Usable wherever ASE takes a calculator: its dynamics then sample the biased ensemble, and a
    frame counts :math:`e^{V / k_B T}` without the bias.

    Parameters
    ----------
    base
        Calculator of the unbiased energy and forces.
    bias
        What is added.

    Attributes
    ----------
    bias_energy
        Energy V of the bias in eV at the last configuration, which is in the total energy.
    values
        Values (m,) of the variables there.

    Examples
    --------
    >>> bias = nc.interop.ChartBias("opes.zarr")                      # doctest: +SKIP
    >>> atoms.calc = nc.interop.BiasedCalculator(EMT(), bias)         # doctest: +SKIP
    >>> dynamics = Langevin(                                          # doctest: +SKIP
    ...     atoms, 5 * fs, temperature_K=400, friction=0.001 / fs, fixcm=False)
    >>> dynamics.run(1000)                                            # doctest: +SKIP
    """

    implemented_properties = ["energy", "free_energy", "forces"]  # noqa: RUF012  as ASE declares it

    def __init__(self, base: Any, bias: ChartBias) -> None:
        super().__init__()
        self.base, self.bias = base, bias
        self.bias_energy = float("nan")
        self.values: NDArray[np.float64] = np.full(len(bias.names), np.nan)

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Compute both and add them.

        Raises
        ------
        ValueError
            If the atoms are not a free cluster of the bias's metal and size, or a distance is off
            the grid of the model.
        """
        super().calculate(atoms, properties, system_changes)
        cluster: Any = self.atoms
        check_cluster(cluster, self.bias.element, self.bias.n_atoms, "the bias")
        energy, forces, values = self.bias.evaluate(cluster.positions)
        total = self.base.get_property("energy", cluster) + float(energy)
        pushed = self.base.get_property("forces", cluster) + forces
        self.bias_energy, self.values = float(energy), values
        self.results = {"energy": total, "free_energy": total, "forces": pushed}
