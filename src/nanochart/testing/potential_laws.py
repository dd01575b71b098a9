"""What every potential must obey."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nanochart.potentials import EmbeddedAtom, Potential

__all__ = ["EmbeddedAtomLaws", "PotentialLaws"]


class PotentialLaws:
    """Laws of a potential, as a suite for pytest.

    Subclass it, name the class ``Test...`` and set the attributes: ``potential`` is the
    potential under test, compiled or not; ``positions`` (atom, 3) in Å are those of a cluster away
    from any minimum, so that no force vanishes by symmetry; ``exact`` is False of a potential that
    does not give the same bits for a frame alone and in a batch.
    """

    exact: ClassVar[bool] = True

    potential: ClassVar[Potential]
    positions: ClassVar[NDArray[np.float64]]

    def _energy(self, positions: ArrayLike) -> NDArray[np.float64]:
        return np.asarray(self.potential.energy_forces(np.asarray(positions, dtype=np.float64))[0])

    def test_forces_are_minus_the_gradient_for_every_atom(self) -> None:
        x, h = self.positions, 1e-4
        _, forces = self.potential.energy_forces(x)
        shifts = np.zeros((x.size, *x.shape))
        shifts.reshape(x.size, x.size)[np.arange(x.size), np.arange(x.size)] = h
        # Fourth-order central differences: the error is far below the tolerance.
        one = self._energy(x + shifts) - self._energy(x - shifts)
        two = self._energy(x + 2 * shifts) - self._energy(x - 2 * shifts)
        gradient = ((8.0 * one - two) / (12.0 * h)).reshape(x.shape)
        np.testing.assert_allclose(forces, -gradient, rtol=0, atol=2e-7 * np.abs(forces).max())

    def test_translation_leaves_energy_and_forces(self) -> None:
        energy, forces = self.potential.energy_forces(self.positions)
        moved_energy, moved = self.potential.energy_forces(
            self.positions + np.array([7.0, -3.0, 11.0])
        )
        np.testing.assert_allclose(moved_energy, energy, rtol=1e-12)
        np.testing.assert_allclose(moved, forces, atol=1e-9 * np.abs(forces).max())
        np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-10 * np.abs(forces).sum())

    def test_rotation_turns_the_forces(self) -> None:
        rotation = random_rotation(3)
        energy, forces = self.potential.energy_forces(self.positions)
        turned_energy, turned = self.potential.energy_forces(self.positions @ rotation.T)
        np.testing.assert_allclose(turned_energy, energy, rtol=1e-12)
        np.testing.assert_allclose(turned, forces @ rotation.T, atol=1e-9 * np.abs(forces).max())
        torque = np.cross(self.positions, forces).sum(axis=0)
        np.testing.assert_allclose(torque, 0.0, atol=1e-9 * np.abs(forces).sum())

    def test_permutation_permutes_the_forces(self) -> None:
        order = np.random.default_rng(5).permutation(len(self.positions))
        energy, forces = self.potential.energy_forces(self.positions)
        shuffled_energy, shuffled = self.potential.energy_forces(self.positions[order])
        np.testing.assert_allclose(shuffled_energy, energy, rtol=1e-12)
        np.testing.assert_allclose(shuffled, forces[order], atol=1e-9 * np.abs(forces).max())

    def test_separated_clusters_add(self) -> None:
        # Where nothing is cut off, what is left at 200 distances falls as their sixth power.
        far = 200.0 * self.potential.nearest_neighbour
        extent = np.ptp(self.positions[:, 0]) + getattr(self.potential, "cutoff", far) + 0.1
        both = np.concatenate([self.positions, self.positions + np.array([extent, 0.0, 0.0])])
        energy, forces = self.potential.energy_forces(self.positions)
        both_energy, both_forces = self.potential.energy_forces(both)
        np.testing.assert_allclose(both_energy, 2.0 * energy, rtol=1e-12)
        np.testing.assert_allclose(
            both_forces, np.concatenate([forces, forces]), atol=1e-9 * np.abs(forces).max()
        )

    def test_a_dimer_is_smooth_from_contact_to_separation(self) -> None:
        """Wherever two distances are close, so are the energies, by their forces."""
        d = self.potential.nearest_neighbour * np.linspace(0.8, 3.0, 2_000)
        pairs = np.zeros((len(d), 2, 3))
        pairs[:, 1, 0] = d
        energies, forces = self.potential.energy_forces(pairs)
        mean = 0.5 * (forces[1:, 1, 0] + forces[:-1, 1, 0])
        np.testing.assert_allclose(
            np.diff(energies), -mean * np.diff(d), rtol=0, atol=1e-4 * np.abs(energies).max()
        )

    def test_a_batch_equals_single_frames(self) -> None:
        noise = np.random.default_rng(2).normal(0.0, 0.05, (2, 3, *self.positions.shape))
        batch = self.positions + noise
        energies, forces = self.potential.energy_forces(batch)
        assert energies.shape == (2, 3)
        assert forces.shape == batch.shape
        for index in np.ndindex(2, 3):
            energy, force = self.potential.energy_forces(batch[index])
            if self.exact:
                assert energy == energies[index]
                np.testing.assert_array_equal(force, forces[index])
            else:
                np.testing.assert_allclose(energy, energies[index], rtol=1e-12)
                np.testing.assert_allclose(force, forces[index], rtol=0, atol=1e-9)

    def test_the_input_is_left_unchanged(self) -> None:
        before = self.positions.copy()
        self.potential.energy_forces(self.positions)
        np.testing.assert_array_equal(self.positions, before)


class EmbeddedAtomLaws(PotentialLaws):
    """Those of the compiled potentials: a cut-off, and shares of the atoms."""

    potential: ClassVar[EmbeddedAtom]

    def test_energy_and_force_vanish_smoothly_at_the_cutoff(self) -> None:
        cutoff = self.potential.cutoff
        distances = cutoff - np.array([0.0, 1e-6, 1e-4])
        pairs = np.zeros((3, 2, 3))
        pairs[:, 1, 0] = distances
        apart = self._energy([[0.0, 0.0, 0.0], [cutoff + 1.0, 0.0, 0.0]])
        energies, forces = self.potential.energy_forces(pairs)
        np.testing.assert_allclose(energies - apart, 0.0, atol=1e-6)
        np.testing.assert_allclose(forces, 0.0, atol=1e-5)

    def test_an_isolated_atom_and_an_evaporated_dimer_are_finite(self) -> None:
        cutoff = self.potential.cutoff
        alone = np.zeros((1, 3))
        _, force = self.potential.energy_forces(alone)
        np.testing.assert_array_equal(force, 0.0)
        for gap in (1e-12, 1e-9, 1e-6, 1e-3, 0.1):
            far = np.concatenate([self.positions, [[0.0, 0.0, 0.0]]])
            far[-1] = self.positions.max(axis=0) + cutoff - gap
            energy, forces = self.potential.energy_forces(far)
            assert np.isfinite(energy)
            assert np.isfinite(forces).all()
            pair = [[0.0, 0.0, 0.0], [cutoff - gap, 0.0, 0.0]]
            energy, forces = self.potential.energy_forces(pair)
            assert np.isfinite(energy)
            assert np.isfinite(forces).all()

    def test_atom_energies_add_up(self) -> None:
        energy = self._energy(self.positions)
        shares = self.potential.atom_energies(self.positions)
        assert shares.shape == (len(self.positions),)
        np.testing.assert_allclose(shares.sum(), energy, rtol=1e-12)


def random_rotation(seed: int) -> NDArray[np.float64]:
    """A proper rotation matrix (3, 3)."""
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(matrix * np.sign(np.linalg.det(matrix)), dtype=np.float64)
