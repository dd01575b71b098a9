"""A potential as numbers to store, and back: a rebuilt one gives equal bits."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nanochart.potentials.eam import tabulated
from nanochart.potentials.foreign import CalculatorPotential, NotAtHand
from nanochart.potentials.gupta import GuptaParameters, gupta_of
from nanochart.potentials.lammps_input import LammpsInput
from nanochart.potentials.potential import EmbeddedAtom
from nanochart.potentials.protocol import Potential, is_compiled
from nanochart.potentials.recipe import CalculatorRecipe
from nanochart.potentials.setfl_reader import Setfl

__all__ = ["describe", "from_record", "is_described_by", "numbers_of", "to_record"]

#: Form of a potential whose numbers are not known.
_FOREIGN: Final = "foreign"
#: Key of the code that a foreign one was made by.
_CODE: Final = "code"

Arrays = dict[str, NDArray[Any]]

#: What a description says of the origin of the numbers, and not of the numbers.
_ORIGIN = frozenset({"name", "file", "symbol"})


def describe(potential: Potential) -> dict[str, Any]:
    """Describe a potential by name and parameters, as JSON values; a table by its checksum."""
    return {**numbers_of(potential), "name": potential.name}


def numbers_of(potential: Potential) -> dict[str, Any]:
    """What defines a potential; of one that is not nanochart's own, what it is called."""
    if is_compiled(potential):
        return dict(potential.parameters)
    facts: dict[str, Any] = {
        "form": _FOREIGN,
        "label": potential.name,
        "mass": float(potential.mass),
        "nearest_neighbour": float(potential.nearest_neighbour),
    }
    if isinstance(potential, CalculatorPotential) and potential.recipe is not None:
        facts[_CODE] = {**potential.recipe.to_record(), "vacuum": potential.vacuum}
    elif isinstance(potential, NotAtHand) and potential.recipe is not None:
        facts[_CODE] = dict(potential.recipe)
    return facts


def is_described_by(potential: Potential, description: Mapping[str, Any]) -> bool:
    """Whether a description is that of a potential with these numbers, whatever its file's name."""

    def numbers(values: Mapping[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in values.items() if k not in _ORIGIN}

    mine, other = numbers(numbers_of(potential)), numbers(description)
    if _CODE not in mine or _CODE not in other:  # handed over from Python, which needs no path
        mine.pop(_CODE, None)
        other.pop(_CODE, None)
    return mine == other


def to_record(potential: Potential) -> tuple[dict[str, Any], Arrays]:
    """Take a potential apart into everything that defines it, to be stored.

    Returns
    -------
    header
        The formula and its numbers, or the facts of a table, as plain JSON values.
    arrays
        The arrays of a table by name; empty for a formula.
    """
    header = {**describe(potential), "symbol": potential.symbol}
    if not is_compiled(potential) or potential.table is None:
        return header, {}
    fields = {f.name: getattr(potential.table, f.name) for f in dataclasses.fields(Setfl)}
    arrays = {k: v for k, v in fields.items() if isinstance(v, np.ndarray)}
    header["table"] = {k: v for k, v in fields.items() if k not in arrays}
    return header, arrays


def from_record(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Potential:
    """Rebuild a potential from what `to_record` gave.

    Its energies and forces equal those of the stored one bit for bit.

    One that is not nanochart's own comes back as its name, which refuses to compute.

    Raises
    ------
    ValueError
        If the record is none of a potential that this version knows, or its numbers do not fit
        each other.
    """
    form = header.get("form")
    try:
        if form == "gupta":
            names = [f.name for f in dataclasses.fields(GuptaParameters)]
            numbers = GuptaParameters(**{name: float(header[name]) for name in names})
            potential: EmbeddedAtom = gupta_of(str(header["symbol"]), numbers)
        elif form == _FOREIGN:
            named, mass = str(header["label"]), float(header["mass"])
            distance, code = float(header["nearest_neighbour"]), header.get(_CODE)
            if code is not None and "lammps" in code:  # looked at, and not run
                LammpsInput(tuple(code["lammps"]), dict(code["files"]))
            elif code is not None:  # looked at, and not called
                code = {**code, "ase": CalculatorRecipe(code["ase"], code["arguments"]).ase}
            return NotAtHand(named, str(header["symbol"]), mass, distance, code)
        elif "table" in header:
            fields: dict[str, Any] = {**header["table"], **arrays}
            potential = tabulated(Setfl(**fields), Path(str(header["file"])))
        else:
            raise ValueError(f"the form of its potential must be gupta or a table; got {form!r}")
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"its potential lacks a number or has one too many ({error})") from None
    if not is_described_by(potential, {k: v for k, v in header.items() if k != "table"}):
        raise ValueError("the numbers of its potential do not fit each other")
    return potential
