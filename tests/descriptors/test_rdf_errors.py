"""What the radial distribution function refuses, and with which words."""

import dataclasses

import ase
import numpy as np
import pytest

from nanochart.descriptors import RDF


def dimer(length):
    return np.array([[0.0, 0.0, 0.0], [length, 0.0, 0.0]])


def test_a_distance_above_the_grid_names_the_needed_r_max():
    with pytest.raises(ValueError, match=r"largest one is 21\.234 Å .* choose r_max >= 21\.3"):
        RDF()(dimer(21.234))


def test_the_named_r_max_is_enough():
    rdf = RDF(2.0, 21.3, 386)
    assert rdf(dimer(21.234)).sum() > 0


def test_a_distance_below_the_grid_names_the_needed_r_min():
    with pytest.raises(ValueError, match=r"smallest one is 1\.870 Å .* choose r_min <= 1\.8"):
        RDF()(dimer(1.87))


@pytest.mark.parametrize("sigma", [0.2, 0.001])
@pytest.mark.parametrize("length", [1.999999, 19.000001])
def test_the_edges_are_sharp_for_value_and_gradient(length, sigma):
    rdf = RDF(sigma=sigma)
    with pytest.raises(ValueError, match="must lie within the RDF grid"):
        rdf(dimer(length))
    with pytest.raises(ValueError, match="must lie within the RDF grid"):
        rdf.vjp(dimer(length), np.ones(340))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_sentence_names_frame_and_atoms_of_the_worst_pair(threads):
    frames = np.stack([dimer(3.0)] * 200)
    frames[71, 1, 0] = 19.5
    frames[150, 1, 0] = 25.0
    with pytest.raises(ValueError, match=r"25\.000 Å \(atoms 0 and 1 of frame 150\)"):
        RDF()(frames, threads=threads)


def test_atoms_on_top_of_each_other():
    with pytest.raises(ValueError, match=r"atoms 0 and 1 are 0\.000 Å apart"):
        RDF()(dimer(0.0))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_coordinates_that_are_not_finite(value):
    positions = dimer(3.0)
    positions[1, 2] = value
    with pytest.raises(ValueError, match=r"finite numbers in Å; got -?(nan|inf) at index \(1, 2\)"):
        RDF()(positions)


@pytest.mark.parametrize("shape", [(3,), (5, 2), (5, 3, 4)])
def test_wrong_shape(shape):
    with pytest.raises(ValueError, match=r"must have the shape \(\.\.\., atom, 3\); got"):
        RDF()(np.ones(shape))


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_atoms(n):
    with pytest.raises(ValueError, match=f"at least 2 atoms.*got {n}"):
        RDF()(np.ones((4, n, 3)))


@pytest.mark.parametrize("positions", [ase.Atoms("Au2", dimer(3.0)), "Au", dimer(3.0) + 0j])
def test_positions_that_are_not_real_numbers(positions):
    with pytest.raises(TypeError, match="positions must be an array of real numbers"):
        RDF()(positions)


@pytest.mark.parametrize("shape", [(340,), (2, 339), (3, 340), (1, 2, 340)])
def test_a_cotangent_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"cotangent must have the shape \(2, 340\)"):
        RDF().vjp(np.stack([dimer(3.0)] * 2), np.ones(shape))


def test_a_cotangent_that_is_not_real():
    with pytest.raises(TypeError, match="cotangent must be an array of real numbers"):
        RDF().vjp(dimer(3.0), np.ones(340) * 1j)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_a_number_of_threads_that_is_not_one(threads):
    with pytest.raises(ValueError, match="threads must be a whole number of at least 1, or None"):
        RDF()(dimer(3.0), threads=threads)


@pytest.mark.parametrize("name", ["r_min", "r_max", "sigma"])
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_lengths_that_are_not_positive(name, value):
    with pytest.raises(ValueError, match=f"{name} of an RDF must be positive and finite"):
        RDF(**{name: value})


@pytest.mark.parametrize("name", ["r_min", "r_max", "sigma"])
@pytest.mark.parametrize("value", ["2", None, True])
def test_lengths_that_are_not_numbers(name, value):
    with pytest.raises(TypeError, match=f"{name} of an RDF must be a number in Å"):
        RDF(**{name: value})


@pytest.mark.parametrize("value", [0, -3, 10**9])
def test_no_bins_or_too_many(value):
    with pytest.raises(ValueError, match="n_bins of an RDF must be 1 to 100,000; got"):
        RDF(n_bins=value)


@pytest.mark.parametrize("value", [340.0, "340", True])
def test_a_number_of_bins_that_is_not_whole(value):
    with pytest.raises(TypeError, match="n_bins of an RDF must be a whole number"):
        RDF(n_bins=value)


@pytest.mark.parametrize("change", [{"sigma": 2e6}, {"sigma": 1e-320}, {"r_max": 1e300}])
def test_tables_that_no_memory_holds(change):
    with pytest.raises(ValueError, match=r"sigma of an RDF must be 1e-06 Å to 10,000 widths of a"):
        RDF(**change)


def test_an_empty_range():
    with pytest.raises(ValueError, match="r_max of an RDF must be above r_min"):
        RDF(r_min=5.0, r_max=5.0)


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError, match="sigma"):
        RDF().sigma = 0.1


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"r_min": 2.0, "r_max": 19.0, "n_bins": 340},
        {"r_min": 2.0, "r_max": 19.0, "n_bins": 340, "sigma": 0.2, "cutoff": 1.0},
    ],
)
def test_a_dictionary_of_something_else(parameters):
    with pytest.raises(ValueError, match="needs exactly n_bins, r_max, r_min, sigma; got"):
        RDF.from_dict(parameters)


def test_a_grid_for_overlapping_atoms():
    with pytest.raises(ValueError, match="apart; check the positions"):
        RDF.for_positions(dimer(0.1))


def test_a_grid_of_bins_without_width():
    with pytest.raises(ValueError, match="width of a bin must be positive"):
        RDF.for_positions(dimer(3.0), width=0.0)
