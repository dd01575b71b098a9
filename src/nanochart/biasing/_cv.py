"""Collective variables by name, and their tables for the compiled loop."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing import _kernels_cv as kernels
from nanochart.biasing._chart_tables import compile_chart
from nanochart.biasing._kernels_loop import values_of_frames
from nanochart.biasing._kernels_q6 import MONOMIALS
from nanochart.potentials import Potential

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = [
    "CV", "CVs", "ChartCoordinate", "Coordination", "PotentialEnergy", "RDFDistance",
    "SteinhardtQ6",
]  # fmt: skip

Floats = NDArray[np.float64]

#: Ends of the smooth cut-off of a bond in nearest-neighbour distances: second neighbours of a
#: close-packed structure are at 1.41.
_BONDED, _APART = 1.15, 1.40


@dataclass(frozen=True)
class ChartCoordinate:
    """Coordinate s_k of the chart of a model, k = ``index`` from 0; dimensionless."""

    index: int
    unit = "1"

    @property
    def name(self) -> str:
        """Name of the coordinate in files: s1 is the first."""
        return f"s{self.index + 1}"


@dataclass(frozen=True)
class PotentialEnergy:
    """Potential energy of the cluster in eV, with that of the confining sphere."""

    name = "energy"
    unit = "eV"


@dataclass(frozen=True)
class Coordination:
    """Mean number of neighbours of an atom, 2/N Σ_{i<j} w(r_ij).

    w falls smoothly (quintic) from 1 to 0 between 1.15 and 1.40 nearest-neighbour distances.
    """

    name = "coordination"
    unit = "1"


@dataclass(frozen=True)
class SteinhardtQ6:
    r"""Order parameter of bond directions of degree 6, over all bonds of the cluster.

    .. math:: Q_6 = \Big( \frac{4\pi}{13} \sum_m |\bar q_{6m}|^2 \Big)^{1/2}, \qquad
        \bar q_{6m} = \frac{\sum_{i<j} w(r_{ij}) Y_{6m}(\hat r_{ij})}{\sum_{i<j} w(r_{ij})}

    with w as in :class:`Coordination` (Steinhardt, Nelson, Ronchetti, Phys. Rev. B 28, 784 (1983)).
    It is 0.5745 in fcc and 0.4848 in hcp without a surface.
    """

    name = "q6"
    unit = "1"


@dataclass(frozen=True, eq=False)
class RDFDistance:
    r"""Distance to a reference in RDF space, in Å\ :sup:`-1/2`.

    .. math:: d = \Big( \int [g(r) - g_0(r)]^2 dr \Big)^{1/2}

    Parameters
    ----------
    reference
        Reference g_0 in 1/Å, (bin,), on the grid of the model's RDF.
    label
        What the reference is, for names.
    """

    reference: Floats
    label: str = "reference"
    unit = "Å^-1/2"

    @property
    def name(self) -> str:
        """Name of the variable in files."""
        return f"distance_to_{self.label.replace('/', '')}"


CV = ChartCoordinate | PotentialEnergy | Coordination | SteinhardtQ6 | RDFDistance

_KINDS: Final = {
    ChartCoordinate: kernels.CHART,
    PotentialEnergy: kernels.ENERGY,
    Coordination: kernels.COORDINATION,
    SteinhardtQ6: kernels.Q6,
    RDFDistance: kernels.DISTANCE,
}


@dataclass(frozen=True, eq=False)
class CVs:
    """Collective variables of a cluster, compiled; the object can be pickled.

    Attributes
    ----------
    names
        Name of each variable.
    units
        Unit of each variable.
    tables
        Arrays that the compiled kernels read.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    tables: kernels.CVTables

    @classmethod
    def compile(
        cls,
        variables: Sequence[CV],
        potential: Potential,
        model: "Model | None" = None,
        element: str | None = None,
    ) -> "CVs":
        """Compile variables.

        Parameters
        ----------
        variables
            At least one variable; their names must differ.
        potential
            Potential, which gives the nearest-neighbour distance.
        model
            Model, needed by chart coordinates and distances in RDF space. Chart coordinates of
            moving clusters want the target ``inherent``.
        element
            Metal of the cluster; None is the model's own.

        Raises
        ------
        ValueError
            If a variable has no model, an index beyond the chart, or another grid.
        """
        if not variables:
            raise ValueError("at least one collective variable is needed; got none")
        names = tuple(v.name for v in variables)
        if len(set(names)) < len(names):
            raise ValueError(f"collective variables must differ; got {', '.join(names)}")
        charted = [v for v in variables if isinstance(v, ChartCoordinate | RDFDistance)]
        if charted and model is None:
            raise ValueError(f"the variable {charted[0].name} needs a trained model; got none")
        bins = model.n_bins if model is not None and charted else 1
        reference = np.zeros((len(variables), bins), np.float32)
        for k, v in enumerate(variables):
            if model is not None and isinstance(v, ChartCoordinate):
                if not 0 <= v.index < model.bottleneck:
                    raise ValueError(
                        f"the chart has the coordinates s1 to s{model.bottleneck}; got {v.name}"
                    )
            elif isinstance(v, RDFDistance):
                if np.shape(v.reference) != (bins,):
                    raise ValueError(
                        f"the reference of {v.name} must have the {bins} bins of the model's RDF; "
                        f"got the shape {np.shape(v.reference)}"
                    )
                reference[k] = v.reference
        near = potential.nearest_neighbour
        m = len(variables)
        width = 0.0 if model is None else (model.rdf.r_max - model.rdf.r_min) / model.n_bins
        tables = kernels.CVTables(
            chart=compile_chart(model, element) if model and charted else kernels.NoChart(),
            kinds=np.array([_KINDS[type(v)] for v in variables], dtype=np.int64),
            index=np.array([getattr(v, "index", 0) for v in variables], dtype=np.int64),
            low=np.full(m, _BONDED * near),
            high=np.full(m, _APART * near),
            reference=reference,
            width=width,
            harmonics=_harmonics(),
        )
        return cls(names, tuple(v.unit for v in variables), tables)

    def __len__(self) -> int:
        return len(self.names)

    def values(self, positions: ArrayLike, potential: Potential) -> Floats:
        """Values (..., m) of positions (..., atom, 3) in Å."""
        return self.with_gradient(positions, potential, np.zeros(len(self)))[0]

    def with_gradient(
        self, positions: ArrayLike, potential: Potential, slope: ArrayLike
    ) -> tuple[Floats, Floats]:
        """Values (..., m) and the gradient (..., atom, 3) of Σ_a slope_a s_a.

        Raises
        ------
        ValueError
            If a distance is off the grid of the model's RDF.
        """
        x = np.ascontiguousarray(positions, dtype=np.float64)
        lead = x.shape[:-2]
        frames = x.reshape(-1, *x.shape[-2:])
        E, F = potential.energy_forces(frames)
        slopes = np.ascontiguousarray(
            np.broadcast_to(np.asarray(slope, dtype=np.float64), (len(frames), len(self)))
        )
        values, gradients = np.empty((len(frames), len(self))), np.empty_like(frames)
        bad = values_of_frames(
            self.tables, frames, E, np.ascontiguousarray(F), slopes, values, gradients
        )
        if bad >= 0:
            raise ValueError(
                f"all distances of frame {bad} must be on the grid of the model's RDF: leave the "
                "frame out, or train with a wider grid"
            )
        return values.reshape(*lead, -1), gradients.reshape(x.shape)


def _harmonics() -> Floats:
    """Real spherical harmonics of degree 6 in the monomials, (13, 28), by solving for them."""
    from scipy.special import lpmv

    u = np.random.default_rng(0).normal(size=(200, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    phi = np.arctan2(u[:, 1], u[:, 0])
    columns = []
    for m in range(7):
        size = math.sqrt(13.0 / (4.0 * math.pi) * math.factorial(6 - m) / math.factorial(6 + m)) * (
            math.sqrt(2.0) if m else 1.0
        )
        legendre = size * lpmv(m, 6, u[:, 2])
        columns += [legendre * np.cos(m * phi)] + ([legendre * np.sin(m * phi)] if m else [])
    powers = np.prod(u[:, None, :] ** MONOMIALS[None], axis=2)
    found = np.linalg.lstsq(powers, np.stack(columns, axis=1), rcond=None)[0]
    return np.ascontiguousarray(found.T)
