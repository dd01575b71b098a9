"""Families of a chart: planted groups found again, their number, their assignment, their file."""

import pickle
import time

import numpy as np
import pytest
from scipy.spatial.distance import pdist

import nanochart as nc
from nanochart.autoencoder import read_tensors, write_tensors
from nanochart.errors import ModelError
from nanochart.landscape import (
    Families,
    FamiliesConfig,
    ReconstructionMetric,
    family_agreement,
    fit_families,
    load_families,
)
from nanochart.landscape.choice import by_stability, try_settings
from nanochart.landscape.minima import distinct_minima, draw_sample, principal_radii

CENTRES = ((0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (0.0, 2.0, 0.0), (1.0, 1.0, 1.5), (-1.5, -1.0, 0.0))
SIZES = (800, 600, 400, 50, 2000)
QUICK = FamiliesConfig(n_fit=2000, n_resamples=3)


@pytest.fixture(scope="module")
def planted():
    """Three blobs, a rare one, one minimum found 2,000 times, and noise: points, energies, truth.

    The blobs are five standard deviations or more apart; the noise fills the box around them.
    """
    rng = np.random.default_rng(0)
    blobs = [rng.normal(c, 0.15, (n, 3)) for c, n in zip(CENTRES[:4], SIZES[:4], strict=True)]
    same = np.tile(CENTRES[4], (SIZES[4], 1))
    noise = rng.uniform(-2.0, 3.0, (150, 3))
    points = np.concatenate([*blobs, same, noise])
    truth = np.repeat(np.arange(6), [*SIZES, 150])
    energies = rng.uniform(0.0, 5.0, len(points))
    energies[truth == 4] = -0.1
    return points, energies, truth


@pytest.fixture(scope="module")
def fitted(planted):
    points, energies, _ = planted
    return fit_families(points, QUICK, energies=energies)


def shares(codes, truth):
    """(group, family) share of the members of each planted group."""
    table = np.zeros((6, codes.max() + 1))
    np.add.at(table, (truth, codes), 1.0)
    return table / table.sum(axis=1, keepdims=True)


def test_blobs_a_rare_blob_and_a_single_minimum_are_found_and_noise_is_noise(planted, fitted):
    points, _, truth = planted
    table = shares(fitted.assign(points), truth)
    assert fitted.n_families == 5
    assert (table[:5, 1:].max(axis=1) > 0.97).all()
    assert len(set(table[:5, 1:].argmax(axis=1))) == 5
    assert table[5, 0] > 0.6


def test_codes_rank_by_frames(planted, fitted):
    sizes = np.bincount(fitted.assign(planted[0]))[1:]
    assert (np.diff(sizes) <= 0).all()
    assert fitted.names == ("noise", *(f"family/{k}" for k in range(1, 6)))


def test_the_number_is_recovered():
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(c, 0.2, (250, 2)) for c in ((0, 0), (2, 0), (0, 2))])
    found = fit_families(points, FamiliesConfig(refine=False))
    assert found.n_families == 3
    assert len(found.trials) > 3


def test_a_mixture_is_as_stable_as_its_number_is_right():
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(c, 0.2, (250, 2)) for c in ((0, 0), (2, 0), (0, 2))])
    tried = try_settings(points, "mixture", FamiliesConfig(), rng)
    assert by_stability([trial for trial, _ in tried], 0.8)[0].families == 3


def test_one_blob_is_one_family():
    # A threshold of stability lets chance through once in a while: one blob in twelve is parted.
    blobs = [np.random.default_rng(k).normal(size=(600, 2)) * (2.0, 1.0) for k in range(8)]
    assert sum(fit_families(points).n_families == 1 for points in blobs) >= 6


