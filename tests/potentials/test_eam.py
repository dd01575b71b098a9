import importlib.util
from pathlib import Path

import numpy as np
import pytest
from ase.cluster import Icosahedron

import nanochart as nc
from helpers import lammps_oracle
from nanochart.potentials.smoothness import odd_value
from nanochart.testing import EmbeddedAtomLaws


def hot_strained_liquid(symbol, n_each=4):
    """Clusters of 147 atoms: vibrating at high temperature, strained by 3 %, and molten."""
    potential = nc.potentials.gupta(symbol)
    a = 1.40 * potential.nearest_neighbour
    x = Icosahedron(symbol, 4, latticeconstant=a).positions
    state = nc.dynamics.initialize(x, potential, [600.0, 2000.0], seed=3)
    config = nc.dynamics.Langevin(time_step=3.0, friction=5e-3)
    _, samples = nc.dynamics.run_segment(state, potential, config, 2000, 2000 // n_each)
    hot, liquid = samples.positions[:, 0], samples.positions[:, 1]
    strain = np.random.default_rng(1).uniform(-0.03, 0.03, (n_each, 3, 3))
    strained = hot + hot @ strain
    return np.concatenate([hot, strained, liquid])


@pytest.mark.parametrize("symbol", ["Au", "Ag", "Cu"])
def test_lammps_agrees_on_the_table_that_nanochart_writes(symbol, tmp_path):
    lammps_oracle.require_lammps()
    potential = nc.potentials.gupta(symbol)
    table = tmp_path / f"{symbol}.eam.alloy"
    potential.write_setfl(table)
    frames = hot_strained_liquid(symbol)
    energies, forces = potential.energy_forces(frames)
    e_lammps, f_lammps = lammps_oracle.energies_forces(
        frames, lammps_oracle.eam_alloy(table, symbol)
    )
    np.testing.assert_allclose(e_lammps, energies, rtol=0, atol=1e-6)
    np.testing.assert_allclose(f_lammps, forces, rtol=0, atol=1e-5)


def made_table(path, n_rho=400, n_r=500):
    """A nickel-like table, coarse on purpose: interpolation is part of what must agree."""
    cutoff, rho_max = 5.1, 40.0
    d_r, d_rho = cutoff / (n_r - 1), rho_max / (n_rho - 1)
    r, rho = np.arange(n_r) * d_r, np.arange(n_rho) * d_rho
    fade = (1 - r / cutoff) ** 3
    f = 3.0 * np.exp(-2.2 * (r - 2.49)) * fade
    r_phi = r * 14.0 * np.exp(-3.4 * (r - 2.49)) * fade * (1 + 0.1 * np.cos(3 * r))
    embedding = -1.1 * np.sqrt(rho + 0.01) + 0.01 * rho
    other = np.zeros(n_rho + n_r)
    with path.open("w") as file:
        file.write("made for a test\nof piecewise cubics\n\n2 Al Ni\n")
        file.write(f"{n_rho} {d_rho:.16g} {n_r} {d_r:.16g} {cutoff}\n")
        file.write("13 26.98 4.05 fcc\n" + "\n".join(map(str, other)) + "\n")
        file.write("28 58.69 3.52 fcc\n")
        for values in (embedding, f, np.zeros(n_r), np.zeros(n_r), r_phi):
            file.writelines(
                " ".join(f"{v:.16e}" for v in values[k : k + 5]) + "\n"
                for k in range(0, len(values), 5)
            )
    return path


@pytest.fixture(scope="module")
def nickel_table(tmp_path_factory):
    return made_table(tmp_path_factory.mktemp("eam") / "AlNi.eam.alloy")


def nickel_frames():
    x = Icosahedron("Ni", 4, latticeconstant=3.5).positions
    noise = np.random.default_rng(2).normal(0.0, 0.15, (6, *x.shape))
    return 1.02 * x + noise


def test_lammps_agrees_on_a_foreign_table(nickel_table):
    lammps_oracle.require_lammps()
    nickel = nc.potentials.eam(nickel_table, "Ni")
    frames = nickel_frames()
    energies, forces = nickel.energy_forces(frames)
    e_lammps, f_lammps = lammps_oracle.energies_forces(
        frames, lammps_oracle.eam_alloy(nickel_table, "Ni")
    )
    np.testing.assert_allclose(e_lammps, energies, rtol=0, atol=1e-6)
    np.testing.assert_allclose(f_lammps, forces, rtol=0, atol=1e-5)


def test_a_table_runs_through_the_same_dynamics_and_quench(nickel_table):
    nickel = nc.potentials.eam(nickel_table, "Ni")
    state = nc.dynamics.initialize(nickel_frames()[0], nickel, [300.0], seed=1)
    config = nc.dynamics.Langevin(time_step=2.0)
    _, samples = nc.dynamics.run_segment(state, nickel, config, 300, 100)
    q = nc.minimization.quench(samples.positions, nickel)
    assert q.converged.all()
    assert (q.energies < samples.potential_energies).all()


def test_a_table_of_gupta_gives_back_gupta(tmp_path):
    gold = nc.potentials.gupta("Au")
    gold.write_setfl(tmp_path / "au.eam.alloy")
    again = nc.potentials.eam(tmp_path / "au.eam.alloy", "Au")
    frames = hot_strained_liquid("Au", n_each=2)
    energies, forces = gold.energy_forces(frames)
    e_table, f_table = again.energy_forces(frames)
    np.testing.assert_allclose(e_table, energies, rtol=0, atol=1e-6)
    np.testing.assert_allclose(f_table, forces, rtol=0, atol=1e-5)
    assert again.mass == pytest.approx(gold.mass)
    assert again.nearest_neighbour == pytest.approx(gold.nearest_neighbour)


@pytest.fixture(scope="module", autouse=True)
def _nickel_for_the_laws(nickel_table):
    TestNickelTable.potential = nc.potentials.eam(nickel_table, "Ni")


class TestNickelTable(EmbeddedAtomLaws):
    positions = nickel_frames()[0][:55]


def test_a_missing_element_is_named(nickel_table):
    with pytest.raises(ValueError, match=r"holds the elements Al Ni; got 'Cu'"):
        nc.potentials.eam(nickel_table, "Cu")


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no\ntable\nat\nall here\nfriends\n")
    with pytest.raises(ValueError, match=r"must have the setfl header.*got 'all here'"):
        nc.potentials.eam(path, "Ni")


def test_a_truncated_table_is_refused(nickel_table, tmp_path):
    path = tmp_path / "cut.eam.alloy"
    text = nickel_table.read_text()
    path.write_text(text[: len(text) - 20_000])
    with pytest.raises(ValueError, match=r"r φ of Ni and Al must have 500 values; the file ends"):
        nc.potentials.eam(path, "Ni")


# -- tables of several elements; lines and counts as LAMMPS takes them -------------------------


def shipped_tables():
    """The tables that come with LAMMPS, and an element of each."""
    found = importlib.util.find_spec("lammps")
    if found is None:
        return []
    folder = Path(found.submodule_search_locations[0]) / "share/lammps/potentials"
    names = {
        "NiAlH_jea.eam.fs": "Ni",
        "NiAlH_jea.eam.alloy": "Al",
        "CuZr_mm.eam.fs": "Cu",
        "VFe_mm.eam.fs": "Fe",
        "AlFe_mm.eam.fs": "Al",
        "FeP_mm.eam.fs": "Fe",
        "Zr_mm.eam.fs": "Zr",
        "NiO.eam.fs": "Ni",
        "AlCu.eam.alloy": "Cu",
        "CuTa.eam.alloy": "Ta",
        "CoAl.eam.alloy": "Al",
        "Cu_mishin1.eam.alloy": "Cu",
    }
    return [(folder / name, symbol) for name, symbol in names.items()]


@pytest.mark.parametrize(("table", "symbol"), shipped_tables(), ids=lambda v: getattr(v, "name", v))
def test_lammps_agrees_on_its_own_tables_of_one_and_of_several_elements(table, symbol):
    lammps_oracle.require_lammps()
    potential = nc.potentials.eam(table, symbol)
    x = Icosahedron(symbol, 3, latticeconstant=1.4142 * potential.nearest_neighbour).positions
    frames = x + np.random.default_rng(4).normal(0.0, 0.1, (4, *x.shape))
    energies, forces = potential.energy_forces(frames)
    style = "eam/fs" if table.suffix == ".fs" else "eam/alloy"
    pair = f"pair_style {style}\npair_coeff * * {table} {symbol}\n"
    e_lammps, f_lammps = lammps_oracle.energies_forces(frames, pair)
    np.testing.assert_allclose(e_lammps, energies, rtol=0, atol=2e-6)
    np.testing.assert_allclose(f_lammps, forces, rtol=0, atol=1e-5)


def test_kinks_steps_and_last_digits_are_no_wrong_values():
    x = np.linspace(0.0, 6.0, 600)
    smooth = np.exp(-x) * (1 - x / 6.0) ** 3
    assert odd_value(smooth) is None
    assert odd_value(np.round(smooth, 6)) is None  # of few digits
    assert odd_value(np.where(x < 5.0, smooth, 0.0)) is None  # cut off, with a step
    assert odd_value(smooth + 0.3 * np.abs(x - 2.0)) is None  # with a kink
    assert odd_value(np.where(x < 1.0, 2.0 * smooth, smooth)) is None  # joined
    assert odd_value(np.zeros(600)) is None
    wrong = smooth.copy()
    wrong[300] *= 1.01
    assert odd_value(wrong)[0] == 300
    assert odd_value(wrong)[1] == pytest.approx(smooth[300], rel=1e-3)


def edited(table, path, edit):
    """A copy of a table whose lines were changed; line 0 of the list is line 1 of the file."""
    lines = table.read_text().splitlines()
    edit(lines)
    path.write_text("\n".join(lines) + "\n")
    return path


def one_value_more(lines):
    """Twice the last value of the embedding function of nickel, in its line."""
    start = lines.index("28 58.69 3.52 fcc")
    lines[start + 80] += " 0.0"


def one_line_more(lines):
    lines.insert(lines.index("28 58.69 3.52 fcc") + 40, "0.0")


def one_line_less(lines):
    del lines[lines.index("28 58.69 3.52 fcc") + 40]


def large_value(lines):
    lines[999] = "1e40 " + lines[999]


def another_digit(function, knot, place):
    """One digit of a value of nickel, counted from the first of them."""
    first = {"F": 0, "f": 80, "r φ": 380}[function] + 1

    def edit(lines):
        line = lines.index("28 58.69 3.52 fcc") + first + knot // 5
        words = lines[line].split()
        digits = [k for k, c in enumerate(words[knot % 5]) if c.isdigit()]
        word, k = words[knot % 5], digits[place]
        words[knot % 5] = word[:k] + str((int(word[k]) + 3) % 10) + word[k + 1 :]
        lines[line] = " ".join(words)

    return edit


def header(place, value):
    def edit(lines):
        words = lines[4].split()
        words[place] = value
        lines[4] = " ".join(words)

    return edit


def element_line(text):
    def edit(lines):
        lines[lines.index("28 58.69 3.52 fcc")] = text

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (one_value_more, r"line 987: F of Ni must end with a line after 400 values; got 401"),
        (one_line_more, r"line 988: F of Ni must end with a line after 400 values; got 401"),
        (one_line_less, r"r φ of Ni and Ni must have 500 values; the file ends after 495: it may"),
        (lambda lines: lines.append("1.0"), r"the table must end here; got '1.0': values are too"),
        (header(0, "399"), r"f of Al must have|functions of Ni must begin|F of Ni must end"),
        (header(2, "499"), r"functions of Ni must begin with its atomic number, mass, lattice"),
        (header(0, "1000000000000"), r"must have 5 to 1,000,000 values of each function, and sp"),
        (header(0, "-400"), r"got n_rho = -400, d_rho = 0.1\d*, n_r = 500"),
        (header(1, "0.0"), r"spacings and a cut-off above 0; .* d_rho = 0,"),
        (header(3, "-0.01"), r"spacings and a cut-off above 0; .* d_r = -0.01,"),
        (header(3, "nan"), r"must have the setfl header"),
        (header(4, "inf"), r"must have the setfl header"),
        (
            header(3, "0.1"),
            r"the functions of r must reach about to the cut-off, 5.1 Å; got 500 values",
        ),
        (
            header(3, "0.001"),
            r"must reach about to the cut-off, 5.1 Å; got .* every 0.001 Å, 0.499",
        ),
        (header(4, "51.0"), r"the functions of r must reach about to the cut-off, 51 Å"),
        (header(1, "1e3"), r"must be known at the density of the crystal, about \d.*every 1000"),
        (header(1, "1e-6"), r"must be known at the density of the crystal, about \d.*every 1e-06"),
        (another_digit("F", 200, 1), r"F of Ni must be smooth; got -\d\.\d+ for value 201 of 400"),
        (another_digit("f", 250, 2), r"f of Ni must be smooth; got .* for value 251 of 500, where"),
        (another_digit("r φ", 244, 0), r"r φ of Ni must be smooth; .* value 245 .* a digit was ch"),
        (large_value, r"line 1000: f of Ni must have 500 finite numbers; got 60 and then '1e40'"),
        (header(4, "0"), r"spacings and a cut-off above 0; .* cutoff = 0;"),
        (element_line("28 0.0 3.52 fcc"), r"the mass of Ni must be above 0 amu; got 0"),
        (element_line("28 -58.69 3.52 fcc"), r"the mass of Ni must be above 0 amu; got -58.69"),
        (element_line("28 nan 3.52 fcc"), r"functions of Ni must begin .* got '28 nan 3.52 fcc'"),
        (element_line("28 58.69 fcc"), r"functions of Ni must begin with its atomic number, mass"),
    ],
)
def test_lines_and_counts_of_a_table_are_checked(nickel_table, tmp_path, edit, message):
    path = edited(nickel_table, tmp_path / "edited.eam.alloy", edit)
    with pytest.raises(ValueError, match=message) as caught:
        nc.potentials.eam(path, "Ni")
    assert "\n" not in str(caught.value)


