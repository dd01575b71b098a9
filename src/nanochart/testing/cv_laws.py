"""What every collective variable must obey."""

import pickle
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from nanochart.biasing import CV, CVs, FunctionCV, Record, variable_of
from nanochart.potentials import Potential
from nanochart.testing.potential_laws import random_rotation

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["CVLaws"]

Floats = NDArray[np.float64]


class CVLaws:
    """A suite for pytest: subclass it, name it ``Test...`` and set the attributes.

    ``variable`` is the one under test; ``potential`` that of the cluster; ``relaxed`` (atom, 3) in
    Å, a minimum, and ``liquid`` (atom, 3), a molten one; ``model`` where the variable needs one.
    ``step`` in Å and ``tolerance``, a share of the gradient, are those of finite differences,
    larger for what is computed in single precision; ``noise`` is what rounding changes of a value.
    """

    variable: ClassVar[CV]
    potential: ClassVar[Potential]
    relaxed: ClassVar[Floats]
    liquid: ClassVar[Floats]
    model: ClassVar["Model | None"] = None
    step: ClassVar[float] = 1e-4
    tolerance: ClassVar[float] = 1e-6
    noise: ClassVar[float] = 1e-9

    def _compiled(self) -> CVs:
        return CVs.compile([self.variable], self.potential, self.model)

    def _frames(self) -> Floats:
        """Thermal, strained and liquid."""
        x = self.relaxed - self.relaxed.mean(axis=0)
        shake = np.random.default_rng(0).normal(0.0, 0.1, x.shape)
        return np.stack([x + shake, 1.02 * x * [1.06, 1.0, 0.95] + 0.3 * shake, self.liquid])

    def test_gradient_is_the_finite_difference(self) -> None:
        cvs, h, rng = self._compiled(), self.step, np.random.default_rng(1)
        for x in self._frames():
            _, gradient = cvs.with_gradient(x, self.potential, [1.0])
            size = float(np.sqrt((gradient**2).sum()))
            assert size > 0.0
            for direction in (gradient / size, rng.normal(size=x.shape) / np.sqrt(x.size)):
                points = x + h * np.array([-2.0, -1.0, 1.0, 2.0])[:, None, None] * direction
                s = cvs.values(points, self.potential)[:, 0]
                found = (8.0 * (s[2] - s[1]) - (s[3] - s[0])) / (12.0 * h)
                assert abs(found - (gradient * direction).sum()) <= self.tolerance * size

    def test_translation_and_rotation_leave_the_value_and_turn_the_gradient(self) -> None:
        cvs, rotation = self._compiled(), random_rotation(2)
        for x in self._frames():
            value, gradient = cvs.with_gradient(x, self.potential, [1.0])
            moved, turned = cvs.with_gradient(
                x @ rotation.T + [3.0, -2.0, 5.0], self.potential, [1.0]
            )
            self._close(moved, value, turned, gradient @ rotation.T)
            total = np.abs(gradient).sum()
            np.testing.assert_allclose(gradient.sum(axis=0), 0.0, atol=self.tolerance * total)

    def test_permutation_of_like_atoms_leaves_the_value(self) -> None:
        cvs = self._compiled()
        order = np.random.default_rng(3).permutation(len(self.relaxed))
        for x in self._frames():
            value, gradient = cvs.with_gradient(x, self.potential, [1.0])
            shuffled, changed = cvs.with_gradient(x[order], self.potential, [1.0])
            self._close(shuffled, value, changed, gradient[order])

    def test_a_batch_equals_single_frames_to_the_bit(self) -> None:
        cvs, frames = self._compiled(), self._frames()
        values, gradients = cvs.with_gradient(frames[None], self.potential, [1.0])
        assert values.shape == (1, len(frames), 1)
        assert gradients.shape == (1, *frames.shape)
        for k, x in enumerate(frames):
            value, gradient = cvs.with_gradient(x, self.potential, [1.0])
            np.testing.assert_array_equal(value, values[0, k])
            np.testing.assert_array_equal(gradient, gradients[0, k])

    def test_the_input_is_left_unchanged(self) -> None:
        frames = self._frames()
        before = frames.copy()
        self._compiled().with_gradient(frames, self.potential, [1.0])
        np.testing.assert_array_equal(frames, before)

    def test_pickling_gives_equal_bits(self) -> None:
        cvs, x = self._compiled(), self._frames()
        again = pickle.loads(pickle.dumps(cvs))  # noqa: S301  our own
        np.testing.assert_array_equal(
            again.values(x, self.potential), cvs.values(x, self.potential)
        )

    def test_it_has_a_name_and_a_unit(self) -> None:
        assert self.variable.name.isidentifier()
        assert self.variable.unit
        assert self._compiled().names == (self.variable.name,)

    def test_its_record_gives_it_back(self) -> None:
        record = self.variable.to_record()
        again = variable_of(Record(dict(record.facts), record.reference))
        assert type(again) is type(self.variable)
        assert (again.name, again.unit) == (self.variable.name, self.variable.unit)
        if isinstance(again, FunctionCV):
            return  # no record holds a function
        x = self._frames()
        rebuilt = CVs.compile([again], self.potential, self.model)
        np.testing.assert_array_equal(
            rebuilt.values(x, self.potential), self._compiled().values(x, self.potential)
        )

    def _close(self, a: Floats, b: Floats, da: Floats, db: Floats) -> None:
        scale = self.noise * (1.0 + np.abs(b).max())
        np.testing.assert_allclose(a, b, rtol=0, atol=scale)
        limit = max(self.tolerance, 1e-8) * float(np.sqrt((db**2).sum()))
        assert float(np.sqrt(((da - db) ** 2).sum())) <= limit
