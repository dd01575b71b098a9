"""A potential that another program computes, as a configuration names it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from nanochart.config.findings import validated
from nanochart.config.plain_yaml import read_yaml
from nanochart.config.section import Section, field_of
from nanochart.errors import ConfigError
from nanochart.potentials import CalculatorRecipe

__all__ = [
    "CalculatorSection",
    "ForeignField",
    "ForeignSection",
    "LammpsSection",
    "PotentialField",
    "load_calculator",
]


class CalculatorSection(Section):
    """An ASE calculator: ``ase``, the import path module:factory, and ``arguments`` of the call.

    ``nearest_neighbour`` is that of the bulk, of metals that nanochart does not know; ``vacuum``
    the width of the vacuum around the cluster in a periodic box, of calculators that need one.
    Reading it imports nothing: that is done where a user asks for a run.
    """

    ase: str
    arguments: dict[str, Any] = Field(default_factory=dict, max_length=100)
    nearest_neighbour: float | None = field_of(None, unit="Å", gt=0.5, lt=10)
    vacuum: float | None = field_of(None, unit="Å", gt=0, le=1_000)

    @model_validator(mode="after")
    def _a_path(self) -> Self:
        _ = self.recipe  # its error is a ValueError
        return self

    @property
    def recipe(self) -> CalculatorRecipe:
        """What is imported and called."""
        return CalculatorRecipe(self.ase, self.arguments)


class LammpsSection(Section):
    """LAMMPS: ``lammps``, a file with its lines pair_style and pair_coeff in units metal.

    ``nearest_neighbour`` is that of the bulk, of metals that nanochart does not know. Whether the
    file exists is not asked here, and it is read where a user asks for a run.
    """

    lammps: str = field_of(min_length=1)
    nearest_neighbour: float | None = field_of(None, unit="Å", gt=0.5, lt=10)

    def beside(self, folder: Path) -> "LammpsSection":
        """The same with the path that it has from a folder."""
        return self.model_copy(update={"lammps": str(folder.absolute() / self.lammps)})


#: A potential that another program computes.
ForeignSection = CalculatorSection | LammpsSection


def _kind(value: Any) -> str:
    if isinstance(value, LammpsSection) or (isinstance(value, Mapping) and "lammps" in value):
        return "lammps-input"
    return "ase-calculator" if isinstance(value, Mapping | CalculatorSection) else "eam-table"


def _foreign_kind(value: Any) -> str:
    kind = _kind(value)
    return "ase-calculator" if kind == "eam-table" else kind


_Ase = Annotated[CalculatorSection, Tag("ase-calculator")]
_Lammps = Annotated[LammpsSection, Tag("lammps-input")]
#: A potential as a configuration has it: "gupta", the file of a table, a calculator or LAMMPS.
PotentialField = Annotated[Annotated[str, Tag("eam-table")] | _Ase | _Lammps, Discriminator(_kind)]
#: A calculator or LAMMPS.
ForeignField = Annotated[_Ase | _Lammps, Discriminator(_foreign_kind)]


def load_calculator(path: str | Path) -> ForeignSection:
    """The calculator, or LAMMPS, of a user's YAML file: ``system.potential``, or ``potential``.

    Parameters
    ----------
    path
        Configuration of a run or of a biased run, or a file of the key ``potential`` alone. The
        path of an input of LAMMPS is relative to the working directory in the first, and to this
        file in the others, as the commands that read them have it.

    Raises
    ------
    ConfigError
        If the file is missing or names none.
    """
    file = Path(path)
    values = read_yaml(file, f"there is no configuration {file}")
    found: Any = values
    folder = file.parent
    if isinstance(found, dict):
        folder = Path() if "system" in found else folder
        section = found.get("system", found)
        found = section.get("potential") if isinstance(section, dict) else None
    if not isinstance(found, dict):
        raise ConfigError(
            f"{file} must name a calculator, as potential: {{ase: module:factory}} or "
            "{lammps: FILE}, of itself or of its section system; it has none"
        )
    if "lammps" in found:
        return validated(LammpsSection, found, str(file)).beside(folder)
    return validated(CalculatorSection, found, str(file))
