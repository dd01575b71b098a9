"""Units: eV, Å, fs, amu, K inside and at every interface.

A velocity is in Å/fs and a mass in amu, so a kinetic energy in eV is ``AMU * m * v**2 / 2``.
"""

__all__ = ["AMU", "BOLTZMANN"]

#: Boltzmann constant in eV/K (exact in the SI of 2019, CODATA 2018).
BOLTZMANN = 8.617333262145179e-05

#: One atomic mass unit in eV fs²/Å²: 1.66053906660e-27 kg / (1.602176634e-19 J) * 1e-10 s²/Å².
AMU = 1.66053906660e-27 / 1.602176634e-19 * 1e10
