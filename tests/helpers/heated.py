"""Biased rungs on systems that are known exactly."""

from dataclasses import dataclass, replace

import numpy as np

from nanochart.biasing import (
    OPES,
    Bias,
    BiasedSamples,
    BiasedState,
    BiasingState,
    Grid,
    Heated,
    Metadynamics,
    Umbrella,
    Unbiased,
    heated_round,
)
from nanochart.compiled.random_numbers import seed_streams
from nanochart.dynamics import State
from nanochart.tempering import Ladder
from nanochart.testing import TwoBasins, WellMixture
from nanochart.units import BOLTZMANN


@dataclass(frozen=True)
class Tilted(Unbiased):
    """V = tilt * s, which never changes."""

    tilt: float = 0.0

    def bias(self, state, walker, n_variables):
        del state, walker
        nodes = np.linspace(-1.0, 2.0, 7)
        return Bias(n_variables, grid=Grid(nodes[:1], nodes[-1:], self.tilt * nodes, (0,)))


@dataclass(frozen=True)
class BiasedBasins:
    """`TwoBasins`, drawn anew under a bias of its one variable, the basin.

    Cold walkers keep their basin: the populations of both are brought to them by exchanges.
    """

    system: TwoBasins
    names = ("basin",)
    threads = False

    def start(self, temperatures, n_atoms=2, seed=0):
        n = len(temperatures)
        rng = np.random.default_rng(seed)
        x = np.zeros((n, n_atoms, 3))
        walkers = State(x, np.zeros_like(x), np.array(temperatures, float), seed_streams(rng, n),
                        np.zeros(n, dtype=np.int64))  # fmt: skip
        return BiasedState(walkers, np.zeros(n))

    def population(self, temperature, tilt, dimension):
        """Exact probability of basin 1 under a tilt."""
        beta = 1.0 / (BOLTZMANN * temperature)
        p = self.system.population(1, beta, dimension)
        return p * np.exp(-beta * tilt) / (1.0 - p + p * np.exp(-beta * tilt))

    def __call__(self, state, bias, n_steps, sample_every):
        V = bias.energy(np.array([[0.0], [1.0]]))[0]
        # A basin that is biased is one of another energy.
        lifted = replace(self.system, energies=tuple(np.array(self.system.energies) + V))
        walkers, seen = lifted(state.walkers, n_steps, sample_every)
        basins = np.array([[self.system.basin(x) for x in row] for row in seen.positions])
        own = seen.potential_energies - V[basins]
        samples = BiasedSamples(
            seen.positions, own, seen.kinetic_energies, basins[..., None].astype(float), V[basins],
            np.zeros_like(own),
        )  # fmt: skip
        return BiasedState(walkers, state.work), samples


#: Two wells along the first variable, with populations that depend on the second, whose barrier no
#: walker crosses at 300 K.
HIDDEN = WellMixture(
    ((-0.9, -1.2), (0.9, -1.2), (-0.9, 1.2), (0.9, 1.2)), (0.45, 0.05, 0.1, 0.4), sigma=0.25
)
HIDDEN_GAP = -HIDDEN.kT * np.log(0.45 / 0.55)


#: Centres of umbrella windows along the first variable.
CENTRES = (-1.2, -0.6, 0.0, 0.6, 1.2)


def method_along_x(kind, temperature):
    """A bias of the first variable alone."""
    return {
        "metadynamics": Metadynamics(temperature, 0.008, (0.15,), 8.0, (-2.1,), (2.1,)),
        "opes": OPES(temperature, 0.3, (0.15,), (-2.1,), (2.1,)),
        "plain dynamics": Unbiased(temperature),
        "umbrella": Umbrella(tuple((c, 0.0) for c in CENTRES), (0.3, 0.0)),
    }[kind]


def heated_on(surface, kind, temperatures, walkers=1, seed=0, every=1):
    """A ladder of biases, and the state that begins on it."""
    methods = tuple(method_along_x(kind, t) for t in temperatures)
    heated = Heated(Ladder(temperatures), methods, walkers, seed, every)
    method = heated.initialize(len(surface.names))
    start = surface.start(walkers * len(temperatures), seed)
    T = np.array(temperatures)[method.rungs]
    x = start.walkers.positions.copy()
    if kind == "umbrella":
        x[:, 0, 0] = np.array(CENTRES)[heated.windows]
    begun = BiasedState(replace(start.walkers, positions=x, temperatures=T), start.work)
    return heated, BiasingState(begun, method, 0)


def heated_rounds(state, segment, heated, n, steps=200, executor=None):
    """The state after some rounds, and what was observed, stacked by name."""
    seen = []
    for _ in range(n):
        state, observed = heated_round(state, segment, heated, steps, executor)
        seen.append(observed)
    names = ("values", "energies", "bias_energies", "temperatures", "rungs", "exchanged",
             "log_weights", "rung_log_weights", "kinetic_energies")  # fmt: skip
    return state, {name: np.stack([getattr(o, name) for o in seen]) for name in names}
