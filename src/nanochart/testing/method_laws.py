"""What every method of biasing must obey, on a surface whose populations are known."""

import copy
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from nanochart.biasing import (
    BiasedRound,
    BiasingState,
    Method,
    biased_round,
    method_facts,
    method_of,
)
from nanochart.testing.surfaces import WellMixture

__all__ = ["MethodLaws"]

Floats = NDArray[np.float64]


class MethodLaws:
    """A suite for pytest: subclass it, name it ``Test...`` and set the attributes.

    ``method`` is the one under test, ``surface`` what it is tested on, of which it biases all
    variables. ``weighs`` is False of a method whose frames have no weight of their own, as those
    of umbrella windows. Populations are those of ``rounds`` rounds, the first fifth left out, and
    must be right within ``sigmas`` standard errors, which come from the walkers.
    """

    method: ClassVar[Any]
    surface: ClassVar[WellMixture]
    weighs: ClassVar[bool] = True
    walkers: ClassVar[int] = 8
    rounds: ClassVar[int] = 1_500
    steps: ClassVar[int] = 200
    sigmas: ClassVar[float] = 4.0
    #: Largest standard error with which a population says anything.
    precise: ClassVar[float] = 0.06

    def _method(self) -> Method:
        method: Method = self.method
        return method

    def _begin(self) -> BiasingState:
        walkers = self.surface.start(self.walkers, seed=5)
        return BiasingState(walkers, self._method().initialize(len(self.surface.names)), 0)

    def _run(self, state: BiasingState, rounds: int) -> tuple[BiasingState, list[BiasedRound]]:
        seen = []
        for _ in range(rounds):
            state, observed = biased_round(state, self.surface, self._method(), self.steps)
            seen.append(observed)
        return state, seen

    def test_the_functions_are_pure(self) -> None:
        state, seen = self._run(self._begin(), 5)
        method, m = self._method(), len(self.surface.names)
        before = copy.deepcopy(state.method)
        values, energies = seen[-1].values.copy(), seen[-1].bias_energies.copy()
        first = method.update(state.method, values, energies)
        second = method.update(state.method, values, energies)
        _same(first, second)
        _same(state.method, before)
        np.testing.assert_array_equal(values, seen[-1].values)
        _same(method.initialize(m), method.initialize(m))
        for k in range(self.walkers):
            s = seen[-1].values[k]
            a, b = (method.bias(state.method, k, m).energy(s)[0] for _ in range(2))
            assert a == b

    def test_its_state_survives_the_arrays_of_a_checkpoint(self) -> None:
        state, _ = self._run(self._begin(), 5)
        kind = self.method.State
        assert type(state.method) is kind
        arrays = {name: np.asarray(v) for name, v in state.method._asdict().items()}
        again = kind(**{k: v if v.ndim else float(v) for k, v in arrays.items()})
        went_on, _ = self._run(state, 3)
        from_file, _ = self._run(replace(state, method=again), 3)
        _same(went_on.method, from_file.method)
        np.testing.assert_array_equal(
            went_on.walkers.walkers.positions, from_file.walkers.walkers.positions
        )

    def test_a_run_that_is_cut_gives_equal_bits(self) -> None:
        whole, seen = self._run(self._begin(), 8)
        half, first = self._run(self._begin(), 3)
        end, second = self._run(copy.deepcopy(half), 5)
        _same(whole.method, end.method)
        for a, b in zip(seen, [*first, *second], strict=True):
            np.testing.assert_array_equal(a.values, b.values)
            np.testing.assert_array_equal(a.log_weights, b.log_weights)

    def test_the_energy_of_a_walker_is_that_of_the_bias_at_its_values(self) -> None:
        state, method, m = self._begin(), self._method(), len(self.surface.names)
        for _ in range(6):
            after, seen = self._run(state, 1)
            for k in range(self.walkers):
                bias = method.bias(state.method, k, m)
                expected = bias.energy(seen[0].values[k], seen[0].steps)[0]
                np.testing.assert_allclose(seen[0].bias_energies[k], expected, rtol=1e-12)
            state = after

    def test_its_record_gives_it_back(self) -> None:
        again = method_of(method_facts(self.method))
        assert again == self.method

    def test_weights_give_the_populations(self) -> None:
        if not self.weighs:
            _, seen = self._run(self._begin(), 2)
            assert np.isnan(seen[-1].log_weights).all()
            return
        _, seen = self._run(self._begin(), self.rounds)
        kept = seen[self.rounds // 5 :]
        weights = np.stack([r.log_weights for r in kept])
        wells = self.surface.well(np.stack([r.values for r in kept]))
        for well, truth in enumerate(self.surface.populations):
            # Each walker's own share, with the walker's total weight.
            inside = logsumexp(np.where(wells == well, weights, -np.inf), axis=0)
            of_all = logsumexp(weights, axis=0)
            share = float(np.exp(logsumexp(inside) - logsumexp(of_all)))
            left_out = [
                float(np.exp(logsumexp(np.delete(inside, k)) - logsumexp(np.delete(of_all, k))))
                for k in range(self.walkers)
            ]
            n = self.walkers
            error = float(np.sqrt((n - 1) / n * ((np.array(left_out) - share) ** 2).sum()))
            assert error < self.precise
            assert abs(share - truth) <= self.sigmas * error + 0.01


def _same(a: Any, b: Any) -> None:
    """Two states of a method are equal to the bit."""
    assert type(a) is type(b)
    for name, value in a._asdict().items():
        np.testing.assert_array_equal(value, getattr(b, name))
