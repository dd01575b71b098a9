"""Units: eV, Å, fs, amu, K inside and at every interface.

A velocity is in Å/fs and a mass in amu, so a kinetic energy in eV is ``AMU * m * v**2 / 2``.
"""

__all__ = ["AMU", "BOLTZMANN", "kelvin", "kelvin_range"]

#: Boltzmann constant in eV/K (exact in the SI of 2019, CODATA 2018).
BOLTZMANN = 8.617333262145179e-05

#: One atomic mass unit in eV fs²/Å²: 1.66053906660e-27 kg / (1.602176634e-19 J) * 1e-10 s²/Å².
AMU = 1.66053906660e-27 / 1.602176634e-19 * 1e10


def kelvin(temperature: float) -> str:
    """A temperature in K to a tenth, as ``424.3``: the rungs of a ladder have more digits."""
    return f"{round(float(temperature), 1):g}"


def kelvin_range(low: float, high: float) -> str:
    """Two temperatures, as ``300-424.3 K``."""
    return f"{kelvin(low)}-{kelvin(high)} K"
