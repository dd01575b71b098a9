"""Series whose states follow a hidden slow variable, with known shares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import norm

__all__ = ["HiddenSeries"]


@dataclass(frozen=True)
class HiddenSeries:
    r"""Walkers in one of two states, by a hidden Gaussian variable h of known correlation time τ.

    .. math:: \langle h(t) h(t + s) \rangle = e^{-s / \tau}, \qquad
        P(A \mid h) = \Phi(c\, h - m), \qquad P(A) = \Phi\Big( \frac{-m}{\sqrt{1 + c^2}} \Big)

    With infinite coupling c the state is the sign of h - m, with P(A) = Φ(-m). With a small one
    each frame is nearly independent of the last, and the slow variable makes a few hundredths of
    the variance. Walkers start from the stationary distribution.

    Parameters
    ----------
    correlation_time
        Correlation time τ in frames; 0 for independent frames.
    coupling
        Coupling c of the state to the hidden variable.
    bias
        Threshold m, which sets the population.
    """

    correlation_time: float
    coupling: float = np.inf
    bias: float = 0.5

    @property
    def share(self) -> float:
        """Exact population P(A) of state A."""
        width = 1.0 if np.isinf(self.coupling) else float(np.sqrt(1.0 + self.coupling**2))
        return float(norm.cdf(-self.bias / width))

    def hidden(
        self, n_frames: int, n_walkers: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """h, (frame, walker)."""
        a = float(np.exp(-1.0 / self.correlation_time)) if self.correlation_time > 0 else 0.0
        kicks = rng.normal(size=(n_frames, n_walkers))
        kicks[1:] *= np.sqrt(1.0 - a * a)
        return np.asarray(lfilter([1.0], [1.0, -a], kicks, axis=0))

    def draw(self, n_frames: int, n_walkers: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Whether each frame is in state A, (frame, walker)."""
        h = self.hidden(n_frames, n_walkers, rng)
        if np.isinf(self.coupling):
            return np.asarray(h > self.bias)
        return np.asarray(rng.random(h.shape) < norm.cdf(self.coupling * h - self.bias))
