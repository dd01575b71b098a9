"""The chart of a model as compiled functions of positions."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.compiled_chart.kernels_chart import ChartTables, encode_frames, pull_frames
from nanochart.compiled_chart.tables import compile_chart
from nanochart.errors import ModelError

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["CompiledChart"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CompiledChart:
    """RDF, encoder and their vector-Jacobian product without PyTorch, as molecular dynamics calls.

    s and Σ_k c_k ∂s_k/∂x agree with the model's own to single precision: 1e-5 in value and 1e-4 of
    the gradient's norm. Of a model with the target ``inherent`` they are collective variables of
    thermal configurations.

    Parameters
    ----------
    model
        Trained model, of either architecture.
    element
        Metal of the positions; None is the model's own.
    """

    model: "Model"
    element: str | None = None
    tables: ChartTables = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tables", compile_chart(self.model, self.element))

    def encode(self, positions: ArrayLike) -> Floats:
        """Chart coordinates (..., d) of positions (..., atom, 3) in Å.

        Raises
        ------
        ModelError
            If the number of atoms is not the model's.
        ValueError
            If a distance is off the RDF's grid.
        """
        x = self._checked(positions)
        s = np.empty((len(x), self.model.bottleneck))
        self._refuse(encode_frames(self.tables, x, s))
        return s.reshape(*np.shape(positions)[:-2], -1)

    def pull(self, positions: ArrayLike, slope: ArrayLike) -> tuple[Floats, Floats]:
        """Coordinates (..., d) and the gradient (..., atom, 3) of Σ_k slope_k s_k in 1/Å.

        Parameters
        ----------
        positions
            Positions (..., atom, 3) in Å.
        slope
            Derivatives of a scalar, such as a bias, by the coordinates, (..., d) or (d,).
        """
        x = self._checked(positions)
        lead, d = np.shape(positions)[:-2], self.model.bottleneck
        # A copy, because the loops would be compiled once more for what cannot be written.
        slopes = np.array(np.broadcast_to(slope, (*lead, d)), np.float64, order="C").reshape(-1, d)
        s, gradients = np.empty((len(x), d)), np.empty_like(x)
        self._refuse(pull_frames(self.tables, x, slopes, s, gradients))
        return s.reshape(*lead, d), gradients.reshape(*lead, *x.shape[1:])

    def _checked(self, positions: ArrayLike) -> Floats:
        x = np.asarray(positions, dtype=np.float64)
        if x.ndim < 2 or x.shape[-2:] != (self.model.n_atoms, 3):
            raise ModelError(
                f"positions for the compiled chart of {self.model.clusters} must have the shape "
                f"(..., {self.model.n_atoms}, 3); got {x.shape}: use a model trained on that size"
            )
        return np.ascontiguousarray(x.reshape(-1, *x.shape[-2:]))

    def _refuse(self, frame: int) -> None:
        if frame >= 0:
            rdf = self.model.rdf
            raise ValueError(
                f"all distances of frame {frame} must be within the grid of the model's RDF, "
                f"{rdf.r_min:g} to {rdf.r_max:g} Å, and finite: leave the frame out, or train with "
                "a wider grid"
            )
