"""What the source run of a biased run says: frames, families, model, places."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import Model, load
from nanochart.biasing import CVs, Origin
from nanochart.errors import ConfigError, StoreError
from nanochart.potentials import Potential
from nanochart.store import Run
from nanochart.workflow._bias_config import BiasConfig
from nanochart.workflow._chart import check_model

__all__ = ["MARGIN", "Source", "states_fingerprint"]

Floats = NDArray[np.float64]

#: Share of the range of the data by which a grid is wider on either side.
MARGIN = 0.15
#: Frames of the chart that are looked at, at most.
_MOST = 60_000


def states_fingerprint(run: Run, frames: int) -> str:
    """Hash of the families, their names, and the motifs of the first frames of a run."""
    data = run.to_xarray().isel(frame=slice(0, frames))
    digest = hashlib.sha256("\n".join(run.info("families").get("names", ())).encode())
    for name in ("family", "motif"):
        if name in data:
            digest.update(np.ascontiguousarray(data[name].to_numpy()).tobytes())
    return digest.hexdigest()[:16]


class Source:
    """The charted run, as it is when a biased run is begun.

    Parameters
    ----------
    run
        The source.
    config
        What is asked for.

    Raises
    ------
    StoreError
        If the run has no frames.
    """

    def __init__(self, run: Run, config: BiasConfig) -> None:
        if run.committed() == 0:
            raise StoreError(f"{run.path} has no frames: sample it first")
        self.run, self.config = run, config
        self.data = run.to_xarray()
        n = self.data.sizes["frame"]
        step = max(1, n * self.data.sizes["replica"] // _MOST)
        self.frames = self.data.isel(frame=slice(None, None, step))
        self.temperature: Floats = self.frames["temperature"].to_numpy().ravel()
        self._model: Model | None = None

    @property
    def model_path(self) -> Path:
        """File of the model that is named, or lies beside the run."""
        return Path(self.config.model or self.run.path.with_suffix(".nanochart"))

    @property
    def model(self) -> Model:
        """That model."""
        if self._model is None:
            path = self.model_path
            if not path.exists():
                raise ConfigError(
                    f"there is no model {path}: train one (`nanochart train {self.run.path}`), or "
                    "name it in the field model"
                )
            self._model = load(path)
            check_model(self.run, self._model)
        return self._model

    @property
    def origin(self) -> Origin:
        """What a plan keeps of the source."""
        frames = self.run.committed()
        return Origin(self.run.path.name, frames, states_fingerprint(self.run, frames))

    def require_thermal(self) -> None:
        """Refuse a model that does not read moving clusters, or another than charted the run."""
        if self.model.target != "inherent":
            raise ConfigError(
                "the chart coordinates of moving clusters need a model that reads thermal "
                f"frames, target inherent; got target {self.model.target}, which was trained on "
                "quenched structures: train again with `--target inherent`"
            )
        charted = self.run.info("chart").get("model")
        if charted != self.model.fingerprint:
            raise ConfigError(
                f"{self.run.path} was charted with another model ({charted}) than the one to bias "
                f"with ({self.model.fingerprint}): run `nanochart chart {self.run.path}` with it"
            )

    def positions(self, chosen: NDArray[np.int64] | slice) -> Floats:
        """Thermal positions (frame, atom, 3) in Å of some of the frames * replicas."""
        x = self.frames["positions"].to_numpy()
        return np.asarray(x.reshape(-1, *x.shape[-2:])[chosen], dtype=np.float64)

    def values(self, cvs: CVs, potential: Potential) -> Floats:
        """Variables of the run's thermal frames (frame * replica, m)."""
        simple = all(name[0] == "s" and name[1:].isdigit() for name in cvs.names)
        if simple and "chart" in self.frames:
            chart = self.frames["chart"].to_numpy().reshape(-1, self.model.bottleneck)
            columns = [chart[:, int(name[1:]) - 1] for name in cvs.names]
            return np.stack(columns, axis=1).astype(np.float64)
        return cvs.values(self.positions(slice(None)), potential)

    def slopes(self, cvs: CVs, potential: Potential) -> Floats:
        """Squares of the gradients of the variables in some frames, (frame, m)."""
        n = self.frames.sizes["frame"] * self.frames.sizes["replica"]
        some = self.positions(slice(None, None, max(1, n // 100)))
        squares = []
        for slope in np.eye(len(cvs)):
            gradient = cvs.with_gradient(some, potential, slope)[1]
            squares.append((gradient**2).sum(axis=(1, 2)))
        return np.stack(squares, axis=1)

    @property
    def family_names(self) -> tuple[str, ...]:
        """Names of the families, noise first."""
        return tuple(self.run.info("families").get("names", ()))

    def members(self, name: str) -> NDArray[np.bool_]:
        """Which of the frames belong to a family, or to all families of a motif."""
        names = self.family_names
        if "family" not in self.frames or not names:
            raise ConfigError(
                f"{self.run.path} has no families, so {name!r} means nothing: run `nanochart "
                f"families {self.run.path}` first, or give coordinates"
            )
        codes = [k for k, n in enumerate(names) if k and (n == name or n.startswith(f"{name}/"))]
        if not codes:
            raise ConfigError(
                f"{name!r} is no family of {self.run.path}; its families are {', '.join(names[1:])}"
            )
        return np.isin(self.frames["family"].to_numpy().ravel(), codes)

    def place(self, place: str | tuple[float, ...], data: Floats) -> Floats:
        """Coordinates of a place: as given, or the median of a family's thermal frames."""
        if isinstance(place, str):
            inside = self.members(place)
            T = self.config.temperature
            near = inside & (np.abs(self.temperature - T) <= 0.15 * T)
            return np.asarray(np.median(data[near if near.sum() >= 10 else inside], axis=0))
        if len(place) != data.shape[1]:
            raise ConfigError(
                f"a place must have a coordinate for each of the {data.shape[1]} variables, or be "
                f"the name of a family; got {place}"
            )
        low, high = data.min(axis=0), data.max(axis=0)
        margin = MARGIN * (high - low)
        if ((place < low - margin) | (place > high + margin)).any():
            seen = ", ".join(f"{a:.3g} to {b:.3g}" for a, b in zip(low, high, strict=True))
            raise ConfigError(
                f"the place {place} is outside of what the run has seen, {seen}: choose one "
                "inside, or sample further"
            )
        return np.array(place)