def test_a_pair_potential_is_a_table_without_density(tmp_path):
    lammps_oracle.require_lammps()
    n, cutoff = 2000, 9.0
    r = np.linspace(0.0, cutoff, n)
    s6 = (2.5 / np.maximum(r, 1.0)) ** 6
    r_phi = r * 4.0 * 0.25 * (s6 * s6 - s6)
    lines = ["a", "b", "c", "1 Ni", f"{n} 0.01 {n} {r[1]:.17g} {cutoff}", "28 58.69 3.9 fcc"]
    values = [*np.zeros(2 * n), *r_phi]
    path = tmp_path / "lj.eam.alloy"
    path.write_text("\n".join(lines + [f"{v:.16e}" for v in values]) + "\n")
    frames = 1.1 * nickel_frames()[:2]
    energies, forces = nc.potentials.eam(path, "Ni").energy_forces(frames)
    e_lammps, f_lammps = lammps_oracle.energies_forces(frames, lammps_oracle.eam_alloy(path, "Ni"))
    np.testing.assert_allclose(energies, e_lammps, rtol=0, atol=1e-6)
    np.testing.assert_allclose(forces, f_lammps, rtol=0, atol=1e-5)


def test_comments_and_blank_lines_between_the_numbers_are_passed_over(nickel_table, tmp_path):
    def edit(lines):
        lines[4] += "  # n_rho d_rho n_r d_r cutoff"
        lines.insert(200, "")
        lines.append("# made for a test")

    frames = nickel_frames()[:2]
    again = nc.potentials.eam(edited(nickel_table, tmp_path / "a.eam.alloy", edit), "Ni")
    energies = nc.potentials.eam(nickel_table, "Ni").energy(frames)
    np.testing.assert_array_equal(again.energy(frames), energies)


