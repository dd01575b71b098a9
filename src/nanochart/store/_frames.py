"""What a run holds, in types: no caller needs the names of its arrays, or asks for a stage twice.

Arrays are read when they are asked for, and only for the frames of the view; numbers come in double
precision. What was never recorded is None; a stage that is missing is one sentence, said here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nanochart.errors import StoreError
from nanochart.store._variables import FRAMES, STAGES, STATIC, VARIABLES

__all__ = ["Biased", "Chart", "Codes", "Frames", "Inherent", "Thermal"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Stage -> what its frames are called, and the command that makes it.
_WORDS = {
    "quench": ("quenched", "quench"),
    "label": ("labelled", "label"),
    "train": ("trained", "train"),
    "chart": ("charted", "chart"),
    "families": ("grouped", "families"),
}
_DEFECT = "defect_"


class _View:
    """Reads the arrays of some frames."""

    def __init__(self, data: xr.Dataset) -> None:
        self._data = data

    def _floats(self, name: str) -> Floats:
        return _floats(self._data, name)

    def _known_floats(self, name: str) -> Floats | None:
        return _known_floats(self._data, name)

    def _known_integers(self, name: str) -> Ints | None:
        values = _known(self._data, name)
        return None if values is None else values.astype(np.int64)


class Thermal(_View):
    """The configurations as they were sampled; (frame, replica) comes first in every array."""

    @property
    def positions(self) -> Floats:
        """Positions in Å, shape (frame, replica, atom, 3)."""
        return self._floats("positions")

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
        """Attempt between neighbouring rungs after a frame, shape (frame, pair).

        -1 where there was none, 0 rejected, 1 accepted.
        """
        return self._known_integers("exchange_accepted")

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


@dataclass(frozen=True, eq=False)
class Codes:
    """Names of configurations, as indices.

    Attributes
    ----------
    codes
        Indices into ``names``, shape (frame, replica); -1 where there is none.
    names
        Code -> name.
    """

    codes: Ints
    names: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Name -> number of configurations."""
        known = self.codes[self.codes >= 0]
        numbers = np.bincount(known, minlength=len(self.names))
        return {name: int(n) for name, n in zip(self.names, numbers, strict=True)}

    def labels(self) -> NDArray[np.str_]:
        """Name of each configuration, shape (frame, replica), "unknown" where there is none."""
        return np.asarray((*self.names, "unknown"), dtype=np.str_)[self.codes]


class Biased(_View):
    """What a biased run recorded beside its configurations."""

    @property
    def variables(self) -> Floats:
        """Collective variables, shape (frame, replica, variable)."""
        return self._floats("cv")

    @property
    def energies(self) -> Floats:
        """Energies of the bias in eV, shape (frame, replica)."""
        return self._floats("bias_energy")

    @property
    def log_weights(self) -> Floats | None:
        """Logarithms of the weights without the bias, shape (frame, replica)."""
        return self._known_floats("log_weight")

    @property
    def centres(self) -> Floats | None:
        """Centres of the restraint, shape (frame, replica, variable)."""
        return self._known_floats("restraint")

    @property
    def works(self) -> Floats | None:
        """Work of the moving restraint so far in eV, shape (frame, replica)."""
        return self._known_floats("work")


