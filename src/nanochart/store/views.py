"""Kinds of what a run holds: configurations, minima, charts, names and biases, in types.

Arrays are read when they are asked for; numbers come in double precision, and what was never
recorded is None.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nanochart.shown import short_repr

__all__ = ["Biased", "Chart", "Codes", "Inherent", "Thermal", "flags", "floats", "known_floats"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class _View:
    """Reads the arrays of some frames."""

    def __init__(self, data: xr.Dataset) -> None:
        self._data = data

    def _floats(self, name: str) -> Floats:
        return floats(self._data, name)

    def _known_floats(self, name: str) -> Floats | None:
        return known_floats(self._data, name)

    def _structures(self, name: str, indices: NDArray[np.integer[Any]]) -> Floats:
        frames, replicas = np.divmod(np.asarray(indices), self._data.sizes["replica"])
        where = {
            "frame": xr.DataArray(frames, dims="structure"),
            "replica": xr.DataArray(replicas, dims="structure"),
        }
        return np.asarray(self._data[name].isel(where).to_numpy(), dtype=np.float64)

    def _known_integers(self, name: str) -> Ints | None:
        values = _known(self._data, name)
        return None if values is None else values.astype(np.int64)


class Thermal(_View):
    """The configurations as they were sampled; (frame, replica) comes first in every array."""

    @property
    def positions(self) -> Floats:
        """Positions in Å, shape (frame, replica, atom, 3)."""
        return self._floats("positions")

    def structures(self, indices: NDArray[np.integer[Any]]) -> Floats:
        """Positions in Å of some configurations, shape (structure, atom, 3).

        Parameters
        ----------
        indices
            Indices of the configurations, counted frame by frame and replica by replica from the
            first of the view.
        """
        return self._structures("positions", indices)

    @property
    def energies(self) -> Floats | None:
        """Potential energies in eV."""
        return self._known_floats("energy")

    @property
    def kinetic_energies(self) -> Floats | None:
        """Kinetic energies in eV."""
        return self._known_floats("kinetic_energy")

    @property
    def temperatures(self) -> Floats | None:
        """Temperatures of the thermostat in K."""
        return self._known_floats("temperature")

    @property
    def rungs(self) -> Ints | None:
        """Indices into the ladder."""
        return self._known_integers("rung")

    @property
    def exchanges(self) -> Ints | None:
        """Attempts between neighbouring rungs after a frame, shape (frame, attempt, pair).

        -1 where there was none, 0 rejected, 1 accepted. `rungs` are those before the first.
        """
        several = self._known_integers("exchange_history")
        if several is not None:
            return several
        one = self._known_integers("exchange_accepted")
        return None if one is None else one[:, None]

    @property
    def steps(self) -> Ints | None:
        """Steps of molecular dynamics, shape (frame,)."""
        return self._known_integers("step")

    @property
    def sources(self) -> Ints | None:
        """Indices of the imported files."""
        return self._known_integers("source")


class Inherent(_View):
    """The minima that the configurations were quenched to."""

    @property
    def positions(self) -> Floats:
        """Positions in Å, shape (frame, replica, atom, 3)."""
        return self._floats("inherent_positions")

    def structures(self, indices: NDArray[np.integer[Any]]) -> Floats:
        """Positions in Å of some minima, shape (structure, atom, 3); see `Thermal.structures`."""
        return self._structures("inherent_positions", indices)

    @property
    def energies(self) -> Floats:
        """Potential energies in eV, shape (frame, replica)."""
        return self._floats("inherent_energy")

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether a quench reached its tolerance, shape (frame, replica)."""
        return np.asarray(self._data["quench_converged"].to_numpy() == 1)

    @property
    def evaluations(self) -> Ints | None:
        """Force evaluations, shape (frame, replica)."""
        return self._known_integers("quench_evaluations")

    @property
    def max_forces(self) -> Floats | None:
        """Largest atomic force that is left, in eV/Å, shape (frame, replica)."""
        return self._known_floats("quench_max_force")

    @property
    def point_group_orders(self) -> Ints | None:
        """Orders of the point groups of the minima of a search, shape (frame, replica)."""
        return self._known_integers("point_group_order")

    @property
    def log_frequencies(self) -> Floats | None:
        """Sums of the logarithms of their frequencies in rad/ps, shape (frame, replica)."""
        return self._known_floats("log_frequencies")

    @property
    def found_after(self) -> Ints | None:
        """Quenches of the search until each was found, shape (frame, replica)."""
        return self._known_integers("found_after")