def test_a_file_of_one_endless_line_is_no_table(tmp_path):
    path = tmp_path / "endless.eam.alloy"
    path.write_text("a\nb\nc\n1 Ni\n" + "1.0 " * 1_000_000)
    with pytest.raises(ValueError, match=r"line 5: the line must not be that long; give a"):
        nc.potentials.eam(path, "Ni")


def test_too_few_knots_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"at least 100 knots; got 10 in r"):
        nc.potentials.gupta("Au").write_setfl(tmp_path / "x", n_r=10)


def test_tails_of_negative_density_are_extrapolated_as_lammps_does(tmp_path):
    lammps_oracle.require_lammps()
    path = tmp_path / "tail.eam.alloy"
    cutoff, n = 5.1, 600
    r, d_r, d_rho = np.linspace(0, cutoff, n), cutoff / (n - 1), 0.01
    tail = np.exp(-2.0 * (r - 2.5)) - 0.02 * np.exp(-(((r - 4.3) / 0.3) ** 2))
    embedding = -0.5 * np.arange(n) * d_rho + 0.02 * (np.arange(n) * d_rho) ** 2
    blocks = [
        embedding,
        tail * (1 - r / cutoff) ** 2,
        r * np.exp(-3 * (r - 2.5)) * (1 - r / cutoff) ** 2,
    ]
    lines = ["a", "b", "c", "1 Ni", f"{n} {d_rho} {n} {d_r:.17g} {cutoff}", "28 58.69 3.52 fcc"]
    path.write_text("\n".join(lines + [f"{v:.16e}" for block in blocks for v in block]) + "\n")
    dimer = np.array([[[0.0, 0, 0], [d, 0, 0]] for d in (2.5, 4.0, 4.3, 4.6)])
    energies, forces = nc.potentials.eam(path, "Ni").energy_forces(dimer)
    e_lammps, f_lammps = lammps_oracle.energies_forces(dimer, lammps_oracle.eam_alloy(path, "Ni"))
    assert (np.diff(tail) > 0).any()
    np.testing.assert_allclose(energies, e_lammps, rtol=0, atol=1e-9)
    np.testing.assert_allclose(forces, f_lammps, rtol=0, atol=1e-8)
