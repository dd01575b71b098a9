"""What every engine of molecular dynamics must obey."""

import copy
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nanochart.dynamics import Langevin, State, initialize, join, run_segment
from nanochart.potentials import Potential
from nanochart.units import AMU, BOLTZMANN

__all__ = ["SegmentLaws"]

Floats = NDArray[np.float64]


class SegmentLaws:
    """A suite for pytest: subclass it, name it ``Test...`` and set the attributes.

    ``potential`` is what the engine computes with, ``start`` (atom, 3) in Å a minimum of it. An
    engine of another kind overrides ``advance``. ``exact`` is False where a batch does not give
    the bits of its replicas alone.
    """

    potential: ClassVar[Potential]
    start: ClassVar[Floats]
    exact: ClassVar[bool] = True
    temperature: ClassVar[float] = 300.0
    time_step: ClassVar[float] = 2.0

    def advance(
        self, state: State, config: Langevin, n_steps: int, sample_every: int
    ) -> tuple[State, Any]:
        """The segment under test."""
        return run_segment(state, self.potential, config, n_steps, sample_every)

    def _begin(self, n: int = 3, seed: int = 0) -> State:
        return initialize(self.start, self.potential, np.full(n, self.temperature), seed)

    def _config(self, **changes: Any) -> Langevin:
        return replace(Langevin(time_step=self.time_step, friction=5e-3), **changes)

    def test_a_segment_is_pure(self) -> None:
        state, config = self._begin(), self._config()
        before = copy.deepcopy(state)
        first, seen = self.advance(state, config, 20, 10)
        second, again = self.advance(state, config, 20, 10)
        _same(state, before)
        _same(first, second)
        np.testing.assert_array_equal(seen.positions, again.positions)

    def test_cuts_anywhere_give_equal_bits(self) -> None:
        state, config = self._begin(), self._config()
        whole, _ = self.advance(state, config, 30, 10)
        for cut in (1, 7, 29):
            half, _ = self.advance(state, config, cut, 0)
            end, _ = self.advance(half, config, 30 - cut, 0)
            _same(end, whole)

    def test_replicas_do_not_know_of_one_another(self) -> None:
        state, config = self._begin(), self._config()
        together, _ = self.advance(state, config, 20, 0)
        alone = join([self.advance(state[k], config, 20, 0)[0] for k in range(len(state))])
        if self.exact:
            _same(together, alone)
        else:
            np.testing.assert_allclose(together.positions, alone.positions, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(together.random, alone.random)

    def test_samples_are_what_the_state_was(self) -> None:
        state, config = self._begin(), self._config()
        after, seen = self.advance(state, config, 20, 20)
        np.testing.assert_array_equal(seen.positions[-1], after.positions)
        energies, forces = self.potential.energy_forces(after.positions)
        inertia = self.potential.mass * AMU
        half_kick = 0.5 * config.time_step / inertia * forces
        mid_step = after.velocities - half_kick
        kinetic = 0.5 * inertia * (mid_step**2).sum(axis=(1, 2))
        np.testing.assert_allclose(seen.kinetic_energies[-1], kinetic, rtol=1e-10)
        np.testing.assert_allclose(seen.potential_energies[-1], energies, rtol=1e-10)

    def test_without_friction_time_runs_backward(self) -> None:
        state, config = self._begin(1), self._config(friction=0.0)
        there, _ = self.advance(state, config, 40, 0)
        back, _ = self.advance(replace(there, velocities=-there.velocities), config, 40, 0)
        np.testing.assert_allclose(back.positions, state.positions, rtol=0, atol=1e-9)
        np.testing.assert_allclose(-back.velocities, state.velocities, rtol=0, atol=1e-9)

    def test_energy_is_shared_by_equipartition(self) -> None:
        """In equilibrium the mean kinetic energy is 3N/2 kT, within four standard errors."""
        n = 8
        state, config = self._begin(n), self._config(friction=0.02)
        state, _ = self.advance(state, config, 400, 0)
        _, seen = self.advance(state, config, 1_000, 10)
        share = seen.kinetic_energies / (1.5 * len(self.start) * BOLTZMANN * self.temperature)
        by_walker = share.mean(axis=0)
        error = float(by_walker.std(ddof=1)) / np.sqrt(n)
        # In the middle of steps the splitting errs by no more than O(Δt⁴).
        assert abs(float(by_walker.mean()) - 1.0) <= 4.0 * error + 0.002


def _same(a: State, b: State) -> None:
    for name in ("positions", "velocities", "temperatures", "random", "steps"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
