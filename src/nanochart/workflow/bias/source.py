"""What the source run of a biased run says: frames, families, model, places."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import Model, load
from nanochart.biasing import CVs, Origin
from nanochart.config import BiasConfig
from nanochart.errors import ConfigError
from nanochart.minimization import quench
from nanochart.potentials import Potential
from nanochart.store import Codes, Run
from nanochart.workflow.chart import check_model

__all__ = ["MARGIN", "Source"]

Floats = NDArray[np.float64]

#: Share of the range of the data by which a grid is wider on either side.
MARGIN = 0.15
#: Frames of the chart that are looked at, at most.
_MOST = 60_000


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
        n = run.committed() * run.metadata.n_replicas
        self.run, self.config = run, config
        self.frames = run.frames(every=max(1, n // _MOST)).require()
        known = self.frames.thermal.temperatures
        shape = len(self.frames), self.frames.n_replicas
        self.temperature: Floats = (np.full(shape, np.nan) if known is None else known).ravel()
        self._model: Model | None = None

    @property
    def model_path(self) -> Path:
        """File of the model that is named, that was trained on the run, or lies beside it."""
        if self.config.model:
            return Path(self.config.model)
        trained = self.run.path.with_name(str(self.run.info("train").get("model", "")))
        return trained if trained.is_file() else self.run.path.with_suffix(".nanochart")

    @property
    def model(self) -> Model:
        """That model."""
        if self._model is None:
            path, default = self.model_path, self.run.path.with_suffix(".nanochart")
            if not path.exists() and self.config.model:
                raise ConfigError(
                    f"there is no model {path}, which the field model names: give the path where "
                    f"it lies now, or leave the field out for {default}"
                )
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
        return Origin(self.run.path.name, self.run.committed())

    def require_thermal(self) -> None:
        """Refuse a model that does not read moving clusters, or another than charted the run."""
        if self.model.target != "inherent":
            raise ConfigError(
                "the chart coordinates of moving clusters need a model that reads thermal "
                f"frames, target inherent; got target {self.model.target}, which was trained on "
                "quenched structures: train again with `--target inherent`"
            )
        charted = self.run.info("chart").get("model")
        if not self.frames.having("chart").numbers.size:
            raise ConfigError(
                f"{self.run.path} has no chart to bias along: run `nanochart chart "
                f"{self.run.path}` first"
            )
        if charted != self.model.fingerprint:
            raise ConfigError(
                f"{self.run.path} was charted with another model ({charted}) than the one to bias "
                f"with, {self.model_path} ({self.model.fingerprint}): run `nanochart chart "
                f"{self.run.path} --model {self.model_path}`, or name the other in the field model"
            )

    def positions(self, chosen: NDArray[np.int64] | slice) -> Floats:
        """Thermal positions (frame, atom, 3) in Å of some of the frames * replicas."""
        every = np.arange(len(self.frames) * self.frames.n_replicas)
        return self.frames.thermal.structures(every[chosen])

    def relaxed(self, potential: Potential, most: int = 4) -> Floats:
        """Inherent structures (structure, atom, 3) in Å of a few frames spread over the run."""
        n = len(self.frames) * self.frames.n_replicas
        return quench(self.positions(slice(None, None, -(-n // most))), potential).positions

    def values(self, cvs: CVs, potential: Potential) -> Floats:
        """Variables of the run's thermal frames (frame * replica, m)."""
        simple = all(name[0] == "s" and name[1:].isdigit() for name in cvs.names)
        if simple and self.frames.has("chart"):
            chart = self.frames.chart("thermal").coordinates
            columns = [chart[..., int(name[1:]) - 1].ravel() for name in cvs.names]
            return np.stack(columns, axis=1)
        return cvs.values(self.positions(slice(None)), potential)

    def slopes(self, cvs: CVs, potential: Potential) -> Floats:
        """Squares of the gradients of the variables in some frames, (frame, m)."""
        n = len(self.frames) * self.frames.n_replicas
        some = self.positions(slice(None, None, max(1, n // 100)))
        squares = []
        for slope in np.eye(len(cvs)):
            gradient = cvs.with_gradient(some, potential, slope)[1]
            squares.append((gradient**2).sum(axis=(1, 2)))
        return np.stack(squares, axis=1)

    @property
    def families(self) -> Codes | None:
        """Family of each of the frames, of which the first is noise; None without any."""
        return self.frames.families if self.frames.has("families") else None

    @property
    def family_names(self) -> tuple[str, ...]:
        """Names of the families, noise first."""
        return () if self.families is None else self.families.names

    def members(self, name: str) -> NDArray[np.bool_]:
        """Which of the frames belong to a family, or to all families of a motif."""
        if self.families is None:
            raise ConfigError(
                f"{self.run.path} has no families, so {name!r} means nothing: run `nanochart "
                f"families {self.run.path}` first, or give coordinates"
            )
        names = self.families.names
        codes = [k for k, n in enumerate(names) if k and (n == name or n.startswith(f"{name}/"))]
        if not codes:
            raise ConfigError(
                f"{name!r} is no family of {self.run.path}; its families are {', '.join(names[1:])}"
            )
        return np.isin(self.families.codes.ravel(), codes)

    def place(self, place: str | tuple[float, ...], data: Floats) -> Floats:
        """Coordinates of a place: as given, or the median of a family's thermal frames."""
        if isinstance(place, str):
            inside = self.members(place)
            T = self.config.rungs[0]
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
