"""Classes of whole clusters and their defects: known structures, laws, and what is refused."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential
from ase.optimize import BFGS

import nanochart as nc
from helpers.command import nanochart
from helpers.configs import small_config
from nanochart.motifs import DESCRIPTORS, LABELS, analyze, classify
from nanochart.motifs.heat import apparent_temperature

OWN = {"icosahedron": "ih", "decahedron": "dh", "octahedron": "fcc", "twin": "twin", "hcp": "twin"}
GOLD = nc.potentials.gupta("Au")


def built(motif, n, metal="Au"):
    return nc.clusters.build(motif, metal, n).positions


def relaxed(positions, metal="Au"):
    return nc.minimization.quench(positions, nc.potentials.gupta(metal)).positions


def bonds_per_atom(x, metal="Au"):
    near = np.linalg.norm(x[:, None] - x[None], axis=-1) < nc.descriptors.bonding_cutoff(metal)
    return near.sum(axis=1) - 1


def without(x, atoms):
    return np.delete(x, atoms, axis=0)


def descriptor(x, name, metal="Au"):
    return float(analyze(x, metal).descriptors[name])


@pytest.mark.parametrize("metal", ["Au", "Ag", "Cu"])
@pytest.mark.parametrize("motif", OWN)
@pytest.mark.parametrize("n", [75, 147, 201])
def test_a_built_motif_has_its_own_label(motif, n, metal):
    atoms = nc.clusters.build(motif, metal, n)
    assert atoms.info["motif_kept"]
    found = analyze(atoms.positions, metal)
    assert found.labels == OWN[motif]
    assert found.margins > 0.0


@pytest.mark.slow
@pytest.mark.parametrize("metal", ["Au", "Ag", "Cu"])
@pytest.mark.parametrize("motif", OWN)
def test_a_built_motif_of_any_size_has_its_own_label(motif, metal):
    sizes = [*range(38, 200, 9), 201, 260, 309, 400, 561, 700, 923, 1000]
    wrong = {}
    for n in sizes:
        atoms = nc.clusters.build(motif, metal, n)
        label = str(classify(atoms.positions, metal))
        # Where the relaxation lost the motif, the builder says so.
        if atoms.info["motif_kept"] and label != OWN[motif]:
            wrong[n] = label
    assert not wrong


@pytest.mark.parametrize("motif", OWN)
def test_vacancies_adatoms_and_heat_leave_the_label(motif):
    whole = built(motif, 147)
    corners = np.argsort(bonds_per_atom(whole))
    damaged = [without(whole, corners[:k]) for k in (1, 2, 3)]
    for x in damaged:
        assert classify(relaxed(x), "Au") == OWN[motif]
    hot = nc.dynamics.initialize(
        np.repeat(whole[None], 6, axis=0), GOLD, temperatures=[300.0] * 6, seed=2
    )
    hot, _ = nc.dynamics.run_segment(hot, GOLD, nc.dynamics.Langevin(time_step=5.0), n_steps=600)
    labels = classify(relaxed(hot.positions), "Au")
    assert (labels == OWN[motif]).sum() >= 5  # gold icosahedra may change in earnest


def adatom_on(x, atom):
    """Cluster with one more atom on the facet around ``atom``."""
    outwards = x[atom] - x.mean(axis=0)
    trial = x[atom] + 2.5 * outwards / np.linalg.norm(outwards)
    return relaxed(np.vstack([x, trial]))


@pytest.mark.parametrize("motif", ["icosahedron", "octahedron", "decahedron"])
def test_an_adatom_is_counted_and_leaves_the_label(motif):
    n = {"icosahedron": 147, "octahedron": 201, "decahedron": 146}[motif]
    x = built(motif, n)
    facet = int(np.flatnonzero(bonds_per_atom(x) == 9)[0])
    grown = adatom_on(x, facet)
    assert descriptor(x, "adatoms") == 0.0
    assert descriptor(grown, "adatoms") == 1.0
    assert classify(grown, "Au") == OWN[motif]


@pytest.mark.parametrize("k", [0, 1, 2, 3, 12])
def test_missing_vertices_of_an_icosahedron(k):
    x = built("icosahedron", 147, "Cu")
    vertices = np.flatnonzero(bonds_per_atom(x, "Cu") == 6)
    assert len(vertices) == 12
    found = analyze(relaxed(without(x, vertices[:k]), "Cu"), "Cu")
    assert found.labels == "ih"
    assert found.descriptors["vertex_vacancies"] == k
    assert found.descriptors["rosettes"] == 0


def test_a_vertex_pushed_into_the_ring_around_it_is_a_rosette():
    x = built("icosahedron", 147)
    vertex = int(np.flatnonzero(bonds_per_atom(x) == 6)[0])
    axis = x[vertex] - x.mean(axis=0)
    axis /= np.linalg.norm(axis)
    ring = np.flatnonzero(
        (np.linalg.norm(x - x[vertex], axis=1) < 3.4)
        & ((x - x[vertex]) @ axis > -2.0)
        & (np.arange(len(x)) != vertex)
    )
    assert len(ring) == 5
    centre = x[ring].mean(axis=0)
    # Between two atoms of the ring, which make room: six atoms on a wider circle.
    u = x[ring[0]] - centre
    u -= (u @ axis) * axis
    u /= np.linalg.norm(u)
    v = np.cross(axis, u)
    angle = np.arctan2((x[ring] - centre) @ v, (x[ring] - centre) @ u)
    order = [*ring[np.argsort(angle)], vertex]
    for place, atom in enumerate(order):
        turn = 2.0 * np.pi * place / 6.0
        x[atom] = centre + 2.8 * (np.cos(turn) * u + np.sin(turn) * v)
    found = analyze(relaxed(x), "Au")
    assert found.labels == "ih"
    assert found.descriptors["rosettes"] == 1
    assert found.descriptors["vertex_vacancies"] == 0


@pytest.mark.parametrize("metal", ["Au", "Ag", "Cu"])
@pytest.mark.parametrize("n", [55, 147, 309])
def test_an_icosahedron_without_its_centre_is_one(n, metal):
    x = built("icosahedron", n, metal)
    centre = int(np.argmin(np.linalg.norm(x - x.mean(axis=0), axis=1)))
    found = analyze(relaxed(without(x, [centre]), metal), metal)
    assert found.labels == "ih"
    # Its shells are those of a whole one, so it is as sure.
    assert found.margins > 0.9
    assert found.descriptors["disordered_fraction"] == 0.0
    assert found.descriptors["fivefold_axes"] == 6


@pytest.mark.parametrize("motif", ["octahedron", "twin", "decahedron"])
def test_a_vacancy_inside_disorders_nothing(motif):
    x = built(motif, 201, "Cu")
    whole = analyze(x, "Cu")
    inside = np.argsort(np.linalg.norm(x - x.mean(axis=0), axis=1))[2]
    found = analyze(relaxed(without(x, [inside]), "Cu"), "Cu")
    assert found.labels == whole.labels
    for name in ("disordered_fraction", "fcc_fraction", "hcp_fraction", "fivefold_axes"):
        assert found.descriptors[name] == pytest.approx(whole.descriptors[name]), name


@pytest.mark.parametrize(("cut", "label"), [(3.0, "ih"), (0.0, "mix"), (-3.0, "amorphous")])
def test_an_icosahedron_with_one_side_molten(cut, label):
    potential = nc.potentials.gupta("Cu")
    x = built("icosahedron", 309, "Cu")
    x = x - x.mean(axis=0)
    hot = nc.dynamics.initialize(x[None], potential, temperatures=[1600.0], seed=3)
    hot, _ = nc.dynamics.run_segment(
        hot, potential, nc.dynamics.Langevin(time_step=3.0), n_steps=4_000
    )
    liquid = hot.positions[0] - hot.positions[0].mean(axis=0)
    joined = np.vstack([x[x[:, 0] < cut], liquid[liquid[:, 0] > cut + 1.9]])
    assert classify(relaxed(joined, "Cu"), "Cu") == label


def close_packed(stacking, rows=7):
    """Ball cut out of close-packed planes in the order of the letters A, B, C."""
    a, heights = 2.88, 2.88 * np.sqrt(2.0 / 3.0)
    shift = {"A": (0.0, 0.0), "B": (0.5, np.sqrt(3) / 6), "C": (1.0, np.sqrt(3) / 3)}
    i, j = np.meshgrid(np.arange(-rows, rows), np.arange(-rows, rows))
    plane = np.stack([i + 0.5 * j, np.sqrt(3) / 2 * j], axis=-1).reshape(-1, 2)
    layers = [
        np.column_stack([a * (plane + shift[s]), np.full(len(plane), k * heights)])
        for k, s in enumerate(stacking)
    ]
    x = np.vstack(layers)
    middle = np.array([0.3, 0.3, 0.5 * (len(stacking) - 1) * heights])
    return x[np.linalg.norm(x - middle, axis=1) < 9.0]


@pytest.mark.parametrize(
    ("stacking", "label", "planes"),
    [
        ("ABCABCA", "fcc", 0),
        ("ABCACBA", "twin", 1),
        ("ABCABABC", "twin", 2),  # an intrinsic stacking fault
        ("ABABABA", "twin", 5),
    ],
)
def test_stacking_of_close_packed_planes(stacking, label, planes):
    found = analyze(relaxed(close_packed(stacking)), "Au")
    assert found.labels == label
    assert found.descriptors["hcp_planes"] == planes
    assert found.descriptors["hcp_orientations"] == min(planes, 1)


def test_two_decahedra_grown_together_are_mixed():
    """Twenty tetrahedra of an icosahedron less most of it: several five-fold axes remain."""
    x = built("icosahedron", 309, "Cu")
    x = x - x.mean(axis=0)
    vertices = x[np.flatnonzero(bonds_per_atom(x, "Cu") == 6)]
    a = vertices[0]
    b = vertices[np.argsort(np.linalg.norm(vertices - a, axis=1))[1]]
    direction = (a + b) / np.linalg.norm(a + b)
    part = x[x @ direction > 0.6]
    found = analyze(relaxed(part, "Cu"), "Cu")
    assert found.descriptors["fivefold_axes"] > 1
    assert found.labels == "mix"


def test_defects_of_a_marks_decahedron():
    found = analyze(built("decahedron", 146), "Au").descriptors
    assert found["fivefold_axes"] == 1
    assert found["axis_offset"] == pytest.approx(0.0, abs=1e-3)
    assert found["hcp_planes"] == found["hcp_orientations"] == 5
    assert found["hcp_islands"] == 0
    assert found["groove_atoms"] == 5  # one at the bottom of each of five grooves
    assert found["surface_cn6"] + found["surface_cn7"] + found["surface_cn8"] == 62
    assert found["vertex_vacancies"] == found["surface_vacancies"] == found["adatoms"] == 0


def test_an_atom_out_of_a_facet_is_a_surface_vacancy():
    x = built("octahedron", 201, "Cu")
    inner = np.flatnonzero(bonds_per_atom(x, "Cu") == 9)
    found = analyze(relaxed(without(x, inner[:1]), "Cu"), "Cu").descriptors
    assert found["surface_vacancies"] == 1
    assert found["vertex_vacancies"] == 0


def test_shape_by_the_eigenvalues_of_the_gyration_tensor():
    x = built("random", 60)
    x = x - x.mean(axis=0)
    a, b, c = np.linalg.eigvalsh(x.T @ x / len(x))
    anisotropy = 1.0 - 3.0 * (a * b + b * c + c * a) / (a + b + c) ** 2
    assert descriptor(x, "gyration_radius") == pytest.approx(np.sqrt(a + b + c))
    assert descriptor(x, "asphericity") == pytest.approx(anisotropy, rel=1e-9)


def test_descriptors_do_not_depend_on_numbering_place_or_orientation():
    x = built("twin", 120)
    rng = np.random.default_rng(1)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    moved = (x @ turn + [20.0, 1.0, -4.0])[rng.permutation(len(x))]
    before, after = analyze(x, "Au"), analyze(moved, "Au")
    assert before.labels == after.labels
    for name in DESCRIPTORS:
        assert after.descriptors[name] == pytest.approx(before.descriptors[name], nan_ok=True)


def test_batches_have_the_shape_of_what_was_given():
    x = np.stack([built(m, 100) for m in OWN])
    found = analyze(x[:, None], "Au")
    assert found.codes.shape == found.margins.shape == (5, 1)
    assert [str(s) for s in found.labels[:, 0]] == list(OWN.values())
    assert set(found.descriptors) == set(DESCRIPTORS)
    assert ((found.margins >= 0.0) & (found.margins <= 1.0)).all()
    assert classify(x[:0], "Au").shape == (0,)


def test_liquid_structures_are_amorphous():
    hot = nc.dynamics.initialize(
        np.repeat(built("octahedron", 147)[None], 12, axis=0),
        GOLD,
        temperatures=[900.0] * 12,
        seed=4,
    )
    hot, _ = nc.dynamics.run_segment(hot, GOLD, nc.dynamics.Langevin(time_step=5.0), n_steps=6_000)
    labels = classify(relaxed(hot.positions), "Au")
    assert (labels == "amorphous").sum() >= 9
    assert set(labels.tolist()) <= {"amorphous", "mix"}


@pytest.mark.parametrize("temperature", [250.0, 500.0])
@pytest.mark.parametrize("metal", ["Au", "Ag", "Cu"])
def test_thermal_frames_are_refused(metal, temperature):
    potential = nc.potentials.gupta(metal)
    hot = nc.dynamics.initialize(
        np.repeat(built("octahedron", 147, metal)[None], 4, axis=0),
        potential,
        temperatures=[temperature] * 4,
        seed=4,
    )
    hot, _ = nc.dynamics.run_segment(
        hot, potential, nc.dynamics.Langevin(time_step=3.0), n_steps=600
    )
    with pytest.raises(ValueError, match=r"must be quenched.*use nanochart.minimization.quench"):
        classify(hot.positions, metal)


def minimum_of(calculator, metal, motif, n, distance):
    """A built structure of silver, relaxed by another potential at another size."""
    atoms = Atoms([metal] * n, positions=built(motif, n, "Ag") * distance / 2.89)
    atoms.calc = calculator
    assert BFGS(atoms, logfile=None).run(fmax=1e-3, steps=500)
    return atoms.positions


@pytest.mark.parametrize(
    ("metal", "calculator"),
    [
        ("Ag", MorsePotential(r0=2.89, rho0=4.0, epsilon=0.3, rcut1=10.0, rcut2=12.0)),
        ("Ag", EMT()),
        ("Pt", EMT()),
    ],
)
@pytest.mark.parametrize(("motif", "label"), [("icosahedron", "ih"), ("decahedron", "dh")])
def test_minima_of_another_potential_are_not_taken_for_thermal(metal, calculator, motif, label):
    distance = {"Ag": 2.89, "Pt": 2.77}[metal]
    x = minimum_of(calculator, metal, motif, 55, distance)
    # Potentials differ in their lattice constants, too.
    for size in (0.97, 1.0, 1.02):
        assert classify(size * x, metal, nearest_neighbour=distance) == label


def test_the_apparent_temperature_is_that_of_the_frames():
    x = np.repeat(built("decahedron", 75)[None], 40, axis=0)
    hot = nc.dynamics.initialize(x, GOLD, temperatures=[100.0] * 20 + [300.0] * 20, seed=4)
    dynamics = nc.dynamics.Langevin(time_step=3.0, friction=1e-3)
    hot, _ = nc.dynamics.run_segment(hot, GOLD, dynamics, n_steps=1500)
    found = apparent_temperature(1.03 * hot.positions, "Au", nc.descriptors.bonding_cutoff("Au"))
    # 219 degrees of freedom: one frame is known within a tenth.
    assert found[:20].mean() == pytest.approx(100.0, rel=0.1)
    assert found[20:].mean() == pytest.approx(300.0, rel=0.1)
    assert apparent_temperature(x[:1], "Au", nc.descriptors.bonding_cutoff("Au"))[0] < 1.0


def test_small_minima_are_not_taken_for_thermal():
    x = np.stack([built("random", 38)] + [built(m, 38) for m in OWN])
    assert set(classify(x, "Au").tolist()) <= set(LABELS)


def test_an_unknown_metal_is_named():
    with pytest.raises(ValueError, match="got 'Pd': give nearest_neighbour"):
        classify(built("octahedron", 38), "Pd")


def test_label_stage_and_command(small_copy):
    done = nanochart("label", small_copy / "run.zarr", "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    data = nc.store.open(small_copy / "run.zarr").to_xarray()
    expected = analyze(data["inherent_positions"].to_numpy().astype(float), "Au")
    assert (data["motif"].to_numpy() == expected.codes).all()
    assert data["motif"].attrs["flag_meanings"].split()[1:] == list(LABELS)
    assert data["defect_axis_offset"].attrs["units"] == "Å"
    assert np.allclose(data["defect_adatoms"], expected.descriptors["adatoms"])
    assert sum(printed["motifs"].values()) == data["motif"].size == printed["structures"]


def test_a_run_that_is_not_quenched_is_not_labelled(tmp_path):
    run = nc.workflow.sample(small_config(), tmp_path / "run.zarr")
    with pytest.raises(nc.errors.StoreError, match=r"0 quenched frames of \d+: run `nanochart q"):
        nc.workflow.label_run(run)


def test_clusters_of_two_sizes_are_one_sentence():
    x = [np.zeros((147, 3)), np.zeros((55, 3))]
    with pytest.raises(ValueError, match="of one number of atoms; got 55 and 147: take each size"):
        nc.motifs.classify(x, "Au")


@pytest.mark.parametrize("motif", ["icosahedron", "decahedron"])
def test_descriptors_do_not_know_the_numbering_of_shaken_and_quenched_clusters(motif):
    rng = np.random.default_rng(8)
    gold = nc.potentials.gupta("Au")
    x = nc.clusters.build(motif, "Au", 147).positions
    x = x[np.argsort(rng.random(147))[:-3]] if motif == "icosahedron" else x
    shaken = x + rng.normal(0, 0.22, (6, *x.shape))
    cold = nc.minimization.quench(shaken, gold).positions
    mixed = cold[:, rng.permutation(x.shape[0])]
    first, other = analyze(cold, "Au"), analyze(mixed, "Au")
    assert (first.labels == other.labels).all()
    for name in DESCRIPTORS:
        a, b = first.descriptors[name], other.descriptors[name]
        np.testing.assert_allclose(a, b, atol=0.02, err_msg=name)


def test_a_metal_of_a_table_is_labelled_with_what_the_run_holds(tmp_path):
    import ase.io

    table = tmp_path / "pt.setfl"
    nc.potentials.gupta("Au").write_setfl(table)
    table.write_text(table.read_text().replace("Au", "Pt"))
    atoms = nc.clusters.build("icosahedron", "Au", 55)
    atoms.symbols[:] = "Pt"
    atoms.info.clear()
    ase.io.write(tmp_path / "pt.extxyz", [atoms, atoms])
    run = tmp_path / "pt.zarr"
    nanochart("import", run, tmp_path / "pt.extxyz", "--potential", table, "-q")
    table.unlink()
    nanochart("quench", run, "-q")
    labelled = nanochart("label", run, "-q")
    assert "ih" in labelled.stdout
