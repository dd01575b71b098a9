"""A bias of collective variables: a restraint, a tabulated potential and walls, in a sum."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.biasing.kernels_bias import BiasTables, evaluate_bias, interpolate, restraint_centre
from nanochart.shown import short_repr

__all__ = ["Bias", "Grid", "Restraint", "Wall"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wall:
    """A wall: half a harmonic well beyond a bound.

    Its energy is ½ κ (s - at)² above ``at`` ("upper") or below it ("lower"). ``variable`` is the
    index of the collective variable, ``stiffness`` κ in eV per unit².
    """

    variable: int
    at: float
    stiffness: float
    side: str = "upper"

    def __post_init__(self) -> None:
        if self.side not in {"upper", "lower"}:
            raise ValueError(f"the side of a wall must be 'upper' or 'lower'; got {self.side!r}")
        if not (self.stiffness > 0 and math.isfinite(self.stiffness) and math.isfinite(self.at)):
            raise ValueError(
                "a wall must have a finite place and a stiffness above 0 eV per unit²; got "
                f"{self.at!r} and {self.stiffness!r}"
            )


@short_repr
@dataclass(frozen=True, eq=False)
class Restraint:
    """Harmonic restraint ½ Σ κ (s - c)², whose centre rests or moves linearly from knot to knot.

    Attributes
    ----------
    stiffness
        Stiffness κ (m,) in eV per unit²; zero leaves a variable free.
    knots
        Centres that the restraint moves through, (K, m).
    steps
        Steps (K,) of the dynamics at which the centre is at each knot, rising.
    """

    stiffness: Floats
    knots: Floats
    steps: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.knots.ndim != 2 or self.knots.shape != (len(self.steps), len(self.stiffness)):
            raise ValueError(
                "knots of a restraint must have the shape (knot, variable) with a step for each; "
                f"got {self.knots.shape} and {len(self.steps)} steps"
            )
        if not (np.diff(self.steps) > 0).all() or len(self.steps) == 0:
            raise ValueError(f"the steps of a restraint must rise; got {self.steps.tolist()}")
        if not ((self.stiffness >= 0).all() and np.isfinite(self.stiffness).all()):
            raise ValueError(
                "the stiffness of a restraint must be numbers of at least 0 eV per unit²; got "
                f"{self.stiffness.tolist()}"
            )
        if not np.isfinite(self.knots).all():
            raise ValueError("the centres of a restraint must be finite; got NaN or infinity")

    @classmethod
    def at(cls, centre: ArrayLike, stiffness: ArrayLike) -> "Restraint":
        """Make a restraint at rest."""
        c = np.atleast_1d(np.asarray(centre, dtype=np.float64))
        k = np.broadcast_to(np.asarray(stiffness, dtype=np.float64), c.shape)
        return cls(np.array(k), c[None], np.zeros(1, dtype=np.int64))

    def energy(self, s: ArrayLike) -> Floats:
        """Energy in eV of values (..., m) for a restraint at rest."""
        if len(self.steps) > 1:
            raise ValueError("the energy of a moving restraint depends on the step")
        delta = np.asarray(s, dtype=np.float64) - self.knots[0]
        energy: Floats = 0.5 * (self.stiffness * delta**2).sum(axis=-1)
        return energy

    def centre(self, step: int) -> Floats:
        """Centre of the restraint after so many steps, (m,)."""
        centre = np.empty(len(self.stiffness))
        restraint_centre(Bias(len(centre), restraint=self).tables, step, centre)
        return centre


@short_repr
@dataclass(frozen=True, eq=False)
class Grid:
    """A potential tabulated on a regular grid of 1 to 3 of the variables; cubic between the nodes.

    Between nodes it is the interpolation of Catmull and Rom in each dimension, continuous in value
    and slope. Outside of the grid the value at the edge holds and there is no force.

    Attributes
    ----------
    low, high
        First and last node of each axis, (d,).
    values
        Energies at the nodes in eV, an array with d axes.
    axes
        Variables of the axes.
    """

    low: Floats
    high: Floats
    values: Floats
    axes: tuple[int, ...]

    def __post_init__(self) -> None:
        d = self.values.ndim
        if not 1 <= d <= 3 or len(self.low) != d or len(self.high) != d or len(self.axes) != d:
            raise ValueError(
                "a bias grid must have 1 to 3 axes with a lowest and a highest node each; got "
                f"values of {d} axes, {len(self.low)} lowest, {len(self.high)} highest nodes and "
                f"{len(self.axes)} variables"
            )
        if min(self.values.shape) < 4 or not (np.asarray(self.high) > np.asarray(self.low)).all():
            raise ValueError(
                "each axis of a bias grid must have at least four nodes from low to high; got "
                f"{self.values.shape} from {list(self.low)} to {list(self.high)}"
            )

    @property
    def spacing(self) -> Floats:
        """Distance between nodes along each axis, (d,)."""
        n = np.array(self.values.shape) - 1
        return np.asarray((np.asarray(self.high) - np.asarray(self.low)) / n)

    def nodes(self) -> list[Floats]:
        """Nodes of each axis."""
        shape = self.values.shape
        return [np.linspace(a, b, n) for a, b, n in zip(self.low, self.high, shape, strict=True)]

    def __call__(self, s: ArrayLike) -> Floats:
        """Interpolated energy in eV of values (..., d) of the axes' variables."""
        points = np.asarray(s, dtype=np.float64)
        rows = np.ascontiguousarray(points.reshape(-1, points.shape[-1]))
        shape, flat = np.array(self.values.shape), np.ascontiguousarray(self.values).ravel()
        low, spacing, slope = np.asarray(self.low, dtype=np.float64), self.spacing, np.zeros(3)
        found = [interpolate(low, spacing, shape, flat, row, slope) for row in rows]
        return np.array(found).reshape(points.shape[:-1])