def test_a_part_that_only_shows_within_its_family_is_found_by_refining():
    # Two pairs: the gap within the second is far smaller than the distance between the pairs.
    rng = np.random.default_rng(3)
    groups = [((0.0, 0.0), 0.6, 600), ((9.0, 0.0), 0.06, 300), ((9.6, 0.0), 0.06, 300)]
    points = np.concatenate([rng.normal(c, width, (n, 2)) for c, width, n in groups])
    energies = np.arange(len(points), dtype=float)  # all are distinct
    coarse = FamiliesConfig(size=350, refine=False)
    assert fit_families(points, coarse, energies=energies).n_families == 2
    fine = coarse.model_copy(update={"refine": True})
    assert fit_families(points, fine, energies=energies).n_families == 3


def test_seeds_agree(planted, fitted):
    points, energies, _ = planted
    other = fit_families(points, QUICK.model_copy(update={"seed": 7}), energies=energies)
    assert family_agreement(fitted.assign(points), other.assign(points)) > 0.95


def test_the_same_seed_gives_the_same_families(planted, fitted):
    points, energies, _ = planted
    again = fit_families(points, QUICK, energies=energies)
    np.testing.assert_array_equal(again.labels, fitted.labels)


def test_a_setting_that_was_given_is_used():
    points = np.random.default_rng(4).normal(size=(300, 2))
    found = fit_families(points, FamiliesConfig(size=100, refine=False))
    assert (found.size, found.trials) == (100, ())


def test_a_chart_of_one_dimension():
    rng = np.random.default_rng(5)
    points = np.concatenate([rng.normal(c, 0.1, (200, 1)) for c in (0.0, 1.0)])
    found = fit_families(points, FamiliesConfig(n_resamples=2, refine=False))
    assert found.n_families == 2
    assert found.assign([[0.0]]) != found.assign([[1.0]])


# ------------------------------------------------------------------------------ assignment


def test_a_million_points_are_assigned_quickly_and_as_one_by_one(planted, fitted):
    points = planted[0]
    rng = np.random.default_rng(6)
    many = points[rng.integers(len(points), size=1_000_000)] + rng.normal(0, 0.02, (1_000_000, 3))
    begun = time.perf_counter()
    codes = fitted.assign(many.reshape(1000, 1000, 3))
    assert time.perf_counter() - begun < 60  # seconds; about 2 on an idle machine
    assert codes.shape == (1000, 1000)
    assert codes.dtype == np.int16
    np.testing.assert_array_equal(codes.ravel()[:50], [fitted.assign(p) for p in many[:50]])


def test_what_is_far_from_everything_is_noise(fitted):
    assert fitted.assign([50.0, 0.0, 0.0]) == 0
    assert fitted.assign(np.empty((0, 3))).shape == (0,)


def test_points_of_another_chart_are_refused(fitted):
    with pytest.raises(ValueError, match=r"must have the shape \(\.\.\., 3\).* got \(5, 2\)"):
        fitted.assign(np.zeros((5, 2)))


def test_nan_is_refused(fitted):
    with pytest.raises(ValueError, match="must be finite; got NaN or infinity in 1 of 2"):
        fitted.assign([[0.0, 0.0, 0.0], [np.nan, 0.0, 0.0]])


