"""The Gupta (second-moment tight-binding) potentials of gold, silver and copper."""

import math
from dataclasses import dataclass

import numpy as np

from nanochart.metals import element
from nanochart.potentials.kernels import GUPTA, Model
from nanochart.potentials.potential import EmbeddedAtom

__all__ = ["GUPTA_PARAMETERS", "GuptaParameters", "gupta"]


@dataclass(frozen=True)
class GuptaParameters:
    """Parameters of one metal: ``A`` and ``xi`` in eV, ``r0`` in Å, ``p`` and ``q`` pure."""

    p: float
    q: float
    A: float
    xi: float
    r0: float


#: Published parameters (Baletto, Ferrando, Fortunelli, Montalenti, Mottet, J. Chem. Phys. 116,
#: 3856 (2002), as used by Settem, Roncaglia, Ferrando, Giacomello, J. Chem. Phys. (2023)).
GUPTA_PARAMETERS = {
    "Au": GuptaParameters(p=10.53, q=4.30, A=0.2197, xi=1.855, r0=2.88),
    "Ag": GuptaParameters(p=10.85, q=3.18, A=0.10308871, xi=1.18954349, r0=2.89),
    "Cu": GuptaParameters(p=10.55, q=2.43, A=0.08937634604179, xi=1.27988042293813, r0=2.56),
}

# Closest approach that is still a cluster of metal, in units of r0. The pair repulsion there is
# already hundreds of times its value at r0; nothing thermal comes near it.
_OVERLAP = 0.4


def gupta(symbol: str) -> EmbeddedAtom:
    r"""Gupta potential, also called RGL or second-moment tight binding.

    .. math::

        E = \sum_i \Big[ \sum_{j \ne i} A e^{-p (r_{ij}/r_0 - 1)}
            - \Big( \sum_{j \ne i} \xi^2 e^{-2 q (r_{ij}/r_0 - 1)} \Big)^{1/2} \Big]

    From :math:`r_{cs} = \sqrt 2\, r_0` (second neighbours) to :math:`r_{ce} = \sqrt 3\, r_0`
    (third neighbours) both :math:`A e^{\dots}` and the hopping :math:`\xi e^{-q(\dots)}`, before
    it is squared, are replaced by :math:`a_3 t^3 + a_4 t^4 + a_5 t^5` with
    :math:`t = r - r_{ce}`, continuous in value, first and second derivative at :math:`r_{cs}`.
    It is LAMMPS's ``pair_style smatb``, and an embedded-atom potential with
    :math:`F(\rho) = -\sqrt\rho`.

    ========  =====================
    symbol    variable
    ========  =====================
    A, ξ      ``A``, ``xi`` (eV)
    p, q      ``p``, ``q``
    r₀        ``r0`` (Å)
    ========  =====================

    Parameters
    ----------
    symbol
        Chemical symbol of the metal: "Au", "Ag" or "Cu".

    Raises
    ------
    ValueError
        If there are no published parameters for the metal.

    Examples
    --------
    >>> import nanochart as nc
    >>> nc.potentials.gupta("Au")
    <Potential Gupta Au, cut-off 4.9883 Å>
    """
    if symbol not in GUPTA_PARAMETERS:
        raise ValueError(
            f"the metal of a Gupta potential must be one of {', '.join(GUPTA_PARAMETERS)}; "
            f"got {symbol!r}; other metals take an EAM table: "
            "nanochart.potentials.eam(path, symbol)"
        )
    return gupta_of(symbol, GUPTA_PARAMETERS[symbol])


def gupta_of(symbol: str, g: GuptaParameters) -> EmbeddedAtom:
    """Gupta potential of a metal with given parameters."""
    r_cs, r_ce = math.sqrt(2.0) * g.r0, math.sqrt(3.0) * g.r0
    a = _link(r_cs, r_ce, g.A, g.p / g.r0, g.r0)
    b = _link(r_cs, r_ce, g.xi, g.q / g.r0, g.r0)
    repulsion = _power_of_two(2.0 * g.A, g.p, g.r0)
    hopping2 = _power_of_two(g.xi**2, 2.0 * g.q, g.r0)
    params = np.array([*repulsion, *hopping2, r_ce, *a, *b])
    model = Model(GUPTA, r_ce, r_cs, _OVERLAP * g.r0, params, np.zeros((1, 8)), np.zeros((1, 4)))
    return EmbeddedAtom(
        name=f"Gupta {symbol}",
        symbol=symbol,
        mass=element(symbol).mass,
        nearest_neighbour=g.r0,
        model=model,
        parameters={
            "form": "gupta", "p": g.p, "q": g.q, "A": g.A, "xi": g.xi, "r0": g.r0,
            "r_cs": r_cs, "r_ce": r_ce,
        },
    )  # fmt: skip


def _power_of_two(amplitude: float, decay: float, r0: float) -> tuple[float, float]:
    """(c, d) with ``amplitude`` exp(-decay (r/r0 - 1)) = 2^(c - d r)."""
    return math.log2(amplitude) + decay / math.log(2.0), decay / (r0 * math.log(2.0))


def _link(
    r_cs: float, r_ce: float, amplitude: float, decay: float, r0: float
) -> tuple[float, float, float]:
    """(a3, a4, a5) that continue ``amplitude`` exp(-decay (r - r0)) from r_cs to zero at r_ce."""
    t = r_cs - r_ce
    value = amplitude * math.exp(-decay * (r_cs - r0))
    matrix = [
        [t**3, t**4, t**5],
        [3 * t**2, 4 * t**3, 5 * t**4],
        [6 * t, 12 * t**2, 20 * t**3],
    ]
    a3, a4, a5 = np.linalg.solve(matrix, [value, -decay * value, decay**2 * value])
    return float(a3), float(a4), float(a5)
