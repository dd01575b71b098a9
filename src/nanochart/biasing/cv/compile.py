"""Collective variables as tables for the compiled loop."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing.cv import kernels
from nanochart.biasing.cv.by_address import Kernel
from nanochart.biasing.cv.function import FunctionCV
from nanochart.biasing.cv.protocol import CV
from nanochart.compiled_chart import compile_chart
from nanochart.errors import DynamicsError
from nanochart.potentials import Potential

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["CVs"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CVs:
    """Collective variables of a cluster, compiled; the object can be pickled.

    Made by `compile`.

    Attributes
    ----------
    variables
        As given.
    nearest_neighbour
        Of the metal, in Å.
    tables
        Arrays that the compiled kernels read.
    """

    variables: tuple[CV, ...]
    nearest_neighbour: float
    _plain: kernels.CVTables = field(repr=False)
    tables: kernels.CVTables = field(init=False, repr=False)
    _kernels: tuple[Kernel | None, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = tuple(v.kernel(self.nearest_neighbour) for v in self.variables)
        object.__setattr__(self, "_kernels", found)  # keeps what is compiled alive
        object.__setattr__(self, "tables", _with_kernels(self._plain, found))

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
        charted = [v for v in variables if v.needs_model]
        if charted and model is None:
            raise ValueError(f"the variable {charted[0].name} needs a trained model; got none")
        used = model if charted else None
        tables = _without_kernels(variables, used, element)
        return cls(tuple(variables), potential.nearest_neighbour, tables)

    @property
    def names(self) -> tuple[str, ...]:
        """Of each variable."""
        return tuple(v.name for v in self.variables)

    @property
    def units(self) -> tuple[str, ...]:
        """Of each variable."""
        return tuple(v.unit for v in self.variables)

    @property
    def needs_energy(self) -> bool:
        """Whether one is computed of the potential's energy and forces."""
        return any(getattr(v, "needs_energy", True) for v in self.variables)

    @property
    def called(self) -> bool:
        """Whether one is a plain function, which Python calls."""
        return any(isinstance(v, FunctionCV) and not v.compiled for v in self.variables)

    def __reduce__(self) -> tuple[Any, ...]:
        # Addresses mean nothing in another process.
        return CVs, (self.variables, self.nearest_neighbour, self._plain)

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
        E, F = np.zeros(len(frames)), np.zeros_like(frames)
        if self.needs_energy:
            E, F = potential.energy_forces(frames)
        # A copy, because the loops would be compiled once more for what cannot be written.
        slopes = np.array(np.broadcast_to(slope, (len(frames), len(self))), np.float64, order="C")
        values, gradients = self.at(frames, E, F, slopes)
        return values.reshape(*lead, -1), gradients.reshape(x.shape)

    def at(
        self, frames: Floats, energies: Floats, forces: Floats, slopes: Floats
    ) -> tuple[Floats, Floats]:
        """As `with_gradient`, where the potential was asked already.

        Parameters
        ----------
        frames
            (frame, atom, 3) in Å.
        energies, forces
            Of the potential, (frame,) in eV and (frame, atom, 3) in eV/Å.
        slopes
            (frame, m).
        """
        x, E, F, by = (
            np.ascontiguousarray(a, dtype=np.float64) for a in (frames, energies, forces, slopes)
        )
        values, gradients = np.empty((len(x), len(self))), np.empty_like(x)
        self.check(kernels.values_of_frames(self.tables, x, E, F, by, values, gradients))
        return values, gradients

    def check(self, bad: int) -> None:
        """Say why the variables have no value at a frame of this number; -1 is none.

        Raises
        ------
        ValueError, DynamicsError
            The first of a distance off the grid of the model's RDF, otherwise as `refuse`.
        """
        if bad >= 0:
            self.refuse(f"at frame {bad}")
            raise ValueError(
                f"all distances of frame {bad} must be on the grid of the model's RDF: leave the "
                "frame out, or train with a wider grid"
            )

    def refuse(self, where: str) -> None:
        """Say why variables had no value, where that was no distance off a model's grid.

        Raises
        ------
        DynamicsError
            Names the variable and what it did; of a plain function with its own error as cause.
        """
        for v in self.variables:
            error = v.failure() if isinstance(v, FunctionCV) else None
            if isinstance(error, Exception):
                raise DynamicsError(
                    f"the function of the variable {v.name} failed {where}: "
                    f"{type(error).__name__}: {error}"
                ) from error
            if error is not None:
                raise error  # an interrupt
        if not any(v.needs_model for v in self.variables):
            raise DynamicsError(
                f"a variable of {', '.join(self.names)} has no value {where}: a function must "
                "return a finite number and a gradient of the shape (atom, 3)"
            )


def _without_kernels(
    variables: Sequence[CV], model: "Model | None", element: str | None
) -> kernels.CVTables:
    """Tables of the variables of a model; the others' kernels are missing."""
    m, bins = len(variables), 1 if model is None else model.n_bins
    places = [v.place(model) if model is not None and v.needs_model else None for v in variables]
    kinds, index = np.full(m, kernels.OTHER), np.zeros(m, dtype=np.int64)
    reference = np.zeros((m, bins), np.float32)
    for k, place in enumerate(places):
        if place is not None and place.index is not None:
            kinds[k], index[k] = kernels.CHART, place.index
        elif place is not None:
            kinds[k], reference[k] = kernels.DISTANCE, place.reference
    nothing = np.zeros(m, dtype=np.int64)
    return kernels.CVTables(
        chart=kernels.NoChart() if model is None else compile_chart(model, element),
        kinds=kinds,
        index=index,
        reference=reference,
        width=0.0 if model is None else (model.rdf.r_max - model.rdf.r_min) / model.n_bins,
        value=nothing,
        pull=nothing,
        parameters=np.zeros(1),
        first=nothing,
        memory=np.zeros((m, 2), dtype=np.int64),
    )


def _with_kernels(tables: kernels.CVTables, found: tuple[Kernel | None, ...]) -> kernels.CVTables:
    sizes = [0 if k is None else k.parameters.size for k in found]
    parameters = [np.zeros(0) if k is None else np.ravel(k.parameters) for k in found]
    return tables._replace(
        value=np.array([0 if k is None else k.value.address for k in found], dtype=np.int64),
        pull=np.array([0 if k is None else k.pull.address for k in found], dtype=np.int64),
        parameters=np.concatenate([*parameters, np.zeros(1)]),
        first=np.cumsum([0, *sizes[:-1]], dtype=np.int64),
        memory=np.array(
            [(0, 0) if k is None else (k.memory, k.memory_per_atom) for k in found], dtype=np.int64
        ),
    )