# ------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("points", "energies", "sentence"),
    [
        (np.zeros((10, 3)), None, "at least 50 quenched frames to be told apart; got 10"),
        (np.zeros(100), None, r"shape \(frame, d\).* got \(100,\)"),
        (np.full((100, 2), np.nan), None, "NaN or infinity in 100 of 100"),
        (np.zeros((100, 2)), np.zeros(99), r"shape \(100,\), one for each frame; got \(99,\)"),
        (np.zeros((100, 2)), np.full(100, np.inf), "energies of minima must be finite"),
    ],
)
def test_bad_points_are_one_sentence(points, energies, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit_families(points, energies=energies)


def test_no_family_large_enough_is_one_sentence():
    points = np.random.default_rng(7).normal(size=(60, 2))
    with pytest.raises(ValueError, match="no family has the 100 frames"):
        fit_families(points, FamiliesConfig(smallest=100))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"size": 1}, "greater than or equal to 2"),
        ({"size": 2.5}, "size"),
        ({"method": "kmeans"}, r"method\n.*Extra inputs"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        FamiliesConfig(**settings)


# ------------------------------------------------------------------- minima that stand alone


def with_single_minima(counts, seed=11):
    """Two blobs of minima, and single ones far off found as often as said: points, E, truth."""
    rng = np.random.default_rng(seed)
    blobs = [rng.normal(c, 0.1, (n, 3)) for c, n in (((0, 0, 0), 1500), ((1, 0, 0), 1500))]
    single = [np.tile((3.0 + k, -2.0, 1.0), (n, 1)) for k, n in enumerate(counts)]
    points = np.concatenate([*blobs, *single])
    truth = np.repeat(np.arange(2 + len(counts)), [1500, 1500, *counts])
    energies = np.where(truth < 2, rng.uniform(0.0, 5.0, len(points)), -1.0 - truth)
    return points + rng.normal(0.0, 1e-6, points.shape), energies, truth


def test_a_minimum_that_is_visited_often_is_a_family_of_its_own():
    points, energies, truth = with_single_minima((184, 40))
    config = FamiliesConfig(n_fit=2000, n_resamples=2, refine=False)
    codes = fit_families(points, config, energies=energies).assign(points)
    for group in (2, 3):
        own = np.unique(codes[truth == group])
        assert own.size == 1
        assert own[0] > 0
        assert not (codes[truth != group] == own[0]).any()


def test_only_what_is_visited_hardly_at_all_is_noise():
    points, energies, truth = with_single_minima((184, 12, 3))
    config = QUICK.model_copy(update={"smallest": 10, "refine": False})
    codes = fit_families(points, config, energies=energies).assign(points)
    assert (codes[truth == 3] > 0).all()
    assert (codes[truth == 4] == 0).all()
    # More often than a family must be, but below a thousandth of all frames: with those near it.
    many = np.concatenate([np.tile(points[truth < 2], (6, 1)), points[truth >= 2]])
    E = np.concatenate([np.tile(energies[truth < 2], 6), energies[truth >= 2]])
    found = fit_families(many, config, energies=E)
    near = found.assign(points[truth == 3])
    assert (near > 0).all()


@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-3])
def test_frames_of_one_minimum_are_one_family(noise):
    # A chart of frames that are all alike shows their rounding alone, at any magnification.
    rng = np.random.default_rng(12)
    points = rng.normal(0.0, max(noise, 1e-12), (201, 3))
    energies = -200.0 + rng.normal(0.0, 1e-6, 201)
    shapes = np.array([4.0, 4.0, 4.0]) + rng.normal(0.0, 1e-5, (201, 3))
    assert len(distinct_minima(points, energies, shapes).counts) == 1
    found = fit_families(points, energies=energies, shapes=shapes)
    assert found.n_families == 1
    assert (found.assign(points) == 1).all()


def test_a_few_minima_are_a_family_each():
    rng = np.random.default_rng(13)
    places, counts = rng.normal(size=(6, 3)), np.array([300, 120, 60, 20, 11, 4])
    which = rng.permutation(np.repeat(np.arange(6), counts))
    points = places[which] + rng.normal(0.0, 1e-5, (len(which), 3))
    codes = fit_families(points, energies=-1.0 * which).assign(points)
    # By rising code those found most often first; what was found four times is noise.
    np.testing.assert_array_equal(codes, np.array([1, 2, 3, 4, 5, 0])[which])


def test_a_few_minima_found_once_are_one_family():
    points = np.repeat(np.random.default_rng(14).normal(size=(25, 2)), 3, axis=0)
    assert fit_families(points, energies=np.repeat(np.arange(25.0), 3)).n_families == 1


# ------------------------------------------------------------------------- distinct minima


