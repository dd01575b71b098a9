"""A nanochart potential as an ASE calculator."""

from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from nanochart.potentials import Potential

__all__ = ["PotentialCalculator"]


class PotentialCalculator(Calculator):
    """ASE calculator of a :class:`nanochart.potentials.Potential`: energies (eV), forces (eV/Å).

    Examples
    --------
    >>> import nanochart as nc
    >>> gold = nc.clusters.build("icosahedron", "Au", 13)
    >>> gold.calc = nc.interop.PotentialCalculator(nc.potentials.gupta("Au"))
    >>> gold.get_potential_energy() < 0
    True
    """

    implemented_properties = ["energy", "forces"]  # noqa: RUF012  # as ASE declares it

    def __init__(self, potential: Potential) -> None:
        super().__init__()
        self.potential = potential

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Compute the properties of a cluster of one element without periodic boundaries."""
        super().calculate(atoms, properties, system_changes)
        cluster: Any = self.atoms
        symbols = set(cluster.get_chemical_symbols())
        if symbols != {self.potential.symbol} or cluster.pbc.any():
            raise ValueError(
                f"the potential {self.potential.name} takes clusters of {self.potential.symbol} "
                f"alone, without periodic boundaries; got {cluster.get_chemical_formula()} "
                f"with pbc={cluster.pbc.tolist()}"
            )
        energy, forces = self.potential.energy_forces(cluster.positions)
        self.results = {"energy": float(energy), "forces": forces}
