"""Calculators of other programs: what they must give, in batches, and what is said of bad ones."""

import numpy as np
import pytest
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT

import nanochart as nc
from nanochart.potentials import CalculatorRecipe, NotAtHand, called, from_record, to_record

GOLD = nc.potentials.gupta("Au")
X = nc.clusters.build("icosahedron", "Au", 13).positions
FRAMES = X + np.random.default_rng(0).normal(0.0, 0.1, (5, 13, 3))


class Gupta(Calculator):
    """Gupta's gold, in units of one's own, which fails where it is told to."""

    implemented_properties = ("energy", "forces")

    def __init__(self, energy_unit=1.0, length_unit=1.0, fails_after=None, error=None):
        super().__init__()
        self.units, self.calls = (energy_unit, length_unit), 0
        self.fails_after, self.error = fails_after, error

    def calculate(self, atoms=None, *arguments):
        super().calculate(atoms, *arguments)
        self.calls += 1
        if atoms.pbc.any():
            raise ValueError("this calculator has no periodic cells")
        energy, forces = GOLD.energy_forces(atoms.positions / self.units[1])
        if self.fails_after is not None and self.calls > self.fails_after:
            if self.error is not None:
                raise self.error
            energy = float("nan")
        self.results = {"energy": self.units[0] * energy,
                        "forces": self.units[0] / self.units[1] * forces}  # fmt: skip


class Batched(Gupta):
    """The same for many frames at once."""

    def __init__(self, shift=0.0):
        super().__init__()
        self.shift, self.sizes = shift, []

    def energies_forces_batch(self, numbers, positions):
        assert (numbers == 79).all()
        self.sizes.append(len(positions))
        energies, forces = GOLD.energy_forces(positions)
        return energies + self.shift, forces


def test_a_calculator_is_the_potential_that_it_computes():
    potential = nc.potentials.ase(Gupta(), "Au")
    nc.potentials.check_forces(potential, X)
    E, F = potential.energy_forces(FRAMES)
    np.testing.assert_allclose(E, GOLD.energy_forces(FRAMES)[0], rtol=1e-12)
    np.testing.assert_allclose(F, GOLD.energy_forces(FRAMES)[1], atol=1e-12)


def test_frames_are_handed_over_at_once_where_a_calculator_takes_them():
    calculator = Batched()
    potential = nc.potentials.ase(calculator, "Au")
    assert potential.batched
    calculator.calls, calculator.sizes = 0, []
    together = potential.energy_forces(FRAMES)
    np.testing.assert_array_equal(together[0], GOLD.energy_forces(FRAMES)[0])
    q = nc.minimization.quench(FRAMES, potential)
    assert calculator.calls == 0
    assert max(calculator.sizes) == 5
    assert len(calculator.sizes) < q.n_evaluations.sum() / 3
    alone = nc.minimization.quench(FRAMES[2], nc.potentials.ase(Gupta(), "Au"))
    np.testing.assert_allclose(q.positions[2], alone.positions, atol=1e-12)
    assert q.n_evaluations[2] == alone.n_evaluations


def test_a_batch_that_is_not_frame_by_frame_is_refused():
    with pytest.raises(ValueError, match=r"must give the numbers of single frames; its energies"):
        nc.potentials.ase(Batched(shift=0.1), "Au")


@pytest.mark.parametrize(
    ("energy", "length"),
    [(23.06, 1.0), (1 / 27.2114, 1.0), (1 / 13.6057, 1.0), (96.485, 1.0), (1000.0, 1.0)],
)
def test_units_that_no_metal_has_are_refused(energy, length):
    potential = nc.potentials.ase(Gupta(energy, length), "Au")
    with pytest.raises(ValueError, match=r"Gupta must be in eV and Å: .* 0.45 and 45 eV/Å²; got"):
        nc.potentials.check_forces(potential, FRAMES[0])


@pytest.mark.parametrize("metal", ["Au", "Ag", "Cu"])
@pytest.mark.parametrize("width", [0.0, 0.15, 0.3])
def test_clusters_cold_and_hot_pass_the_look_at_units(metal, width):
    emt = nc.potentials.ase(EMT(), metal)
    x = nc.clusters.build("octahedron", metal, 38).positions
    nc.potentials.check_forces(emt, x + width * np.random.default_rng(2).normal(size=x.shape))