@short_repr
@dataclass(frozen=True, eq=False)
class Chart:
    """Places of configurations in a chart.

    Attributes
    ----------
    coordinates
        Shape (frame, replica, latent), in units of the chart.
    model
        Fingerprint of the model that placed them; empty if it was not recorded.
    """

    coordinates: Floats
    model: str


@short_repr
@dataclass(frozen=True, eq=False)
class Codes:
    """Names of configurations, such as motifs or families, as codes.

    Attributes
    ----------
    codes
        Indices into ``names``, shape (frame, replica); -1 where there is none.
    names
        Name of each code.
    """

    codes: Ints
    names: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Number of configurations of each name."""
        known = self.codes[self.codes >= 0]
        numbers = np.bincount(known, minlength=len(self.names))
        return {name: int(n) for name, n in zip(self.names, numbers, strict=True)}

    def labels(self) -> NDArray[np.str_]:
        """Name of each configuration, shape (frame, replica), "unknown" where there is none."""
        return np.asarray((*self.names, "unknown"), dtype=np.str_)[self.codes]


class Biased(_View):
    """Variables, bias energies, weights and works of the frames of a biased run."""

    @property
    def variables(self) -> Floats:
        """Collective variables, shape (frame, replica, variable)."""
        return self._floats("cv")

    @property
    def energies(self) -> Floats:
        """Energies of the bias in eV, shape (frame, replica)."""
        return self._floats("bias_energy")

    @property
    def log_weights(self) -> Floats:
        """Logarithms of the weights without the bias, shape (frame, replica)."""
        return self._floats("log_weight")

    @property
    def rung_log_weights(self) -> Floats | None:
        """As `log_weights`, if a frame were one of each rung, shape (frame, replica, rung)."""
        return self._known_floats("rung_log_weight")

    @property
    def exchanged(self) -> Ints | None:
        """Attempt with a neighbouring rung after a frame of a heated run, shape (frame, replica).

        -1 where there was none, 0 rejected, 1 accepted.
        """
        return self._known_integers("exchanged")

    @property
    def centres(self) -> Floats | None:
        """Centres of the restraint, shape (frame, replica, variable)."""
        return self._known_floats("restraint")

    @property
    def works(self) -> Floats | None:
        """Work of the moving restraint so far in eV, shape (frame, replica)."""
        return self._known_floats("work")


def flags(array: xr.DataArray) -> Codes:
    """Codes with the names that the array itself gives them."""
    names = str(array.attrs["flag_meanings"]).split()
    values = [int(value) for value in array.attrs["flag_values"]]
    known = {value: name for value, name in zip(values, names, strict=True) if value >= 0}
    listed = tuple(known.get(k, f"{array.name}{k}") for k in range(max(known, default=-1) + 1))
    return Codes(array.to_numpy().astype(np.int64), listed)


def _known(data: xr.Dataset, name: str) -> NDArray[Any] | None:
    """Values of an array; None where it is absent, or nothing was written to it."""
    if name not in data:
        return None
    values = np.asarray(data[name].to_numpy())
    written = np.isfinite(values) if values.dtype.kind == "f" else values >= 0
    return values if values.size and written.any() else None


def floats(data: xr.Dataset, name: str) -> Floats:
    """Read an array in double precision."""
    return np.asarray(data[name].to_numpy(), dtype=np.float64)


def known_floats(data: xr.Dataset, name: str) -> Floats | None:
    """Read an array in double precision; None where nothing was written."""
    values = _known(data, name)
    return None if values is None else values.astype(np.float64)
