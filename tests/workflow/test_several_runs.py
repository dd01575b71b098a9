"""One chart over several runs: lengths in nearest-neighbour distances, equal shares of the loss."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import nanochart as nc
from helpers.command import nanochart
from helpers.configs import small_config
from nanochart import store
from nanochart.autoencoder import TrainingConfig, model_file, train
from nanochart.autoencoder.data import TrainingData, check_data
from nanochart.errors import ConfigError, ModelError, StoreError
from nanochart.metals import NEAREST_NEIGHBOUR
from nanochart.workflow import (
    chart_run,
    draw_shared_chart,
    shared_chart,
    train as training,
    train_runs,
)
from nanochart.workflow.reconstruction import held_out_reconstruction

N = 13
RDF = nc.descriptors.RDF(r_min=1.5, r_max=9.5, n_bins=80, sigma=0.2)
C = NEAREST_NEIGHBOUR["Au"] / NEAREST_NEIGHBOUR["Cu"]


def gold(count, seed=0):
    """Icosahedra of gold, stretched and rattled."""
    random = np.random.default_rng(seed)
    x = np.repeat(nc.clusters.build("icosahedron", "Au", N).positions[None], count, axis=0)
    x[..., 2] *= 1.0 + random.gamma(2.0, 0.02, (count, 1))
    return x + 0.05 * random.standard_normal(x.shape)


@pytest.fixture(scope="module")
def model():
    x = gold(120)
    config = TrainingConfig(target="self", bottleneck=2, epochs=3)
    lengths = {metal: NEAREST_NEIGHBOUR[metal] for metal in ("Au", "Ag", "Cu")}
    split = np.repeat([0, 1, 2], [80, 20, 20])
    made, _ = train(
        RDF(x), None, split, config, rdf=RDF, element="Au", n_atoms=N, threads=1, lengths=lengths
    )
    return made


def test_clusters_that_differ_by_the_size_of_their_atoms_are_one_point(model):
    x = gold(5, seed=1)
    s = model.encode(x)
    assert_allclose(model.encode(x / C, "Cu"), s, rtol=1e-10, atol=1e-12)
    assert_array_equal(model.encode(x, "Au"), s)
    assert np.abs(model.encode(x / C * 1.01, "Cu") - s).min() > 1e-3


def test_densities_are_in_the_lengths_of_the_models_own_metal(model):
    x = gold(5, seed=1)
    assert_allclose(model.density(x / C, "Cu"), model.density(x), rtol=1e-9, atol=1e-12)
    assert_allclose(model.density(x), RDF(x), rtol=1e-12)


@pytest.mark.parametrize("metal", ["Au", "Cu"])
def test_the_jacobian_is_the_finite_difference_in_the_metals_own_lengths(model, metal):
    x = gold(1, seed=2)[0] / (C if metal == "Cu" else 1.0)
    s, ds_dx = model.encode_with_jacobian(x, metal)
    assert_allclose(s, model.encode(x, metal), rtol=1e-12)
    h = 1e-4
    for atom, axis in ((0, 0), (4, 2), (9, 1)):
        step = np.zeros_like(x)
        step[atom, axis] = h
        slope = (model.encode(x + step, metal) - model.encode(x - step, metal)) / (2 * h)
        assert_allclose(ds_dx[:, atom, axis], slope, rtol=1e-5, atol=1e-6)


def test_the_metals_travel_with_the_file(model, tmp_path):
    model.save(tmp_path / "m.nanochart")
    again = nc.autoencoder.load(tmp_path / "m.nanochart")
    assert again.elements == ("Au", "Ag", "Cu")
    assert again.clusters == "Au13, Ag13 and Cu13"
    x = gold(2) / C
    assert_array_equal(again.encode(x, "Cu"), model.encode(x, "Cu"))
    assert again.fingerprint == model.fingerprint
    assert dataclasses.replace(model, lengths={}).fingerprint != model.fingerprint


def test_a_file_without_lengths_is_a_chart_of_one_metal(model, tmp_path, monkeypatch):
    header = model_file.Header
    dump = header.model_dump
    monkeypatch.setattr(
        header,
        "model_dump",
        lambda self, **k: {
            **{name: v for name, v in dump(self, **k).items() if name != "lengths"},
            "version": 1,
        },
    )
    model.save(tmp_path / "old.nanochart")
    monkeypatch.undo()
    old = nc.autoencoder.load(tmp_path / "old.nanochart")
    assert old.elements == ("Au",)
    assert_array_equal(old.encode(gold(2)), model.encode(gold(2)))
    with pytest.raises(ModelError, match=r"charts Au13; got Cu: train one on runs of both"):
        old.encode(gold(2), "Cu")


def test_lengths_without_the_reference_are_refused(model):
    with pytest.raises(ModelError, match=r"must be positive and include that of Au; got {'Cu'"):
        dataclasses.replace(model, lengths={"Cu": 2.56})


def test_the_loss_weighs_samples_by_hand():
    g = np.array([[1.0, 2.0], [0.0, 4.0], [5.0, 5.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    split = np.repeat([0, 1, 2], 2)
    raw = check_data(g, None, split, [3, 1, 2, 2, 7, 7], target="self", n_bins=2)
    assert_allclose(raw.weights, [1.5, 0.5, 1, 1, 1, 1])  # of mean 1 in each part
    data = TrainingData(raw, torch.from_numpy(raw.inputs), torch.from_numpy(raw.targets))
    # Errors (1, 0) and (0, 2): mean squares 1/2 and 2, so (3/2 * 1/2 + 1/2 * 2) / 2 = 7/8.
    outputs = data.y[:2] + torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    assert float(data.loss(outputs, torch.tensor([0, 1]))) == pytest.approx(7 / 8)


def test_copies_of_a_sample_share_its_weight():
    a, b, held_out = RDF(gold(3)), RDF(gold(3, seed=4)), RDF(gold(4, seed=5))
    rows, split = np.concatenate([a, a, b, b, held_out]), np.repeat([0, 1, 2], [12, 2, 2])
    # One batch per epoch, so the order of the samples does not matter.
    config = TrainingConfig(target="self", bottleneck=1, epochs=5, batch_size=12, averaging=0.0)
    options = {"rdf": RDF, "element": "Au", "n_atoms": N, "threads": 1}

    def losses(*weights):
        w = np.repeat([*weights, 1.0], [3, 3, 3, 3, 4])
        _, history = train(rows, None, split, config, weights=w, **options)
        return [curve.validation_loss for curve in history.curves]

    assert_allclose(losses(2.9, 0.1, 0.5, 0.5), losses(1.5, 1.5, 0.5, 0.5), rtol=1e-3)
    assert not np.allclose(losses(1.0, 1.0, 1.0, 1.0), losses(1.5, 1.5, 0.5, 0.5), rtol=1e-3)


def test_weights_that_are_not_positive_are_refused():
    with pytest.raises(ValueError, match=r"positive number for each of the 6 samples.*with 1 that"):
        check_data(
            np.eye(6), None, np.repeat([0, 1, 2], 2), [1, 1, 0, 1, 1, 1], target="self", n_bins=6
        )


@pytest.fixture(scope="module")
def pair(small_run, tmp_path_factory):
    """A run of Au38 and one of Cu38 with half as many frames, on one chart."""
    folder = tmp_path_factory.mktemp("pair")
    shutil.copytree(small_run / "run.zarr", folder / "au.zarr")
    copper = small_config(system={"metal": "Cu"}, tempering={"time_per_replica": 0.025})
    nc.workflow.quench_run(nc.workflow.sample(copper, folder / "cu.zarr"))
    runs = [store.open(folder / name, mode="a") for name in ("au.zarr", "cu.zarr")]
    config = TrainingConfig(epochs=2, bottleneck=3)
    made = train_runs(runs, folder / "au-cu.nanochart", config)
    for run in runs:
        chart_run(run, made)
    return folder


def test_each_run_has_its_own_split_and_place_in_the_chart(pair):
    model = nc.autoencoder.load(pair / "au-cu.nanochart")
    assert model.elements == ("Au", "Cu")
    for name, metal, frames in (("au.zarr", "Au", 100), ("cu.zarr", "Cu", 50)):
        run = store.open(pair / name)
        data = run.to_xarray()
        assert run.committed("train") == run.committed("chart") == frames
        assert {0, 1, 2} <= set(np.unique(data["split"]))
        assert run.info("train")["runs"] == ["au.zarr", "cu.zarr"]
        x = data["positions"][:3].to_numpy().astype(float)
        assert_allclose(data["chart"][:3], model.encode(x, metal), rtol=1e-5, atol=1e-5)


def test_runs_of_different_lengths_weigh_the_same(pair):
    runs = [store.open(pair / name, mode="a") for name in ("au.zarr", "cu.zarr")]
    frames = [training._frames(run, {"Au": 2.88, "Cu": 2.56}, "Au", 0, 10**6) for run in runs]
    weights = training._balanced(frames)
    split = np.concatenate([part.split.ravel() for part in frames])
    metal = np.repeat([0, 1], [part.split.size for part in frames])
    for code in (0, 1, 2):
        share = [weights[(split == code) & (metal == k)].sum() for k in (0, 1)]
        assert_allclose(share, 1.0)
    # Lengths of both are those of gold: the nearest neighbours are at the same distance.
    nearest = [np.median(_nearest(part.inherent[-1])) for part in frames]
    assert nearest[1] == pytest.approx(nearest[0], rel=0.03)


def _nearest(x):
    distances = np.linalg.norm(x[:, :, None] - x[:, None, :], axis=-1)
    return np.where(distances > 0, distances, np.inf).min(axis=-1)


@pytest.mark.usefixtures("undrawn")
def test_the_report_of_a_run_on_a_shared_chart_uses_its_own_metal(pair, tmp_path):
    run, model = store.open(pair / "cu.zarr"), nc.autoencoder.load(pair / "au-cu.nanochart")
    held_out = held_out_reconstruction(run, model)
    x = run.frames().inherent.positions[:5].reshape(-1, run.metadata.n_atoms, 3)
    nearest = held_out.centers[np.argmax(held_out.targets.mean(axis=0) > 0.1)]
    in_gold = model.density(x, "Cu").mean(axis=0)
    assert nearest == pytest.approx(held_out.centers[np.argmax(in_gold > 0.1)], abs=0.1)
    page = nc.workflow.report_run(run, tmp_path / "cu.html", model).read_text("utf-8")
    assert "Cu38" in page
    assert "Au38" not in page


def test_the_figure_has_a_panel_for_each_run(pair, tmp_path, monkeypatch):
    runs = [store.open(pair / name) for name in ("au.zarr", "cu.zarr")]
    drawn = []
    figure = nc.report.shared_chart
    monkeypatch.setattr(
        shared_chart, "shared_chart", lambda *a: drawn.append(figure(*a)) or drawn[-1]
    )
    assert draw_shared_chart(runs, tmp_path / "both.png").exists()
    axes = [panel for panel in drawn[0].axes if panel.get_title(loc="left")]
    assert [panel.get_title(loc="left")[-4:] for panel in axes[:2]] == ["Au38", "Cu38"]
    # In each panel: the other system in grey, then its own in colour.
    counts = [[len(c.get_offsets()) for c in panel.collections] for panel in axes]
    assert counts == [[150, 300], [300, 150], [150, 300], [300, 150]]


def test_charts_of_different_models_are_not_laid_on_each_other(pair, small_run, tmp_path):
    runs = [store.open(pair / "cu.zarr"), store.open(small_run / "run.zarr")]
    with pytest.raises(StoreError, match=r"charted by one model; got charts of 2 models"):
        draw_shared_chart(runs, tmp_path / "both.png")
    assert not (tmp_path / "both.png").exists()


def test_runs_that_cannot_share_a_chart_are_refused(pair, tmp_path):
    run = store.open(pair / "au.zarr", mode="a")
    with pytest.raises(StoreError, match=r"the runs of one chart must differ"):
        train_runs([run, run], tmp_path / "m.nanochart")
    small = small_config(system={"n_atoms": 40}, tempering={"time_per_replica": 0.002})
    other = nc.workflow.sample(small, tmp_path / "run.zarr")
    nc.workflow.quench_run(other)
    with pytest.raises(StoreError, match=r"same number of atoms; got .*\(Au38\) and .*\(Au40\)"):
        train_runs([run, other], tmp_path / "m.nanochart")


def test_the_commands_take_several_runs(pair, tmp_path):
    for name in ("au.zarr", "cu.zarr"):
        shutil.copytree(pair / name, tmp_path / name)
    runs = [tmp_path / "au.zarr", tmp_path / "cu.zarr"]
    said = nanochart("train", *runs, "--epochs", 1, "--quiet").stdout
    assert (tmp_path / "au-cu.nanochart").exists()
    assert "cu.zarr: test " in said
    said = nanochart("chart", *runs, "--figure", tmp_path / "both.pdf", "--quiet").stdout
    assert (tmp_path / "both.pdf").exists()
    # Alone, a run is charted by the model that it was last trained with.
    said = nanochart("chart", runs[1], "--json", "--quiet").stdout
    assert "au-cu.nanochart" in said


def test_distribution_functions_that_would_take_all_memory_are_refused():
    many = np.broadcast_to(gold(1), (25_000_001, N, 3))
    with pytest.raises(
        ConfigError, match=r"at most 2,000,000,000 numbers.*got 25,000,001 frames wi"
    ):
        training._densities(RDF, [many])