@dataclass(frozen=True, eq=False)
class Bias:
    """Sum of an optional restraint, an optional grid and walls on ``n_variables`` variables."""

    n_variables: int
    restraint: Restraint | None = None
    grid: Grid | None = None
    walls: Sequence[Wall] = ()
    tables: BiasTables = field(init=False, repr=False)

    def __post_init__(self) -> None:
        m = self.n_variables
        place = {"lower": np.full(m, -np.inf), "upper": np.full(m, np.inf)}
        stiffness = {"lower": np.zeros(m), "upper": np.zeros(m)}
        for wall in self.walls:
            if not 0 <= wall.variable < m:
                raise ValueError(
                    f"the variable of a wall must be one of the {m} that there are, from 0; got "
                    f"{wall.variable}"
                )
            place[wall.side][wall.variable] = wall.at
            stiffness[wall.side][wall.variable] = wall.stiffness
        r, g = self.restraint, self.grid
        tables = BiasTables(
            stiffness=np.zeros(m) if r is None else np.asarray(r.stiffness, dtype=np.float64),
            knot_steps=np.zeros(0, np.int64) if r is None else np.asarray(r.steps, dtype=np.int64),
            knots=np.zeros((0, m)) if r is None else np.ascontiguousarray(r.knots),
            axes=np.array([] if g is None else g.axes, dtype=np.int64),
            low=np.array([] if g is None else g.low, dtype=np.float64),
            spacing=np.array([] if g is None else g.spacing, dtype=np.float64),
            shape=np.array([] if g is None else g.values.shape, dtype=np.int64),
            values=np.zeros(0) if g is None else np.ascontiguousarray(g.values).ravel(),
            lower=place["lower"],
            upper=place["upper"],
            lower_stiffness=stiffness["lower"],
            upper_stiffness=stiffness["upper"],
        )
        object.__setattr__(self, "tables", tables)

    def energy(self, s: ArrayLike, step: int = 0) -> tuple[Floats, Floats]:
        """Energies (...) in eV and slopes (..., m) of values (..., m) after ``step`` steps."""
        points = np.asarray(s, dtype=np.float64)
        rows = np.ascontiguousarray(points.reshape(-1, self.n_variables))
        slopes = np.empty_like(rows)
        energies = [
            evaluate_bias(self.tables, row, step, slope)
            for row, slope in zip(rows, slopes, strict=True)
        ]
        return np.array(energies).reshape(points.shape[:-1]), slopes.reshape(points.shape)
