"""The exported chart inside PLUMED, where PLUMED is: coordinates, derivatives, and biases of them.

PLUMED is independent of nanochart: `plumed driver` computes the bias of METAD and of OPES_METAD
along a trajectory, and nanochart's classes are fed with the same coordinates.
"""

import numpy as np
import pytest

import nanochart as nc
from helpers.models import configurations, untrained
from helpers.plumed_oracle import EV, KB, UNITS, columns, driver, plumed
from nanochart.autoencoder import ARCHITECTURES
from nanochart.biasing import OPES, Metadynamics
from nanochart.biasing.methods import gaussians
from nanochart.interop import export_plumed_cv
from nanochart.testing.potential_laws import random_rotation
from nanochart.units import BOLTZMANN

PRECISE = "FMT=%24.16e"


@pytest.fixture(scope="module")
def model():
    return untrained("compact", 64, 2, 38, lengths={"Au": 2.88, "Cu": 2.56})


@pytest.fixture
def folder(model, tmp_path):
    """A folder with the chart, which PLUMED compiles itself."""
    plumed()
    export_plumed_cv(model, tmp_path / "chart.cpp")
    return tmp_path


LOAD = "LOAD FILE=chart.cpp\n"
CHART = "chart: NANOCHART ATOMS=1-38\n"
PRINT = f"PRINT ARG=chart.s1,chart.s2 FILE=COLVAR {PRECISE}\n"
BOTH = f"{LOAD}{CHART}{PRINT}"


def printed(folder, names=("chart.s1", "chart.s2")):
    table = columns(folder / "COLVAR")
    return np.stack([table[name] for name in names], axis=-1)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_coordinates_and_derivatives_are_those_of_the_model(architecture, unit, tmp_path):
    plumed()
    chart = untrained(architecture, 64, 2, 38)
    export_plumed_cv(chart, tmp_path / "chart.cpp")
    length, units = UNITS[unit]
    x = configurations()
    text = f"{units}{BOTH}DUMPDERIVATIVES ARG=chart.s1,chart.s2 FILE=DERIVATIVES {PRECISE}\n"
    done = driver(tmp_path, text, x)
    assert done.returncode == 0, done.stderr
    s, jacobian = chart.encode_with_jacobian(x)
    np.testing.assert_allclose(printed(tmp_path), s, rtol=0, atol=1e-9)
    table = columns(tmp_path / "DERIVATIVES")
    found = np.stack([table["chart.s1"], table["chart.s2"]]).reshape(2, len(x), -1)
    by_atom = np.moveaxis(found[..., :-9].reshape(2, len(x), 38, 3), 0, 1)
    size = np.abs(jacobian).max()
    np.testing.assert_allclose(by_atom / length, jacobian, rtol=0, atol=1e-9 * size)
    # Of the box: minus the sum over atoms of position times derivative, of no unit.
    by_box = np.moveaxis(found[..., -9:].reshape(2, len(x), 3, 3), 0, 1)
    expected = -np.einsum("fia,fdib->fdab", x, jacobian)
    np.testing.assert_allclose(by_box, expected, rtol=0, atol=1e-7 * size)


def test_another_metal_is_scaled(model, folder):
    x = configurations() * (2.56 / 2.88)
    done = driver(folder, f"{LOAD}chart: NANOCHART ATOMS=1-38 ELEMENT=Cu\n{PRINT}", x)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(printed(folder), model.encode(x, "Cu"), rtol=0, atol=1e-9)


def test_a_cluster_that_a_box_cuts_is_put_together(model, folder):
    x = configurations()
    cut = np.mod(x + np.array([1.0, 39.0, 20.0]), 40.0)
    done = driver(folder, BOTH, cut, "40 40 40")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(printed(folder), model.encode(x), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("chart", "box", "sentence"),
    [
        ("NANOCHART ATOMS=1-37", "0 0 0", "ATOMS must name the 38 atoms that the chart of Au38"),
        ("NANOCHART ATOMS=1-38 ELEMENT=Ag", "0 0 0", "ELEMENT must be a metal of the chart"),
        ("NANOCHART ATOMS=1-38 NOPBC", "40 40 40", "chart of Au38 and Cu38 knows distances from"),
        ("NANOCHART ATOMS=1-38", "20 40 40", "must be narrower than half of the box"),
    ],
)  # fmt: skip
def test_what_cannot_be_charted_is_one_sentence(chart, box, sentence, folder):
    edges = np.array([float(edge) or 1e9 for edge in box.split()])
    done = driver(
        folder, f"{LOAD}chart: {chart}\n{PRINT}", np.mod(configurations() + 1.0, edges), box
    )
    assert done.returncode != 0
    assert sentence in done.stdout + done.stderr


