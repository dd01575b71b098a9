"""Free-energy surfaces on a grid, with errors of chance and of smoothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.free_energy.density import Density, resolved_density
from nanochart.shown import short_repr
from nanochart.statistics import Blocks, Estimate, Weighted, statistical_inefficiency
from nanochart.units import BOLTZMANN

__all__ = ["Surface", "free_energy_surface"]

Floats = NDArray[np.float64]

#: Numbers that hold what each block says of each node, at most: 200 MB; and blocks of a grid whose
#: nodes are many, where blocks of one group are taken together.
_MOST_NUMBERS, _MOST_BLOCKS = 50_000_000, 160
#: Blocks of equal weight that what is known of a node must be worth.
_FEWEST_BLOCKS = 5.0
#: Share of the weight at places that are known, below which a surface is that of a few places.
_LEAST_KNOWN = 0.5


@short_repr
@dataclass(frozen=True, eq=False)
class Surface:
    r"""A free energy on a regular grid in 1 to 3 dimensions.

    Attributes
    ----------
    axes
        Nodes of each axis, in the units of the variables.
    energy
        F in eV above its minimum; NaN where nothing was seen.
    smoothed
        Free energy with twice the bandwidth, zero at the same node. A kernel of width h shifts F by
        a term in h², so that the difference of the two is three times what is left of it.
    error
        Standard error in eV of F minus F at the minimum (zero there): chance, by blocks, and the
        difference to ``smoothed``, as the root of the sum of their squares. NaN where only a few
        blocks know the node, and everywhere if the samples do not suffice.
    temperature
        Temperature in K.
    bandwidth
        Bandwidth of the kernel along each axis, in the units of the variables.
    effective
        Effective samples: those of equal weight that the weights are worth (Kish).
    blocks
        Blocks of the run that the errors of chance come from.
    influence
        Change of ln P with each block, (block, seen node).
    minimum
        Node of the lowest free energy among those that enough samples are near; F is zero there.
        A node that a few samples happen to be near may lie below it, without an error.
    why
        Why errors are not known; empty where they are.
    gauge_invariant
        Whether the surface is the geometric free energy.
    """

    axes: tuple[Floats, ...]
    energy: Floats
    smoothed: Floats
    error: Floats
    temperature: float
    bandwidth: tuple[float, ...]
    effective: float
    blocks: Blocks
    influence: NDArray[np.float32]
    minimum: tuple[int, ...]
    why: str = ""
    gauge_invariant: bool = False

    @property
    def dimension(self) -> int:
        """Number of variables."""
        return len(self.axes)

    @property
    def stated(self) -> Floats:
        """F in eV where its error is known, NaN elsewhere: what may be quoted."""
        known = np.isfinite(self.error) & (not self.why)
        return np.where(known, self.energy, np.nan)

    def node(self, place: ArrayLike) -> tuple[int, ...]:
        """The seen node nearest to a place (d,)."""
        s = np.asarray(place, dtype=np.float64)
        steps = np.array([axis[1] - axis[0] for axis in self.axes])
        low = np.array([axis[0] for axis in self.axes])
        seen = np.argwhere(np.isfinite(self.energy))
        away = (((seen * steps + low - s) / steps) ** 2).sum(axis=1)
        return tuple(int(k) for k in seen[int(away.argmin())])

    def difference(self, start: tuple[int, ...], end: tuple[int, ...]) -> Estimate:
        """F at the node ``end`` less that at ``start``, in eV, with both kinds of error."""
        value = float(self.energy[end] - self.energy[start])
        if self.why or not (np.isfinite(self.error[start]) and np.isfinite(self.error[end])):
            return Estimate.unknown(value, self.why or "few blocks know one of the two places")
        number = np.full(self.energy.shape, -1)
        number[np.isfinite(self.energy)] = np.arange(self.influence.shape[1])
        kT = BOLTZMANN * self.temperature
        change = self.influence[:, number[end]] - self.influence[:, number[start]]
        variance, freedom = self.blocks.spread(change)
        smoothing = value - float(self.smoothed[end] - self.smoothed[start])
        error = np.hypot(kT * np.sqrt(variance), smoothing)
        return Estimate.of(value, error, freedom, known=True)


def free_energy_surface(
    values: ArrayLike,
    weighted: Weighted,
    temperature: float,
    *,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    shape: int | Sequence[int] | None = None,
    bandwidth: Sequence[float] | None = None,
    log_gram: ArrayLike | None = None,
    slow: ArrayLike | None = None,
) -> Surface:
    r"""Free energy :math:`F(s) = -k_B T \ln P(s)` from weighted samples, with errors.

    P is a kernel density on a grid: the weighted histogram, smoothed by a Gaussian. Its width
    follows from the data: it is halved, and the grid made finer, until the free energy changes by
    less than 2.5 errors of chance or 0.2 kT, so that the narrowest basin decides. What is left of
    the change is part of the error.

    With ``log_gram`` it is the geometric free energy

    .. math:: F_G(s) = -k_B T \ln \big\langle \delta(s(x) - s) \sqrt{\det J J^T} \big\rangle ,
        \qquad J = \partial s / \partial x ,

    which a smooth reparametrization of s leaves as it is, so that two trainings of a chart can
    agree on it (Hartmann, Latorre, Ciccotti, Eur. Phys. J. Spec. Top. 200, 73 (2011); Dietrich,
    Salvalaglio, J. Chem. Phys. 163 (2025)); F itself changes by the Jacobian.

    Parameters
    ----------
    values
        Variables of the samples, (time, walker, d), d = 1 to 3.
    weighted
        Weights of the samples.
    temperature
        Temperature in K.
    low, high
        Ends of the grid; by default those of the samples with a margin.
    shape
        Number of nodes of each axis; by default as many as the narrowest basin asks for.
    bandwidth
        Bandwidth of the kernel, (d,); by default that of the narrowest basin, or 1.2 nodes of a
        given ``shape``.
    log_gram
        Value of ½ ln det J J^T of each sample, (time, walker); None for the plain surface.
    slow
        Memberships that may be slower than the variables tell, (time, walker, state).

    Raises
    ------
    ValueError
        If shapes do not fit, or nothing has a weight.
    """
    s = np.asarray(values, dtype=np.float64)
    if s.ndim != 3 or not 1 <= s.shape[2] <= 3 or weighted.log_weights.shape != s.shape[:2]:
        raise ValueError(
            "a surface needs values (time, walker, 1 to 3 variables) and log-weights (time, "
            f"walker); got {s.shape} and {weighted.log_weights.shape}"
        )
    if not temperature > 0:
        raise ValueError(f"the temperature of a surface must be above 0 K; got {temperature!r}")
    d = s.shape[2]
    if bandwidth is not None and (len(bandwidth) != d or not all(b > 0 for b in bandwidth)):
        raise ValueError(
            f"the bandwidth must have {d} positive numbers, one for each variable; got {bandwidth}"
        )
    used = weighted if log_gram is None else weighted.tilted(log_gram)
    weights = used.weights
    first, last = _ends(s, weights, low, high)
    blocks = _long_blocks(used, s, slow)
    density = resolved_density(
        s, weights, first, last, shape=shape, bandwidth=bandwidth,
        inefficiency=max(statistical_inefficiency(s[..., a]) for a in range(d)),
    )  # fmt: skip
    kT = BOLTZMANN * temperature
    energy, smoothed = density.energies()
    few, influence, worth = _influence(used, weights, blocks, density)
    why = blocks.why
    error = np.full(energy.shape, np.nan)
    if not why:
        best = int(np.ravel_multi_index(density.best, density.shape))
        at = int(np.flatnonzero(np.flatnonzero(density.seen.ravel()) == best)[0])
        variance, _ = few.spread(influence - influence[:, at : at + 1])
        change = (energy - smoothed)[density.seen]
        found = kT * np.hypot(np.sqrt(variance), change)
        error[density.seen] = np.where(worth >= _FEWEST_BLOCKS, found, np.nan)
        if not np.isfinite(error).any():
            why = (
                f"no place was seen in {_FEWEST_BLOCKS:.0f} blocks or more: run longer, or take "
                "fewer variables"
            )
        elif (known := _share_of_weight(energy, error)) < _LEAST_KNOWN:
            why = (
                f"the places that were seen in {_FEWEST_BLOCKS:.0f} blocks or more hold "
                f"{known:.1%} of the weight: run longer, or take fewer variables"
            )
    return Surface(
        density.axes, kT * energy, kT * smoothed, error, temperature, density.bandwidth,
        used.effective, few, influence, density.best, why, log_gram is not None,
    )  # fmt: skip


def _share_of_weight(energy: Floats, error: Floats) -> float:
    """Share of the probability that lies at nodes with an error; ``energy`` is in kT."""
    seen = np.isfinite(energy)
    weight = np.exp(np.nanmin(energy) - np.where(seen, energy, np.inf))
    return float(weight[np.isfinite(error)].sum() / weight.sum())


def _long_blocks(weighted: Weighted, s: Floats, slow: ArrayLike | None) -> Blocks:
    """Blocks for what is slowest: the variables, or the states."""
    columns = [s]
    if slow is not None:
        columns.append(np.asarray(slow, dtype=np.float64))
    series = np.concatenate(columns, axis=2)
    w = weighted.weights[..., None]
    mean = (w * series).sum(axis=(0, 1))
    moving = (w * np.abs(series - mean)).sum(axis=(0, 1)) > 1e-9
    influence = w * (series - mean)[..., moving] if moving.any() else 0.0 * w
    return weighted.blocks(influence).decisive(influence)


def _influence(
    weighted: Weighted, weights: Floats, blocks: Blocks, density: Density
) -> tuple[Blocks, NDArray[np.float32], Floats]:
    """Blocks, what each does to ln P at the seen nodes (block, node), and how many know a node."""
    n_seen = int(density.seen.sum())
    few = blocks.merged(min(_MOST_BLOCKS, max(16, _MOST_NUMBERS // n_seen)))
    p = density.values[density.seen]
    influence = np.empty((few.n, n_seen), dtype=np.float32)
    squares, owner = np.zeros(n_seen), few.of_samples
    for b in range(few.n):
        share = density.of(weights, owner == b)[density.seen] / p
        influence[b] = share
        squares += share**2
    worth = 1.0 / squares
    mixture = weighted.mixture
    if mixture is not None:
        flat = owner.ravel()
        shape = weights.shape
        for k in range(mixture.shares.shape[1]):
            slope = np.zeros(mixture.shares.shape[1])
            slope[k] = 1.0
            shift = np.bincount(flat, mixture.answers(slope), few.n)
            response = density.of(weights * mixture.shares[:, k].reshape(shape))[density.seen] / p
            influence -= np.multiply.outer(shift, response).astype(np.float32)
    return few, influence, worth


def _ends(
    s: Floats, weights: Floats, low: Sequence[float] | None, high: Sequence[float] | None
) -> tuple[Floats, Floats]:
    d = s.shape[2]
    known = s[weights > 0]
    margin = 0.06 * np.ptp(known, axis=0)
    a = known.min(axis=0) - margin if low is None else np.asarray(low, dtype=np.float64)
    b = known.max(axis=0) + margin if high is None else np.asarray(high, dtype=np.float64)
    if len(a) != d or len(b) != d or not (b > a).all():
        raise ValueError(
            f"the grid needs low below high for each of the {d} variables; got {list(a)} and "
            f"{list(b)}"
        )
    return a, b