def test_a_minimum_is_an_energy_at_a_place():
    rng = np.random.default_rng(8)
    spread = rng.normal(size=(500, 2))
    points = np.concatenate([np.tile(spread[0], (30, 1)), np.tile(spread[1], (20, 1)), spread[2:]])
    energies = np.r_[np.full(30, 0.5), np.full(20, 0.5), np.arange(498) + 1.0]
    found = distinct_minima(points, energies)
    assert sorted(found.counts)[-2:] == [20, 30]
    assert len(found.counts) == 500
    # The same place with energies that differ by ten tolerances.
    two = distinct_minima(points[:30], 0.5 + 1e-3 * (np.arange(30) % 2))
    assert sorted(two.counts) == [15, 15]


def test_quenches_of_one_minimum_are_one_whatever_else_there_is():
    # As frames of one icosahedron alone and among others: tolerances are absolute.
    potential = nc.potentials.gupta("Cu")
    built = [nc.clusters.build(m, "Cu", 55).positions for m in ("icosahedron", "decahedron")]
    rng = np.random.default_rng(15)
    shaken = np.repeat(np.stack(built), 40, axis=0) + rng.normal(0.0, 0.05, (80, 55, 3))
    q = nc.minimization.quench(shaken, potential, max_force=1e-3)
    shapes = principal_radii(q.positions @ np.linalg.qr(rng.normal(size=(3, 3)))[0] + 7.0)
    np.testing.assert_allclose(shapes, principal_radii(q.positions), atol=1e-9)
    together = distinct_minima(np.zeros((80, 2)), q.energies, shapes)
    alone = distinct_minima(np.zeros((40, 2)), q.energies[:40], shapes[:40])
    assert alone.counts.tolist() == [40]
    assert sorted(together.counts) == [40, 40]


def test_a_minimum_on_the_border_of_two_cells_is_one():
    energies = 0.5 * 1e-4 + np.linspace(-2e-5, 2e-5, 41)
    assert distinct_minima(np.zeros((41, 1)), energies).counts.tolist() == [41]


def test_equal_energies_of_other_shapes_are_other_minima():
    shapes = np.array([[4.0, 4.0, 4.0], [3.9, 4.0, 4.1]])
    assert len(distinct_minima(np.zeros((2, 2)), [1.0, 1.0], shapes).counts) == 2


def test_a_minimum_found_n_times_counts_as_root_n():
    points = np.concatenate([np.zeros((400, 2)), np.random.default_rng(9).normal(size=(100, 2))])
    minima = distinct_minima(points)
    sample = draw_sample(minima, 10_000, np.random.default_rng(0))
    per_minimum = np.bincount(sample.minimum)
    assert per_minimum[minima.index[0]] == 20
    assert sorted(per_minimum)[:-1] == [1] * 100


def test_a_small_sample_keeps_what_is_rare():
    rng = np.random.default_rng(10)
    dense, rare = rng.normal(size=(5000, 2)) * 0.1, rng.normal(size=(50, 2)) * 0.2 + 3.0
    minima = distinct_minima(np.concatenate([dense, rare]), np.arange(5050.0))
    sample = draw_sample(minima, 500, rng)
    # In proportion it would be five, within two standard errors at most ten.
    assert len(sample.points) == 500
    assert (sample.points[:, 0] > 2.0).sum() > 15


# ---------------------------------------------------------------------------------- metric


def decoded(places):
    """An RDF of 60 bins, linear in two hidden coordinates, so distances are those among them."""
    modes = np.linalg.qr(np.random.default_rng(3).normal(size=(60, 2)))[0]
    return 0.5 + places @ modes.T


def test_distances_of_the_reconstruction_are_those_of_the_functions():
    places = np.random.default_rng(4).normal(size=(300, 2))
    metric = ReconstructionMetric(lambda s: decoded(s**3), width=0.25, n_components=4)
    found, exact = pdist(metric(places)), np.sqrt(0.25) * pdist(decoded(places**3))
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-12)


