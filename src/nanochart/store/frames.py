"""Frames of a run in types: no caller needs the names of its arrays, or asks for a stage twice.

A stage that is missing, or has not come so far, is one sentence, said here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from nanochart.errors import StoreError
from nanochart.shown import short_repr
from nanochart.store.variables import FRAMES, STAGES, STATIC, VARIABLES
from nanochart.store.views import (
    Biased,
    Chart,
    Codes,
    Inherent,
    Thermal,
    flags,
    floats,
    known_floats,
)

__all__ = ["Frames", "view_frames"]

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

#: What has places in the chart -> the array of them.
_PLACES = {"thermal": "chart", "inherent": "inherent_chart"}


@short_repr
@dataclass(frozen=True, eq=False)
class Frames:
    """Some frames of a run; made by `nanochart.store.Run.frames`.

    Attributes
    ----------
    path
        Folder of the run.
    numbers
        Of the frames in the run, shape (frame,).
    committed
        Number of frames of the run that have each stage.
    records
        What was recorded about each stage.
    """

    path: Path
    numbers: Ints
    committed: Mapping[str, int]
    records: Mapping[str, Mapping[str, Any]]
    _data: xr.Dataset

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def n_replicas(self) -> int:
        """Number of replicas: the configurations at one moment."""
        return int(self._data.sizes.get("replica", 0))

    @property
    def n_coordinates(self) -> int:
        """Coordinates of the chart, 0 without one."""
        return int(self._data.sizes.get("latent", 0))

    def has(self, stage: str) -> bool:
        """Whether all frames of the view have a stage, and there are any."""
        return len(self) > 0 and self.committed.get(stage, 0) > int(self.numbers.max())

    def having(self, stage: str) -> Self:
        """Return those frames of the view that have a stage, perhaps none."""
        return self.take(np.flatnonzero(self.numbers < self.committed.get(stage, 0)))

    def with_minima(self) -> Self:
        """Return those quenched frames of the view that have minima: all, or one in so many."""
        done = self.having("quench")
        every = int(self.records["quench"].get("every", 1))
        return done.take(np.flatnonzero(done.numbers % every == 0))

    def at(self, numbers: slice | Sequence[int] | None, stage: str = FRAMES) -> Self:
        """Return the frames of the view with these numbers, in this order; all if None.

        Parameters
        ----------
        numbers
            In the run; of a slice, those that are in the view.
        stage
            Whose frames the view has, for the sentence.

        Raises
        ------
        ValueError
            If there are none, or one is not in the view.
        """
        there = self.numbers
        if numbers is None or isinstance(numbers, slice):
            every = np.arange(int(there.max(initial=-1)) + 1)
            places = np.flatnonzero(np.isin(there, every[numbers or slice(None)]))
            asked = there[places]
        else:
            asked = np.asarray(numbers, dtype=np.int64)
            places = np.searchsorted(there, asked)
        if len(asked) == 0 or not np.isin(asked, there).all():
            raise ValueError(
                f"frames to export must be among the {len(there)} that {self.path} has of the "
                f"stage {stage!r}; got {numbers!r}"
                + ("" if len(there) else ": run that stage first")
            )
        return self.take(places)

    def take(self, indices: NDArray[np.integer[Any]]) -> Self:
        """Return some frames of the view, by their places in it."""
        chosen = np.asarray(indices, dtype=np.int64)
        data = self._data.isel(frame=chosen) if "frame" in self._data.dims else self._data
        return replace(self, numbers=self.numbers[chosen], _data=data)

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
    def so_far(self) -> Self:
        """The same frames, with every stage that has begun.

        What a stage has not reached yet is NaN or -1.
        """
        end = int(self.numbers.max(initial=-1)) + 1
        begun = {stage: max(n, end) for stage, n in self.committed.items() if n}
        return replace(self, committed=begun)

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

    @property
    def charted(self) -> frozenset[str]:
        """Which of the "thermal" configurations and their "inherent" structures have places."""
        return frozenset(
            k for k, name in _PLACES.items() if self.has("chart") and name in self._data
        )

    def chart(self, of: Literal["thermal", "inherent"]) -> Chart:
        """Places of the thermal configurations, or of their minima, in the chart.

        Raises
        ------
        StoreError
            If they have none.
        """
        self.require("chart")
        if of not in self.charted:
            raise StoreError(
                f"{self.path} was charted before it was quenched, so its minima have no places: "
                f"run `nanochart chart {self.path}` again"
            )
        return Chart(floats(self._data, _PLACES[of]), str(self.records["chart"].get("model", "")))

    @cached_property
    def motifs(self) -> Codes:
        """Motif of each minimum; a `StoreError` if they are not labelled."""
        self.require("label")
        return flags(self._data["motif"])

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
        return flags(self._data["split"])

    @cached_property
    def margins(self) -> Floats | None:
        """How far each minimum is from another motif, 0 to 1, shape (frame, replica)."""
        self.require("label")
        return known_floats(self._data, "motif_margin")

    @cached_property
    def defects(self) -> dict[str, Floats]:
        """Descriptor -> value of each minimum, shape (frame, replica)."""
        self.require("label")
        names = [str(name) for name in self._data.data_vars if str(name).startswith(_DEFECT)]
        return {name.removeprefix(_DEFECT): floats(self._data, name) for name in names}

    @cached_property
    def ladder(self) -> Floats | None:
        """Temperatures of the ladder in K, rising; None without one."""
        return known_floats(self._data, "ladder")


def view_frames(
    data: xr.Dataset,
    path: Path,
    first: int,
    last: int | None,
    every: int,
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
    if not 0 <= first <= end <= total or every < 1:
        raise ValueError(
            f"frames of {path} must lie between 0 and the {total} committed ones; got {first} to "
            f"{end}" + ("" if every > 0 else f", one in {every}")
        )
    part = data.isel(frame=slice(first, end, every)) if "frame" in data.dims else data
    # Arrays of a stage that was cleared are no part of the run, though they may be there still.
    gone = [n for n in part.data_vars if _stage_of(str(n)) not in {STATIC, FRAMES, *committed}]
    numbers = np.arange(first, end, every)
    return Frames(path, numbers, committed, records, part.drop_vars(gone))


def _stage_of(name: str) -> str:
    return VARIABLES[name].stage if name in VARIABLES else STATIC
