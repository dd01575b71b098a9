"""The minima that are shipped: what they claim, and what builds say of them."""

import numpy as np
import pytest

import nanochart as nc
from nanochart.clusters import known_minima

SYSTEMS = [("Au", 90), ("Au", 147), ("Ag", 147), ("Cu", 147)]


@pytest.mark.parametrize(("metal", "n"), SYSTEMS)
def test_known_minima_are_what_they_say(metal, n):
    potential, known = nc.potentials.gupta(metal), known_minima(metal, n)
    assert {"dh", "ih", "twin", "fcc"} <= set(known)
    energies = [found.energy for found in known.values()]
    assert energies == sorted(energies)
    x = np.array([found.positions for found in known.values()])
    assert x.shape[1:] == (n, 3)
    quenched = nc.minimization.quench(x, potential)
    np.testing.assert_allclose(quenched.energies, energies, atol=2e-5)
    np.testing.assert_allclose(quenched.positions, x, atol=5e-3)
    assert list(nc.motifs.classify(quenched.positions, metal)) == list(known)


def test_the_rosette_icosahedron_of_gold_is_known():
    """Its difference to the decahedron: Settem, Roncaglia, Ferrando, Giacomello (2023)."""
    known = known_minima("Au", 147)
    difference = known["ih"].energy - known["dh"].energy
    assert difference == pytest.approx(0.9104, abs=1e-3)


def test_nothing_is_known_of_other_sizes():
    assert known_minima("Au", 60) == {}
    with pytest.raises(ValueError, match="Xx"):
        known_minima("Xx", 60)


def test_known_minima_are_the_callers_own():
    known_minima("Au", 90)["dh"].positions[:] = 0.0
    assert np.ptp(known_minima("Au", 90)["dh"].positions) > 10.0


def test_a_build_says_when_a_lower_minimum_of_its_motif_is_known():
    known = known_minima("Au", 147)
    icosahedron = nc.clusters.build("icosahedron", "Au", 147)
    above = icosahedron.info["energy"] - known["ih"].energy
    assert icosahedron.info["above_known"] == pytest.approx(above)
    assert above == pytest.approx(0.9545, abs=1e-3)
    assert "above_known" not in nc.clusters.build("decahedron", "Au", 147).info


def test_what_is_known_is_of_the_published_potential(tmp_path):
    nc.potentials.gupta("Au").write_setfl(tmp_path / "au.alloy")
    table = nc.potentials.eam(tmp_path / "au.alloy", "Au")
    made = nc.clusters.build("icosahedron", "Au", 147, potential=table)
    assert "above_known" not in made.info