def test_two_charts_that_stretch_the_same_functions_differently_have_the_same_families():
    rng = np.random.default_rng(5)
    places = np.concatenate([rng.normal((c, 0.0), 0.25, (400, 2)) for c in (-1.2, 0.0, 1.2)])
    stretched = np.stack([np.exp(2.5 * places[:, 0]), places[:, 1]], axis=1)

    def unstretch(s):
        return np.stack([np.log(s[:, 0]) / 2.5, s[:, 1]], axis=1)

    energies = np.arange(1200.0)  # every point is a minimum of its own
    config = FamiliesConfig(size=100, refine=False)
    plain = fit_families(places, config, energies=energies, metric=ReconstructionMetric(decoded))
    other = fit_families(
        stretched, config, energies=energies,
        metric=ReconstructionMetric(lambda s: decoded(unstretch(s))),
    )  # fmt: skip
    assert family_agreement(plain.assign(places), other.assign(stretched)) > 0.95
    alone = fit_families(stretched, config, energies=energies)
    assert family_agreement(plain.assign(places), alone.assign(stretched)) < 0.9


# ------------------------------------------------------------------------------------ file


def test_saved_and_loaded_families_are_equal(fitted, tmp_path, planted):
    named = fitted.described(
        ("noise", "a/1", "a/2", "b/1", "b/2", "b/3"), [{"code": k} for k in range(5)]
    )
    path = tmp_path / "au.families"
    named.save(path)
    read = load_families(path)
    for name in ("reach", "config", "size", "trials", "names", "cards", "provenance"):
        assert getattr(read, name) == getattr(named, name), name
    np.testing.assert_array_equal(read.points, named.points)
    np.testing.assert_array_equal(read.assign(planted[0]), named.assign(planted[0]))


@pytest.mark.parametrize("method", ["hdbscan", "meanshift"])
def test_a_file_of_an_earlier_version_is_read_unless_its_method_is_no_more(
    fitted, tmp_path, planted, method
):
    path = tmp_path / "families"
    fitted.save(path)
    arrays, header = read_tensors(path, "nanochart families", 3)
    header |= {"version": 2, "knob": header.pop("size")}
    header["config"] |= {
        "method": method, "size": "auto", "bandwidth": "auto", "number": "auto",
        "criterion": "stability",
    }  # fmt: skip
    write_tensors(path, arrays, header)
    if method == "hdbscan":
        read = load_families(path)
        assert (read.config, read.size) == (fitted.config, fitted.size)
        np.testing.assert_array_equal(read.assign(planted[0]), fitted.assign(planted[0]))
    else:
        with pytest.raises(ModelError, match=r"by 'meanshift'.*run `nanochart families` again"):
            load_families(path)


def test_no_bit_of_saved_families_may_change(fitted, tmp_path):
    path = tmp_path / "families"
    fitted.save(path)
    content = path.read_bytes()
    for place in np.random.default_rng(1).integers(len(content), size=100):
        changed = bytearray(content)
        changed[place] ^= 4
        path.write_bytes(changed)
        with pytest.raises(ModelError, match=r"is damaged|must |version|the header of"):
            load_families(path)


def test_a_pickle_is_never_opened(tmp_path):
    path = tmp_path / "bad.families"
    path.write_bytes(pickle.dumps({"points": [1.0]}))
    with pytest.raises(ModelError, match="a pickle, which could run code when read"):
        load_families(path)


def test_a_model_is_not_families(tmp_path):
    from nanochart.autoencoder.tensor_file import write_tensors

    path = tmp_path / "model.families"
    write_tensors(path, {"w": np.zeros(3)}, {"format": "nanochart model", "version": 1})
    with pytest.raises(ModelError, match="must be a nanochart families file; got a 'nanochart mod"):
        load_families(path)


def test_arrays_that_do_not_fit_the_names_are_refused(tmp_path, fitted):
    broken = Families(
        **{**{f: getattr(fitted, f) for f in fitted.__dataclass_fields__}, "names": ("noise",)}
    )
    broken.save(tmp_path / "broken.families")
    with pytest.raises(ModelError, match="their labels from 0 to 0"):
        load_families(tmp_path / "broken.families")


def test_cards_and_names_must_be_as_many_as_families(fitted):
    with pytest.raises(ValueError, match="5 families need as many cards and one name more"):
        fitted.described(("noise",), [])
