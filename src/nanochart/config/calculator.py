"""A potential that is the code of another program, as a configuration names it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from nanochart.config.findings import validated
from nanochart.config.plain_yaml import read_yaml
from nanochart.config.section import Section, field_of
from nanochart.errors import ConfigError
from nanochart.potentials import CalculatorRecipe

__all__ = ["CalculatorSection", "PotentialField", "load_calculator"]


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


def _kind(value: Any) -> str:
    return "ase-calculator" if isinstance(value, Mapping | CalculatorSection) else "eam-table"


#: A potential as a configuration has it: "gupta", the file of a table, or a calculator.
PotentialField = Annotated[
    Annotated[str, Tag("eam-table")] | Annotated[CalculatorSection, Tag("ase-calculator")],
    Discriminator(_kind),
]


def load_calculator(path: str | Path) -> CalculatorSection:
    """The calculator that a user's YAML file names: ``system.potential``, or ``potential``.

    Parameters
    ----------
    path
        Configuration of a run or of a biased run, or a file of the key ``potential`` alone.

    Raises
    ------
    ConfigError
        If the file is missing or names none.
    """
    file = Path(path)
    values = read_yaml(file, f"there is no configuration {file}")
    found: Any = values
    if isinstance(found, dict):
        section = found.get("system", found)
        found = section.get("potential") if isinstance(section, dict) else None
    if not isinstance(found, dict):
        raise ConfigError(
            f"{file} must name a calculator, as potential: {{ase: module:factory}}, of itself or "
            "of its section system; it has none"
        )
    return validated(CalculatorSection, found, str(file))
