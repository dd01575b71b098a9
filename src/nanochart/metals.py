"""The metals: symbols, masses and nearest-neighbour distances."""

from dataclasses import dataclass

from ase.data import atomic_masses, atomic_numbers

__all__ = ["NEAREST_NEIGHBOUR", "Element", "element"]

#: Nearest-neighbour distance of the bulk metal in Å (r0 of the Gupta parameters).
NEAREST_NEIGHBOUR = {"Au": 2.88, "Ag": 2.89, "Cu": 2.56}


@dataclass(frozen=True)
class Element:
    """A chemical element: ``symbol``, ``atomic_number`` and ``mass`` in amu."""

    symbol: str
    atomic_number: int
    mass: float


def element(symbol: str) -> Element:
    """Look up an element by its chemical symbol.

    Parameters
    ----------
    symbol
        Chemical symbol, as in "Au".

    Raises
    ------
    ValueError
        If there is no such element.
    """
    number = atomic_numbers.get(symbol)
    if not number:
        raise ValueError(
            f"the element must be a chemical symbol such as 'Au', 'Ag' or 'Cu'; got {symbol!r}"
        )
    return Element(symbol, number, float(atomic_masses[number]))