@dataclass(frozen=True, eq=False)
class Frames:
    """Some frames of a run, from ``first`` up to ``last``; made by `nanochart.store.Run.frames`.

    Attributes
    ----------
    path
        The run.
    first, last
        The frames of the view are those from ``first`` to before ``last``.
    committed
        Stage -> frames of the run that have it.
    records
        Stage -> what was recorded about it.
    """

    path: Path
    first: int
    last: int
    committed: Mapping[str, int]
    records: Mapping[str, Mapping[str, Any]]
    _data: xr.Dataset

    def __len__(self) -> int:
        return self.last - self.first

    @property
    def n_replicas(self) -> int:
        """Configurations of a frame."""
        return int(self._data.sizes.get("replica", 0))

    def has(self, stage: str) -> bool:
        """Whether all frames of the view have a stage, and there are any."""
        return len(self) > 0 and self.committed.get(stage, 0) >= self.last

    def require(self, *stages: str) -> Self:
        """Return the view, if all its frames have these stages.

        Raises
        ------
        StoreError
            If a stage is missing, or has not come so far; names what makes it.
        """
        if len(self) == 0:
            raise StoreError(f"{self.path} has no frames yet: sample or import some first")
        for stage in sorted(stages, key=STAGES.index):
            if self.has(stage):
                continue
            words, command = _WORDS[stage]
            raise StoreError(
                f"{self.path} has {self.committed.get(stage, 0)} {words} frames of "
                f"{self.committed.get(FRAMES, 0)}: run `nanochart {command} {self.path}` first"
            )
        return self

    @cached_property
    def thermal(self) -> Thermal:
        """The configurations as they were sampled."""
        return Thermal(self._data)

    @cached_property
    def inherent(self) -> Inherent:
        """Their minima; a `StoreError` if they are not quenched."""
        self.require("quench")
        return Inherent(self._data)

    @cached_property
    def biased(self) -> Biased:
        """What the bias did; a `StoreError` if there was none."""
        self.require()
        if "cv" not in self._data:
            raise StoreError(f"{self.path} is no biased run: make one with `nanochart bias CONFIG`")
        return Biased(self._data)

    def chart(self, of: Literal["thermal", "inherent"]) -> Chart:
        """Places of the thermal configurations, or of their minima, in the chart.

        Raises
        ------
        StoreError
            If they have none.
        """
        name = {"thermal": "chart", "inherent": "inherent_chart"}[of]
        self.require("chart")
        if name not in self._data:
            raise StoreError(
                f"{self.path} was charted before it was quenched, so its minima have no places: "
                f"run `nanochart chart {self.path}` again"
            )
        return Chart(_floats(self._data, name), str(self.records["chart"].get("model", "")))

    @cached_property
    def motifs(self) -> Codes:
        """Motif of each minimum; a `StoreError` if they are not labelled."""
        self.require("label")
        return _flags(self._data["motif"])

    @cached_property
    def families(self) -> Codes:
        """Family of each configuration, of which the first is noise; a `StoreError` without any."""
        self.require("families")
        codes = self._data["family"].to_numpy().astype(np.int64)
        names = tuple(str(name) for name in self.records["families"].get("names", ()))
        return Codes(codes, names or tuple(map(str, range(int(codes.max(initial=0)) + 1))))

    @cached_property
    def split(self) -> Codes:
        """Share of each configuration in the training; a `StoreError` without a training."""
        self.require("train")
        return _flags(self._data["split"])

    @cached_property
    def margins(self) -> Floats | None:
        """How far each minimum is from another motif, 0 to 1, shape (frame, replica)."""
        self.require("label")
        return _known_floats(self._data, "motif_margin")

    @cached_property
    def defects(self) -> dict[str, Floats]:
        """Descriptor -> value of each minimum, shape (frame, replica)."""
        self.require("label")
        names = [str(name) for name in self._data.data_vars if str(name).startswith(_DEFECT)]
        return {name.removeprefix(_DEFECT): _floats(self._data, name) for name in names}

    @cached_property
    def ladder(self) -> Floats | None:
        """Temperatures of the ladder in K, rising; None without one."""
        return _known_floats(self._data, "ladder")


def view_frames(
    data: xr.Dataset,
    path: Path,
    first: int,
    last: int | None,
    committed: Mapping[str, int],
    records: Mapping[str, Mapping[str, Any]],
) -> Frames:
    """Make the view of `nanochart.store.Run.frames`.

    Raises
    ------
    ValueError
        If there are no such frames.
    """
    total = committed.get(FRAMES, 0)
    end = total if last is None else last
    if not 0 <= first <= end <= total:
        raise ValueError(
            f"frames of {path} must lie between 0 and the {total} committed ones; got {first} to "
            f"{end}"
        )
    part = data.isel(frame=slice(first, end)) if "frame" in data.dims else data
    # Arrays of a stage that was cleared are no part of the run, though they may be there still.
    gone = [n for n in part.data_vars if _stage_of(str(n)) not in {STATIC, FRAMES, *committed}]
    return Frames(path, first, end, committed, records, part.drop_vars(gone))


def _stage_of(name: str) -> str:
    return VARIABLES[name].stage if name in VARIABLES else STATIC


def _flags(array: xr.DataArray) -> Codes:
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


def _floats(data: xr.Dataset, name: str) -> Floats:
    return np.asarray(data[name].to_numpy(), dtype=np.float64)


def _known_floats(data: xr.Dataset, name: str) -> Floats | None:
    values = _known(data, name)
    return None if values is None else values.astype(np.float64)
