"""The source of a biased run as it was when that was begun, kept with the run.

What a frame's family is, by its own minimum or by its place, is asked long after a run was begun:
of a source that was charted anew since, has other families, or is gone. So a biased run holds what
these questions need, and no command looks at its source again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import Model, load
from nanochart.errors import StoreError
from nanochart.landscape import Families, load_families
from nanochart.shown import short_repr
from nanochart.store import Frames, Run, pack, unpack
from nanochart.workflow.bias.source import Source
from nanochart.workflow.chart_files import chart_model, families_of

__all__ = ["SourceThen", "source_files", "source_model"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FACTS, _FAMILIES, _MODEL = "source.npz", "source.families", "source.nanochart"
#: Frames of the chart that places are compared with, at most.
_MOST = 60_000
#: Known frames that shares by place need, and how far their temperature may be at first and at
#: most, as shares of that of the run.
_ENOUGH, _NEAR, _FAR = 2_000, 0.05, 0.25


def source_files(source: Source) -> dict[str, bytes]:
    """Files that keep what a source says, for `nanochart.store.create`.

    Raises
    ------
    StoreError, ModelError
        If it has families whose file, or the model of whose chart, is not there.
    """
    run, frames = source.run, source.run.frames().having("chart")
    facts = {
        "run": run.path.name,
        "model": run.info("chart").get("model"),
        "quench": run.info("quench"),
        "families": run.info("families"),
    }
    files = {}
    if run.committed("families"):
        files[_FAMILIES] = families_of(run)[0].read_bytes()
        files[_MODEL] = chart_model(run, source.config.model)[0].read_bytes()
    arrays = _places(frames, source.config.rungs[0]) if len(frames) else {}
    return {_FACTS: pack(arrays, facts), **files}


def _places(frames: Frames, temperature: float) -> dict[str, NDArray[Any]]:
    """Where frames lie in the chart; of those near a temperature also their states and groups."""
    n_frames, n_replicas = len(frames), frames.n_replicas
    chart = frames.chart("thermal").coordinates.astype(np.float32)
    known = chart[:: max(1, n_frames * n_replicas // _MOST)]
    T = frames.thermal.temperatures
    near = np.zeros(chart.shape[:2], dtype=bool) if T is None else _near(T, temperature)
    # Replicas are independent; of a single one, tenths of its time nearly are.
    groups = np.broadcast_to(np.arange(n_replicas), near.shape)
    if n_replicas == 1:
        groups = (10 * np.arange(n_frames) // n_frames)[:, None]
    found: dict[str, NDArray[Any]] = {
        "known": known.reshape(-1, chart.shape[-1]),
        "chart": chart[near],
        "group": groups[near].astype(np.int32),
    }
    for name, part in (("family", frames.having("families")), ("motif", frames.having("label"))):
        if len(part):
            codes = np.full(near.shape, -1, dtype=np.int16)
            codes[: len(part)] = (part.families if name == "family" else part.motifs).codes
            found[name] = codes[near]
    return found


def _near(temperatures: Floats, wanted: float) -> NDArray[np.bool_]:
    """Frames whose temperature is near, in a window as narrow as holds enough of them."""
    off = np.abs(temperatures / wanted - 1.0)
    k = min(_ENOUGH, off.size) - 1
    width = float(np.partition(off, k, axis=None)[k])
    return np.asarray(off <= min(max(width, _NEAR), _FAR))


def source_model(run: Run) -> Path | None:
    """File of the model that charted the source of a biased run; None if the run holds none."""
    return run.attachment(_MODEL)


@short_repr
@dataclass(frozen=True, eq=False)
class SourceThen:
    """The source, as it was.

    Attributes
    ----------
    biased
        The run that keeps this.
    name
        Of the source.
    charted
        Fingerprint of the model of its chart; None without one.
    quench
        How it was quenched.
    division
        Record of its division into families; empty where it had none.
    known
        Places of its frames in the chart, (frame, d), perhaps of some only; empty without a chart.
    chart, groups
        Of the frames near the temperature of the biased run: their places (frame, d), and which
        of them are of one replica, (frame,).
    codes
        "family" and "motif", as far as it had them -> those of these frames, -1 where they had
        none.
    """

    biased: Run
    name: str
    charted: str | None
    quench: Mapping[str, Any]
    division: Mapping[str, Any]
    known: Floats
    chart: Floats
    groups: Ints
    codes: Mapping[str, Ints]

    @classmethod
    def of(cls, biased: Run) -> Self:
        """What a biased run holds of its source.

        Raises
        ------
        StoreError
            If it was made before this was kept, or the file is damaged.
        """
        path = biased.attachment(_FACTS)
        if path is None:
            raise StoreError(
                f"{biased.path} holds nothing of its source, because an older nanochart made it: "
                "bias anew with `nanochart bias CONFIG` into another folder"
            )
        arrays, facts = unpack(path)
        none = np.empty((0, 0))
        return cls(
            biased=biased,
            name=str(facts["run"]),
            charted=facts["model"],
            quench=facts["quench"],
            division=facts["families"],
            known=arrays.get("known", none).astype(np.float64),
            chart=arrays.get("chart", none).astype(np.float64),
            groups=arrays.get("group", np.empty(0)).astype(np.int64),
            codes={k: arrays[k].astype(np.int64) for k in ("family", "motif") if k in arrays},
        )

    @property
    def family_names(self) -> tuple[str, ...]:
        """Names of its families, noise first; empty where it had none."""
        return () if self.biased.attachment(_FAMILIES) is None else self.families().names

    def families(self) -> Families:
        """Its families.

        Raises
        ------
        StoreError
            If it had none.
        """
        path = self.biased.attachment(_FAMILIES)
        if path is None:
            raise StoreError(
                f"{self.biased.path} holds no families, because its source {self.name} had none "
                "when it was begun: take --by motif, for which a frame is told by its own minimum, "
                f"or run `nanochart families` on {self.name} and bias anew"
            )
        return load_families(path)

    def model(self) -> Model:
        """The model of its chart.

        Raises
        ------
        StoreError
            If it had no families, whose model this is.
        """
        path = source_model(self.biased)
        if path is None:
            self.families()
            raise StoreError(
                f"{self.biased.path} has lost the copy of the model that charted its source: "
                "restore the folder from a copy"
            )
        return load(path)