def test_an_exception_names_the_calculator():
    broken = Gupta(fails_after=1, error=RuntimeError("the server went away"))
    potential = nc.potentials.ase(broken, "Au")
    with pytest.raises(
        nc.errors.PotentialError,
        match=r"calculator Gupta failed \(RuntimeError: the server went away\)",
    ):
        nc.minimization.quench(FRAMES, potential)  # fmt: skip


def test_a_quench_that_meets_nan_alone_stops():
    potential = nc.potentials.ase(Gupta(fails_after=6), "Au")
    with pytest.raises(ValueError, match="energies and forces of Gupta must be finite; got NaN"):
        nc.minimization.quench(FRAMES[0], potential)


def test_a_calculator_of_cells_gets_a_box_and_one_of_free_clusters_none():
    class Periodic(EMT):
        def calculate(self, atoms=None, *arguments):
            if not atoms.cell.any():
                raise ValueError("a lattice needs a cell")
            self.box = atoms.cell.lengths()
            super().calculate(atoms, *arguments)

    with pytest.raises(
        nc.errors.PotentialError, match=r"needs a cell\): if it needs a periodic bo"
    ):
        nc.potentials.ase(Periodic(), "Au")
    with pytest.raises(nc.errors.PotentialError, match=r"Gupta failed .* has no periodic cells"):
        nc.potentials.ase(Gupta(), "Au", vacuum=12.0)
    boxed = nc.potentials.ase(Periodic(), "Au", vacuum=12.0)
    E, F = boxed.energy_forces(X)
    np.testing.assert_allclose(boxed.calculator.box, np.ptp(X, axis=0) + 12.0)
    free = nc.potentials.ase(EMT(), "Au").energy_forces(X)
    np.testing.assert_allclose(E, free[0], atol=1e-9)
    np.testing.assert_allclose(F, free[1], atol=1e-9)
    with pytest.raises(ValueError, match="the vacuum of a box must be above 0 Å; got -1"):
        nc.potentials.ase(EMT(), "Au", vacuum=-1.0)


# -- import paths ---------------------------------------------------------------------------------


def test_an_import_path_is_called_with_its_arguments():
    potential = called(CalculatorRecipe("ase.calculators.emt:EMT", {"asap_cutoff": True}), "Au")
    assert (potential.name, potential.calculator.parameters.asap_cutoff) == ("EMT", True)
    header, arrays = to_record(potential)
    assert header["code"]["ase"] == "ase.calculators.emt:EMT"
    again = from_record(header, arrays)
    assert isinstance(again, NotAtHand)
    assert nc.potentials.is_described_by(potential, header)
    other = called(CalculatorRecipe("ase.calculators.emt:EMT"), "Au")
    assert not nc.potentials.is_described_by(other, header)
    assert nc.potentials.is_described_by(nc.potentials.ase(potential.calculator, "Au"), header)


@pytest.mark.parametrize(
    ("path", "arguments", "message"),
    [
        ("EMT", {}, "must be module:factory, as ase.calculators.emt:EMT; got 'EMT'"),
        ("os; import this:EMT", {}, "must be module:factory"),
        ("no_such_module:EMT", {}, "cannot be imported .*PYTHONPATH"),
        ("ase.calculators.emt:EMTT", {}, "cannot be imported .*EMTT"),
        ("ase.calculators.emt:EMT", {"a": {1, 2}}, "must be numbers, words, lists and mappings"),
        ("ase.calculators.lj:LennardJones", {"rc": "x"}, "failed when it was called with"),
        ("builtins:dict", {}, "must give an ASE calculator: .* got dict"),
    ],
)
def test_paths_that_give_no_calculator_are_refused(path, arguments, message):
    with pytest.raises(nc.errors.ConfigError, match=message):
        called(CalculatorRecipe(path, arguments), "Au")


def test_a_stored_path_is_read_and_never_imported():
    potential = called(CalculatorRecipe("ase.calculators.emt:EMT"), "Au")
    header, arrays = to_record(potential)
    header["code"] = {**header["code"], "ase": "antigravity:fly"}
    found = from_record(header, arrays)
    with pytest.raises(
        nc.errors.ConfigError, match=r"antigravity:fly, which is not called because"
    ):
        found.energy_forces(X)
    import sys

    assert "antigravity" not in sys.modules
    header["code"]["ase"] = "not a path"
    with pytest.raises(nc.errors.ConfigError, match="must be module:factory"):
        from_record(header, arrays)
