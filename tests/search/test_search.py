"""Global optimization: known minima, and results that depend on the seed alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import nanochart as nc
from nanochart.landscape import principal_radii
from nanochart.search import Catalogue, SearchConfig, begin, finish, step
from nanochart.testing import LennardJones

#: Lowest minima of Lennard-Jones clusters in ε: Wales, Doye, J. Phys. Chem. A 101, 5111 (1997).
LENNARD_JONES = {13: -44.326801, 38: -173.928427, 75: -397.492331}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Lennard-Jones atoms as a table, which the loops are compiled with."""
    path = tmp_path_factory.mktemp("table") / "lj.alloy"
    LennardJones().write_setfl(path)
    return nc.potentials.eam(path, "Au")


@pytest.mark.parametrize("metal", ["Ag", "Cu"])
def test_thirteen_atoms_are_an_icosahedron(metal):
    potential = nc.potentials.gupta(metal)
    found = nc.search.minima(potential, 13, seed=1, n_quenches=120)
    built = nc.clusters.build("icosahedron", metal, 13)
    assert found.energies[0] == pytest.approx(built.info["energy"], abs=1e-6)
    assert nc.search.point_group_order(found.positions[0]) == 120


@pytest.mark.parametrize(("metal", "seed"), [("Au", 1), ("Ag", 2), ("Cu", 3)])
def test_thirty_eight_atoms_are_a_truncated_octahedron(metal, seed):
    octahedron = nc.clusters.build("octahedron", metal, 38).info["energy"]
    found = nc.search.minima(
        nc.potentials.gupta(metal), 38, seed=seed, n_quenches=1000, target=octahedron + 1e-3
    )
    assert found.energies[0] == pytest.approx(octahedron, abs=1e-6)
    assert nc.search.point_group_order(found.positions[0]) == 48
    assert found.n_quenches < 1000
    assert (np.diff(found.energies) > 0).all()


@pytest.mark.parametrize("n", [13, 38, pytest.param(75, marks=pytest.mark.slow)])
def test_lennard_jones_clusters_have_their_known_minima(table, n):
    epsilon = LennardJones().epsilon
    lowest = LENNARD_JONES[n] * epsilon
    found = nc.search.minima(table, n, seed=0, n_quenches=4000, target=lowest + 1e-3)
    assert found.energies[0] / epsilon == pytest.approx(LENNARD_JONES[n], abs=2e-4)


def test_a_potential_that_is_called_from_python_is_searched():
    potential = LennardJones()
    found = nc.search.minima(potential, 7, seed=0, n_quenches=12, n_walkers=2)
    # The pentagonal bipyramid: Hoare, Pal, Adv. Phys. 20, 161 (1971).
    assert found.energies[0] / potential.epsilon == pytest.approx(-16.505384, abs=1e-5)
    assert nc.search.point_group_order(found.positions[0]) == 20


@pytest.mark.slow
@pytest.mark.parametrize("metal", ["Au", "Ag", "Cu"])
def test_twenty_of_twenty_searches_find_the_truncated_octahedron(metal):
    octahedron = nc.clusters.build("octahedron", metal, 38).info["energy"]
    potential = nc.potentials.gupta(metal)
    found = [nc.search.minima(potential, 38, seed=seed).energies[0] for seed in range(20)]
    np.testing.assert_allclose(found, octahedron, atol=1e-6)


@pytest.fixture(scope="module")
def gold():
    return nc.potentials.gupta("Au")


def test_the_result_does_not_depend_on_threads(gold):
    results = []
    for threads in (1, 3):
        with ThreadPoolExecutor(threads) as pool:
            results.append(nc.search.minima(gold, 20, seed=5, n_quenches=60, executor=pool))
    np.testing.assert_array_equal(results[0].positions, results[1].positions)
    np.testing.assert_array_equal(results[0].visits, results[1].visits)
    other = nc.search.minima(gold, 20, seed=6, n_quenches=60)
    assert not np.array_equal(other.energies, results[0].energies)


def test_found_structures_are_distinct_minima(gold):
    found = nc.search.minima(gold, 20, seed=1, n_quenches=200, keep=30)
    assert 20 < len(found) <= 30
    assert (found.max_forces < 1e-5).all()
    assert np.isfinite(found.log_frequencies).all(), "a saddle is no minimum"
    assert found.log_frequencies[0] == nc.search.log_frequency_product(found.positions[0], gold)
    radii = principal_radii(found.positions)
    distinct = nc.landscape.distinct_minima(radii, found.energies, radii)
    assert len(distinct.counts) == len(found)
    assert (found.first_found <= found.n_quenches).all()


def test_only_minima_of_the_motif_are_found(gold):
    starts = [nc.clusters.build("decahedron", "Au", 54).positions]
    found = nc.search.minima(gold, 54, seed=1, n_quenches=40, motif="dh", starts=starts)
    assert set(nc.motifs.classify(found.positions, "Au")) == {"dh"}
    assert found.energies[0] <= gold.energy(starts[0]) + 1e-6


