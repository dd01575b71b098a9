"""Families: groups of minima that lie together in the chart, found without labels."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from nanochart.landscape.choice import Trial, vote
from nanochart.landscape.division import divide, refined
from nanochart.landscape.families_config import FamiliesConfig
from nanochart.landscape.families_file import read_families, write_families
from nanochart.landscape.minima import Minima, distinct_minima, draw_sample
from nanochart.landscape.settlement import often_visited, reach_of, settled
from nanochart.progress import Progress, silent
from nanochart.shown import short_repr

__all__ = ["NOISE", "Families", "fit_families", "load_families"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Code of what belongs to no family, and its name.
NOISE: Final = 0
_NOISE_NAME = "noise"
#: Frames below which there is nothing to group.
_FEWEST = 50
#: How far frames of one minimum are found from its place: what this share of all frames keep, times
#: a factor.
_NEARLY_ALL, _WIDE = 0.999, 3.0
#: Minima that are kept at most.
_KEPT = 50_000


@short_repr
@dataclass(frozen=True, eq=False)
class Families:
    """Families of a chart: a clustering of minima that any frame can be assigned to.

    A point belongs to the family with the most votes of its five nearest fitted minima, each worth
    the inverse of its distance; where the nearest is farther
    than ``reach``, or noise has the most votes, it is noise.

    Attributes
    ----------
    points
        Chart coordinates of the fitted minima, (minimum, d).
    labels
        Family of each minimum, (minimum,): 0 is noise, 1 the family with the most frames.
    reach
        Distance in the chart beyond which a point is noise.
    config
        Settings of the clustering.
    size
        The least size of a family that was used; 0 where there were too few minima to cluster.
    trials
        All sizes that were tried.
    names
        Names of the families by code: "noise", then such as "dh/1", the motif of most members and
        the rank by size within it; "family/1" before motifs are known.
    cards
        One for each family (JSON values), in the order of the codes from 1.
    provenance
        Run and model that the families were made from.
    """

    points: Floats
    labels: Ints
    reach: float
    config: FamiliesConfig
    size: float
    trials: tuple[Trial, ...] = ()
    names: tuple[str, ...] = (_NOISE_NAME,)
    cards: tuple[Mapping[str, Any], ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_families(self) -> int:
        """Number of families, noise not counted."""
        return int(self.labels.max(initial=0))

    @property
    def fingerprint(self) -> str:
        """Hash of all that decides to which family a point belongs, and of the families' names."""
        digest = hashlib.sha256()
        for array in (self.points, self.labels, np.array([self.reach])):
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update("\n".join(self.names).encode())
        return digest.hexdigest()[:16]

    def assign(self, points: ArrayLike) -> NDArray[np.int16]:
        """Code of the family of each point, 0 for noise.

        Parameters
        ----------
        points
            Chart coordinates (..., d) of quenched frames.

        Returns
        -------
        array (...) of int16

        Raises
        ------
        ValueError
            If the points have another number of dimensions than the chart, or are not finite.
        """
        s = self._placed(points)
        flat = s.reshape(-1, s.shape[-1])
        codes = vote(cKDTree(self.points), self.labels, flat, self.reach)
        return np.maximum(codes, NOISE).astype(np.int16).reshape(s.shape[:-1])

    def is_new(self, points: ArrayLike) -> NDArray[np.bool_]:
        """Whether each point (..., d) is farther than ``reach`` from every fitted minimum.

        Such a frame is noise to ``assign``, as are frames between families; but what it holds is a
        structure that the families were found without.
        """
        s = self._placed(points)
        distance = cKDTree(self.points).query(s.reshape(-1, s.shape[-1]))[0]
        return np.asarray(distance > self.reach).reshape(s.shape[:-1])

    def _placed(self, points: ArrayLike) -> Floats:
        s = np.asarray(points, dtype=np.float64)
        d = self.points.shape[1]
        if s.ndim == 0 or s.shape[-1] != d:
            raise ValueError(
                f"points to assign must have the shape (..., {d}), that of the chart the families "
                f"were found in; got {s.shape}"
            )
        _require_finite(s.reshape(-1, d), "points to assign")
        return s

    def described(self, names: Sequence[str], cards: Sequence[Mapping[str, Any]]) -> "Families":
        """Give the same families with names and cards."""
        if len(names) != self.n_families + 1 or len(cards) != self.n_families:
            raise ValueError(
                f"{self.n_families} families need as many cards and one name more, for noise; got "
                f"{len(cards)} cards and {len(names)} names"
            )
        return replace(self, names=tuple(names), cards=tuple(cards))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a safetensors file with a JSON header, as models are; see ``load_families``."""
        about = {
            "config": self.config, "reach": self.reach, "size": self.size, "trials": self.trials,
            "names": self.names, "cards": tuple(dict(card) for card in self.cards),
            "provenance": dict(self.provenance),
        }  # fmt: skip
        write_families(path, self.points, self.labels, about)


def load_families(path: str | os.PathLike[str]) -> Families:
    """Read families that ``Families.save`` wrote.

    The file holds numbers and text only; reading it runs no code from it.

    Raises
    ------
    ModelError
        If the file is missing, foreign (a pickle, an archive), damaged, from a newer nanochart, or
        its arrays do not fit its header.
    """
    return Families(**read_families(path))


def fit_families(
    points: ArrayLike,
    config: FamiliesConfig | None = None,
    *,
    energies: ArrayLike | None = None,
    shapes: ArrayLike | None = None,
    metric: Callable[[Floats], Floats] | None = None,
    progress: Progress = silent,
) -> Families:
    """Group the minima of a chart into families.

    The distinct minima are sampled, with sqrt(n) points for one that was found n times; the sample
    is clustered, with the size asked for or a stable one; a family whose members alone fall into
    stable parts is split into them. A minimum that was visited often is a family of its own where
    it stands alone, and where there are fewer than 30 minima, which have no density. Families are
    numbered by their frames, and those with fewer than ``config.smallest`` are noise.

    Parameters
    ----------
    points
        Chart coordinates (frame, d) of quenched frames.
    config
        Settings of the clustering; None takes the defaults.
    energies
        Energies of the minima in eV, (frame,), which help to tell what is the same minimum.
    shapes
        Shapes of the minima (frame, k) for the same purpose, such as principal radii of gyration in
        Å; None takes the chart coordinates.
    metric
        Function from places in the chart (n, d) to coordinates (n, m) whose distances count, such
        as :class:`ReconstructionMetric`; None takes the distances in the chart.
    progress
        Function that is called with every setting that is tried.

    Raises
    ------
    ValueError
        If there are fewer than 50 frames, coordinates or energies are not finite, or no family is
        found.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> blobs = [rng.normal(c, 0.1, size=(300, 2)) for c in (0.0, 1.0, 2.0)]
    >>> families = fit_families(np.concatenate(blobs))
    >>> families.n_families
    3
    >>> families.assign([[0.0, 0.0], [0.0, 9.0]]).tolist()[1]
    0
    """
    asked = config or FamiliesConfig()
    s, E, shape = _checked(points, energies, shapes)
    rng = np.random.default_rng(asked.seed)
    minima = distinct_minima(
        s, E, shape, tolerance=asked.tolerance, shape_tolerance=asked.shape_tolerance
    )
    placed = minima if metric is None else replace(minima, points=metric(minima.points))
    level = divide(placed, asked, rng, progress=progress)
    labels = level.labels
    if asked.refine:
        labels = refined(placed, labels, asked, rng, progress=progress)
    labels = settled(placed, labels, asked.smallest)
    places, of_place = _kept(minima, labels, often_visited(minima, asked.smallest), rng)
    frames = labels[minima.index]
    codes = _by_size(frames, asked.smallest, int(labels.max()) + 1)
    if not codes.any():
        raise ValueError(
            f"no family has the {asked.smallest} frames that it should have at least: sample longer"
        )
    return Families(
        points=places,
        labels=np.where(of_place >= 0, codes[of_place], NOISE),
        # A frame of a known minimum is never noise, however few minima there are.
        reach=max(reach_of(places), _around(minima, s)),
        config=asked,
        size=level.size,
        trials=level.trials,
        names=(_NOISE_NAME, *(f"family/{k}" for k in range(1, int(codes.max()) + 1))),
    )


def _around(minima: Minima, points: Floats) -> float:
    """Distance in the chart that hardly a frame has from the mean place of its minimum."""
    off = np.linalg.norm(points - minima.points[minima.index], axis=1)
    return float(_WIDE * np.quantile(off, _NEARLY_ALL))


def _checked(
    points: ArrayLike, energies: ArrayLike | None, shapes: ArrayLike | None
) -> tuple[Floats, Floats | None, Floats | None]:
    s = np.asarray(points, dtype=np.float64)
    if s.ndim != 2 or s.shape[1] == 0:
        raise ValueError(
            f"chart coordinates must have the shape (frame, d) with d of at least 1; got {s.shape}"
        )
    if len(s) < _FEWEST:
        raise ValueError(
            f"families need at least {_FEWEST} quenched frames to be told apart; got {len(s)}: "
            "sample longer"
        )
    _require_finite(s, "chart coordinates")
    shape = None
    if shapes is not None:
        shape = np.asarray(shapes, dtype=np.float64)
        if shape.ndim != 2 or len(shape) != len(s):
            raise ValueError(
                f"shapes must have the shape ({len(s)}, k), one row for each frame; got "
                f"{shape.shape}"
            )
        _require_finite(shape, "shapes of minima")
    if energies is None:
        return s, None, shape
    E = np.asarray(energies, dtype=np.float64)
    if E.shape != s.shape[:1]:
        raise ValueError(
            f"energies must have the shape ({len(s)},), one for each frame; got {E.shape}"
        )
    _require_finite(E[:, None], "energies of minima")
    return s, E, shape


def _require_finite(values: Floats, what: str) -> None:
    wrong = int((~np.isfinite(values)).any(axis=1).sum())
    if wrong:
        raise ValueError(
            f"{what} must be finite; got NaN or infinity in {wrong} of {len(values)}: leave those "
            "frames out, or chart the run again"
        )


def _kept(
    minima: Minima, labels: Ints, always: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """The minima that later points are compared with: all, or as many as are quickly searched."""
    chosen = np.arange(len(labels))
    if len(labels) > _KEPT:
        drawn = draw_sample(minima, _KEPT, rng).minimum
        chosen = np.union1d(drawn, np.flatnonzero(always))
    return minima.points[chosen], labels[chosen]


def _by_size(frames: Ints, smallest: int, n: int) -> Ints:
    """New code of each cluster: 1 for the one with the most frames, 0 for those too small."""
    sizes = np.bincount(frames[frames >= 0], minlength=n)
    codes = np.zeros(n, dtype=np.int64)
    order = np.argsort(-sizes, kind="stable")
    kept = order[sizes[order] >= smallest]
    codes[kept] = np.arange(1, len(kept) + 1)
    return codes