def test_two_charts_have_two_names_of_actions(model, folder):
    text = (folder / "chart.cpp").read_text()
    other = untrained("compact", 64, 2, 38, seed=5)
    export_plumed_cv(other, folder / "other.cpp")
    text = (folder / "other.cpp").read_text().replace('"NANOCHART"', '"OTHER"')
    (folder / "other.cpp").write_text(text)
    x = configurations()
    both = "LOAD FILE=other.cpp\nother: OTHER ATOMS=1-38\n"
    show = f"PRINT ARG=chart.s1,chart.s2,other.s1,other.s2 FILE=COLVAR {PRECISE}\n"
    done = driver(folder, f"{LOAD}{both}{CHART}{show}", x)
    assert done.returncode == 0, done.stderr
    found = printed(folder, ("chart.s1", "chart.s2", "other.s1", "other.s2"))
    expected = np.concatenate([model.encode(x), other.encode(x)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


# --- Biases -----------------------------------------------------------------------------------

TEMPERATURE = 500.0


def walk(n=150):
    """A cluster that is stretched to and fro, turns and shakes: a wide path in the chart."""
    rng = np.random.default_rng(2)
    x = nc.clusters.build("decahedron", "Au", 38).positions
    x = x - x.mean(axis=0)
    phase = np.linspace(0, 6 * np.pi, n)
    stretch = 1 + 0.12 * np.stack([np.sin(phase), np.cos(1.7 * phase), np.zeros(n)], axis=-1)
    turned = [random_rotation(k) for k in range(n)]
    path = np.stack([(x * c) @ r.T for c, r in zip(stretch, turned, strict=True)])
    return path + rng.normal(0, 0.03, path.shape)


def region(s):
    """Widths, and a grid with room around the path."""
    spread = s.std(axis=0)
    margin = 8 * spread
    parts = spread / 3, s.min(axis=0) - margin, s.max(axis=0) + margin
    return tuple(tuple(part.tolist()) for part in parts)


def along(method, s):
    """Bias in eV that each configuration of a path feels; PLUMED adds nothing at the first."""
    state, felt = method.initialize(2), []
    for step, here in enumerate(s):
        felt.append(method.grid(state)(here[None])[0] if step else 0.0)
        if step:
            state = method.update(state, here[None], np.zeros(1))
    return np.array(felt)


def biased(folder, action, values):
    show = f"PRINT ARG=bias.bias FILE=BIAS {PRECISE}"
    text = f"{UNITS['A'][1]}{BOTH}bias: {action} {values}\n{show}\n"
    done = driver(folder, text, walk())
    assert done.returncode == 0, done.stderr
    return columns(folder / "BIAS")["bias.bias"]


def test_metadynamics_is_that_of_plumed(model, folder, monkeypatch):
    """PLUMED cuts its Gaussians at 3.5 widths and stretches them to be zero there."""
    s = model.encode(walk())
    sigma, low, high = region(s)
    values = (
        f"ARG=chart.s1,chart.s2 PACE=1 SIGMA={sigma[0]!r},{sigma[1]!r} HEIGHT=0.05 BIASFACTOR=8 "
        f"TEMP={TEMPERATURE} FILE=HILLS"
    )
    theirs = biased(folder, "METAD", values)
    height = 0.05
    ours = along(Metadynamics(TEMPERATURE, height, sigma, 8.0, low, high), s)
    hills = columns(folder / "HILLS")
    assert len(hills["height"]) == len(s) - 1
    assert theirs.max() > 5 * height
    # exp(-6.25) = 0.2 % of each of the hills in reach, of which the bias is a sum.
    assert 0.001 < np.abs(ours - theirs).max() / theirs.max() < 0.01
    # With the same cut-off, and stretched, what is left is the interpolation on the grid.
    cut = np.sqrt(12.5)
    monkeypatch.setattr(gaussians.gaussian, "__defaults__", (cut,))
    stretched = along(
        Metadynamics(TEMPERATURE, height / -np.expm1(-6.25), sigma, 8.0, low, high), s
    )
    assert np.abs(stretched - theirs).max() < 3e-4 * theirs.max()


BARRIER = 0.5


def test_opes_is_that_of_plumed(model, folder):
    """Of fixed widths, with one merge for each kernel, from the second sample on.

    PLUMED gives its first kernel the weight exp(-ΔE/kT) of a bias of -ΔE, nanochart gives it 1. The
    path rests at first, so that PLUMED's second kernel has the weight 1 and outweighs the first.
    """
    x = walk()
    x[1:3] = x[0]
    s = model.encode(x)
    sigma, low, high = region(s)
    values = (
        f"ARG=chart.s1,chart.s2 PACE=1 SIGMA={sigma[0]!r},{sigma[1]!r} BARRIER={BARRIER} "
        f"TEMP={TEMPERATURE} FIXED_SIGMA RECURSIVE_MERGE_OFF"
    )
    text = f"{UNITS['A'][1]}{BOTH}bias: OPES_METAD {values}\n"
    text += f"PRINT ARG=bias.bias FILE=BIAS {PRECISE}\n"
    done = driver(folder, text, x)
    assert done.returncode == 0, done.stderr
    table = columns(folder / "BIAS")
    theirs = table["bias.bias"] + BARRIER
    method = OPES(TEMPERATURE, BARRIER, sigma, low, high, narrowest=sigma)
    ours = along(method, s[1:])
    kT = BOLTZMANN * TEMPERATURE
    # In kT; PLUMED's constants differ by 1e-7.
    assert abs(KB / EV / BOLTZMANN - 1) < 1e-6
    assert theirs[3:].max() > 5 * kT
    assert np.abs(ours[2:] - theirs[3:]).max() < 0.03 * kT