def test_walkers_begin_from_the_starts(gold):
    start = nc.clusters.build("icosahedron", "Au", 55)
    found = nc.search.minima(gold, 55, seed=1, n_quenches=1, starts=[start.positions], n_walkers=1)
    assert found.energies[0] == pytest.approx(start.info["energy"], abs=1e-6)
    assert found.n_quenches == 1


def test_a_visited_minimum_is_left_sooner(gold):
    """With a penalty, walkers spread over more minima than Metropolis alone takes them to."""

    def seen(penalty, seed):
        config = SearchConfig(
            seed=seed, n_walkers=1, walker_patience=10_000, temperature=50.0, penalty=penalty
        )
        state = begin(13, config)
        for _ in range(150):
            state = step(state, gold, config)
        return int((state.catalogue.visits > 0).sum())

    without, with_penalty = ([seen(p, seed) for seed in range(1, 5)] for p in (0.0, 2.0))
    assert sum(with_penalty) > 2 * sum(without)
    assert all(more > fewer for more, fewer in zip(with_penalty, without, strict=True))


def test_a_search_ends_when_nothing_lower_comes(gold):
    found = nc.search.minima(gold, 6, seed=1, patience=40, n_quenches=10_000)
    assert found.n_quenches <= 2 * (40 + found.first_found[0])


def test_a_caller_can_stop_a_search(gold):
    found = nc.search.minima(gold, 13, seed=1, n_quenches=10_000, stop=lambda: True, n_walkers=4)
    assert found.n_quenches == 4


def catalogue_of(*energies):
    found = Catalogue.empty()
    for number, energy in enumerate(energies):
        found = found.with_minimum(energy, np.full(3, 4.0), np.zeros((3, 3)), number, room=3)
    return found


def test_a_catalogue_keeps_the_lowest_in_order():
    found = catalogue_of(-1.0, -3.0, -2.0, -4.0, -0.5)
    np.testing.assert_array_equal(found.energies, [-4.0, -3.0, -2.0])
    np.testing.assert_array_equal(found.first, [3, 1, 2])
    assert len(found.positions) == 3


@pytest.mark.parametrize(
    ("energy", "radius", "place"),
    [(-3.00005, 4.0, 1), (-3.0002, 4.0, -1), (-3.0, 4.004, 1), (-3.0, 4.006, -1)],
)
def test_minima_are_told_apart_by_energy_and_shape(energy, radius, place):
    assert catalogue_of(-4.0, -3.0).find(energy, np.full(3, radius)) == place


def test_visits_are_counted_where_the_minimum_is_known():
    found, radii = catalogue_of(-4.0, -3.0), np.full(3, 4.0)
    assert found.visited(-3.0, radii).times(-3.0, radii) == 1
    assert found.visited(-3.5, radii).visits.sum() == 0


def test_nothing_found_is_said(gold):
    config = SearchConfig(motif="ih")
    with pytest.raises(ValueError, match="no minimum of the motif ih was found in 0 quenches"):
        finish(begin(13, config), gold, config)


@pytest.mark.parametrize(
    ("n_atoms", "settings", "sentence"),
    [
        (2, {}, "n_atoms of a search must be from 3 to 3000; got 2"),
        (13, {"n_quenches": 0}, "n_quenches of a search must be an integer of 1 or more; got 0"),
        (13, {"n_walkers": 1.5}, "n_walkers of a search must be an integer of 1 or more; got 1.5"),
        (13, {"keep": 0}, "keep of a search must be an integer of 1 or more; got 0"),
        (13, {"seed": -1}, "the seed of a search must be an integer of 0 or more; got -1"),
        (13, {"patience": 0}, "patience of a search must be 1 or more; got 0"),
        (13, {"motif": "cube"}, "motif of a search must be one of .*; got 'cube'"),
        (13, {"starts": np.zeros((12, 3))}, r"must have the shape \(start, 13, 3\); got \(12, 3\)"),
    ],
)
def test_bad_settings_are_named(gold, n_atoms, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        nc.search.minima(gold, n_atoms, **settings)


def test_the_number_of_atoms_is_an_integer(gold):
    with pytest.raises(TypeError, match=r"n_atoms of a search must be an integer; got 13.0"):
        nc.search.minima(gold, 13.0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"temperature": 0.0}, "temperature of a search must be a number above 0 K; got 0.0"),
        ({"max_force": -1.0}, "max_force of a search must be a number above 0 eV/Å; got -1.0"),
        ({"penalty": -0.1}, "penalty of a search must be 0 kT or more; got -0.1"),
    ],
)
def test_bad_numbers_are_named(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        SearchConfig(**settings)
