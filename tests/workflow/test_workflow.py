import numpy as np
import pytest
import xarray as xr

import nanochart as nc
from helpers.configs import small_config
from nanochart import store
from nanochart.errors import ModelError, StoreError
from nanochart.workflow import (
    chart_run,
    quench_run,
    report_run,
    run_info,
    sample,
    train_run,
)


def arrays(run):
    return {name: values.to_numpy() for name, values in run.to_xarray().data_vars.items()}


def test_a_run_holds_what_was_asked(opened):
    config = small_config()
    data = opened.to_xarray()
    assert data.sizes["frame"] == config.n_frames == 100
    assert data["positions"].dims == ("frame", "replica", "atom", "xyz")
    assert opened.complete
    assert opened.metadata.config == config.model_dump(mode="json")
    assert opened.metadata.start_motifs == ("octahedron", "decahedron", "octahedron")
    # One frame every 100 steps, half-way between exchanges, after two discarded rounds.
    np.testing.assert_array_equal(data["step"], 250 + 100 * np.arange(100))
    np.testing.assert_allclose(
        data["temperature"], data["ladder"].to_numpy()[data["rung"].to_numpy()]
    )
    assert (np.sort(data["rung"], axis=1) == np.arange(3)).all()


def test_stored_energies_are_those_of_the_stored_positions(opened):
    data = opened.to_xarray()
    gold = nc.potentials.gupta("Au")
    x = data["positions"].to_numpy().astype(float)
    np.testing.assert_allclose(data["energy"], gold.energy(x), atol=2e-4)  # float32 positions
    inherent = data["inherent_positions"].to_numpy().astype(float)
    np.testing.assert_allclose(data["inherent_energy"], gold.energy(inherent), atol=1e-6)
    assert (data["inherent_energy"].to_numpy() < data["energy"].to_numpy()).all()
    assert (data["quench_converged"].to_numpy() == 1).all()


def test_the_ensemble_has_its_temperature(opened):
    # Harmonic estimate <E> - <E_inherent> = (3N - 6)/2 kT; a molten Au38 is softer than harmonic.
    # The rungs are a factor of 1.41 apart, so frames assigned to a wrong temperature would show.
    data = opened.to_xarray()
    thermal = (data["energy"] - data["inherent_energy"]).to_numpy()
    T = data["temperature"].to_numpy()
    for rung, temperature in enumerate(data["ladder"].to_numpy()):
        mean = thermal[data["rung"].to_numpy() == rung].mean()
        harmonic = 0.5 * (3 * 38 - 6) * nc.units.BOLTZMANN * temperature
        assert 0.95 < mean / harmonic < 1.35
    assert len(np.unique(T)) == 3


def test_open_zarr_reads_a_run(small_run):
    with xr.open_zarr(small_run / "run.zarr") as data:
        assert data["inherent_energy"].attrs["units"] == "eV"
        assert data["chart"].dims == ("frame", "replica", "latent")


def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path):
    config = small_config(tempering={"time_per_replica": 0.06})
    whole = sample(config, tmp_path / "whole.zarr")

    class StopError(Exception):
        pass

    def stop_after(n):
        def progress(_stage, done, _total, _note=""):
            if done == n:
                raise StopError("enough")

        return progress

    for n in (1, 30, 97):
        with pytest.raises(StopError, match="enough"):
            sample(
                config,
                tmp_path / "parts.zarr",
                resume=(tmp_path / "parts.zarr").exists(),
                progress=stop_after(n),
            )
    parts = sample(config, tmp_path / "parts.zarr", resume=True)
    for name, values in arrays(whole).items():
        np.testing.assert_array_equal(arrays(parts)[name], values, err_msg=name)


def test_a_finished_run_can_be_made_longer(tmp_path):
    short, long = small_config(), small_config(tempering={"time_per_replica": 0.07})
    sample(short, tmp_path / "run.zarr")
    extended = sample(long, tmp_path / "run.zarr", resume=True)
    whole = sample(long, tmp_path / "whole.zarr")
    assert extended.committed() == 140
    np.testing.assert_array_equal(extended.to_xarray()["positions"], whole.to_xarray()["positions"])


def test_another_seed_gives_another_run(opened, tmp_path):
    other = sample(
        small_config(seed=4, tempering={"time_per_replica": 0.002}), tmp_path / "run.zarr"
    )
    first = other.to_xarray()["positions"][0].to_numpy()
    assert not np.allclose(first, opened.to_xarray()["positions"][0])


def test_resuming_with_other_settings_is_refused(small_copy):
    config = small_config(dynamics={"time_step": 2.5})
    with pytest.raises(StoreError, match=r"other settings \(dynamics.time_step was 5.0, is 2.5\)"):
        sample(config, small_copy / "run.zarr", resume=True)


def test_resuming_to_a_shorter_run_is_refused(small_copy):
    config = small_config(tempering={"time_per_replica": 0.01})
    with pytest.raises(StoreError, match=r"made longer, not shorter"):
        sample(config, small_copy / "run.zarr", resume=True)


def test_an_existing_run_is_not_overwritten(small_copy):
    with pytest.raises(StoreError, match=r"is a run already"):
        sample(small_config(), small_copy / "run.zarr")


def test_a_time_step_too_long_for_the_metal_is_refused(tmp_path):
    config = small_config(dynamics={"time_step": 50.0})
    sentence = (
        r"dynamics.time_step \(fs\) must be at most 3\d.* for Au.*to be stable; got 50, with "
        r"averages off by [\d.]+ K at 600 K.*give auto, for 1[45].*"
    )
    with pytest.raises(ValueError, match=sentence):
        sample(config, tmp_path / "run.zarr")
    assert not (tmp_path / "run.zarr").exists()


def test_a_time_step_that_is_only_inaccurate_is_warned_of(tmp_path):
    short = {"time_per_replica": 0.001, "discard": 0.0}
    config = small_config(dynamics={"time_step": 25.0}, tempering=short)
    with pytest.warns(
        UserWarning, match=r"25 fs, and Au bears 1[45].*off by about 3\..* K at 600 K"
    ):
        run = sample(config, tmp_path / "run.zarr")
    assert run.metadata.time_step == 25.0


def test_a_derived_time_step_is_stored_with_the_run_and_stays(tmp_path):
    short, long = (
        small_config(dynamics={"time_step": "auto"}, tempering={"time_per_replica": t})
        for t in (0.004, 0.008)
    )
    run = sample(short, tmp_path / "run.zarr")
    step = run.metadata.time_step
    assert run.metadata.config["dynamics"]["time_step"] == "auto"
    assert 13.0 < step < 15.5
    assert (run.to_xarray()["step"].diff("frame") * step).values == pytest.approx(500.0)
    facts = run_info(run)
    assert facts["made_from"]["time_step"] == step
    assert facts["timings"]["ns_per_day"] > 0
    longer = sample(long, tmp_path / "run.zarr", resume=True)
    whole = sample(long, tmp_path / "whole.zarr")
    np.testing.assert_array_equal(longer.to_xarray()["positions"], whole.to_xarray()["positions"])
    by_hand = small_config(dynamics={"time_step": 10.0}, tempering={"time_per_replica": 0.008})
    with pytest.raises(StoreError, match=r"dynamics.time_step was 1[345]\.\d+, is 10.0"):
        sample(by_hand, tmp_path / "run.zarr", resume=True)


def test_a_run_that_was_made_with_a_number_keeps_it(small_copy):
    config = small_config(dynamics={"time_step": "auto"}, tempering={"time_per_replica": 0.06})
    run = sample(config, small_copy / "run.zarr", resume=True)
    whole = sample(small_config(tempering={"time_per_replica": 0.06}), small_copy / "whole.zarr")
    assert run.metadata.time_step == 5.0
    np.testing.assert_array_equal(run.to_xarray()["positions"], whole.to_xarray()["positions"])


def test_structure_files_are_starts(tmp_path):
    atoms = nc.clusters.build("icosahedron", "Au", 38)
    atoms.write(tmp_path / "mine.xyz")
    config = small_config(
        starts=[str(tmp_path / "mine.xyz")], tempering={"time_per_replica": 0.002}
    )
    run = sample(config, tmp_path / "run.zarr")
    assert run.metadata.start_motifs == ("mine",) * 3


def test_a_start_of_the_wrong_size_is_refused(tmp_path):
    nc.clusters.build("icosahedron", "Au", 37).write(tmp_path / "mine.xyz")
    config = small_config(starts=[str(tmp_path / "mine.xyz")])
    with pytest.raises(ValueError, match=r"mine.xyz must hold Au38; got Au37"):
        sample(config, tmp_path / "run.zarr")


def test_training_needs_a_quenched_run(tmp_path):
    run = sample(small_config(tempering={"time_per_replica": 0.002}), tmp_path / "run.zarr")
    with pytest.raises(StoreError, match=r"0 quenched frames of 4.*nanochart quench"):
        train_run(run, tmp_path / "m.nanochart")


def test_the_model_explains_held_out_blocks_of_the_run(small_run, opened):
    model = nc.autoencoder.load(small_run / "run.nanochart")
    split = opened.to_xarray()["split"].to_numpy()
    assert {0, 1, 2} <= set(np.unique(split))
    data = opened.to_xarray()
    inherent = model.rdf(data["inherent_positions"].to_numpy().astype(float))
    again = model.reconstruct_rdf(model.rdf(data["positions"].to_numpy().astype(float)))
    energies = data["inherent_energy"].to_numpy()
    nearest = np.abs(energies[..., None] - energies[split == 0]).min(axis=-1)
    recorded = model.history.explained_variance
    for name, part in (("test", split == 2), ("unseen", (split == 2) & (nearest > 1e-4))):
        share = nc.autoencoder.explained_variance(inherent[part], again[part], inherent[split == 0])
        assert share == pytest.approx(recorded[name], abs=0.01)


def test_a_run_of_one_minimum_has_nothing_to_chart(tmp_path):
    # 600 frames of a cold icosahedron, one of which is another structure.
    run = nc.store.create(
        tmp_path / "cold.zarr", element="Cu", n_atoms=55, n_frames=600, n_replicas=1,
        kind="imported",
    )  # fmt: skip
    positions = np.repeat(nc.clusters.build("icosahedron", "Cu", 55).positions[None], 600, axis=0)
    positions[7] = nc.clusters.build("octahedron", "Cu", 55).positions
    positions = positions[:, None] + np.random.default_rng(0).normal(0, 1e-5, (600, 1, 55, 3))
    energies = nc.potentials.gupta("Cu").energy(positions)
    frames = {"positions": positions, "energy": energies, "temperature": np.full((600, 1), 50.0)}
    quenched = {
        "inherent_positions": positions,
        "inherent_energy": energies,
        "quench_converged": np.ones((600, 1), int),
    }
    for stage, values in (("frames", frames), ("quench", quenched)):
        for block in list(run.pending(stage)):
            run.write(stage, block.start, {k: v[block] for k, v in values.items()})
    with pytest.raises(StoreError, match=r"at least 10 different minima.*cold.zarr has [12]: samp"):
        train_run(run, tmp_path / "m.nanochart", nc.autoencoder.TrainingConfig(epochs=1))


def test_no_frame_of_the_test_part_is_remembered_by_the_training_part(opened):
    # Blocks of one replica in different parts are further apart than structures are remembered.
    data = opened.to_xarray()
    split = data["split"].to_numpy()
    gap = opened.info("train")["gap"]
    assert gap >= 1
    for k in range(split.shape[1]):
        (trained,), (held_out,) = np.nonzero(split[:, k] == 0), np.nonzero(split[:, k] > 0)
        if len(trained) and len(held_out):
            assert np.abs(held_out[:, None] - trained).min() > gap


def test_of_a_long_run_a_training_reads_frames_from_all_of_its_time(small_copy, monkeypatch):
    from nanochart.workflow import train as module

    run = nc.store.open(small_copy / "run.zarr", mode="a")
    n_frames, n_replicas = run.committed(), run.metadata.n_replicas
    read = []
    original = module._densities

    def counted(rdf, positions):
        read.extend(x.shape[0] for x in positions)
        return original(rdf, positions)

    monkeypatch.setattr(module, "_densities", counted)
    config = small_config(training={"epochs": 1, "configurations": n_frames * n_replicas // 3 + 1})
    train_run(run, small_copy / "some.nanochart", config.training, config.rdf)
    every = run.info("train")["every"]
    assert every == 3
    assert set(read) == {-(-n_frames // every)}
    split = run.to_xarray().split.values
    used = np.flatnonzero((split >= 0).any(axis=1))
    assert set(used % every) == {0}
    assert used.max() >= n_frames - 2 * every


def test_a_new_training_drops_the_chart_of_the_old_model(small_copy):
    run = store.open(small_copy / "run.zarr", mode="a")
    config = small_config(training={"epochs": 1})
    train_run(run, small_copy / "other.nanochart", config.training, config.rdf)
    assert run.committed("train") == run.committed()
    assert run.committed("chart") == 0


def test_quenching_anew_drops_what_was_made_of_the_old_minima(small_copy):
    run = store.open(small_copy / "run.zarr", mode="a")
    before = run.to_xarray()["inherent_energy"].to_numpy()
    quench_run(run, again=True)
    np.testing.assert_array_equal(run.to_xarray()["inherent_energy"].to_numpy(), before)
    assert run.committed("train") == run.committed("chart") == 0


def table_of(metal, path):
    """A table that calls itself gold, with the numbers of a metal."""
    nc.potentials.gupta(metal).write_setfl(path)
    path.write_text(path.read_text().replace(f"1 {metal}", "1 Au"))
    return path


def test_a_run_keeps_its_potential(tmp_path):
    table = table_of("Au", tmp_path / "gold.setfl")
    config = small_config(
        system={"potential": str(table)},
        starts=["octahedron"],
        tempering={"time_per_replica": 0.002},
    )
    sample(config, tmp_path / "run.zarr")
    table_of("Ag", table)
    longer = config.replaced(tempering={"time_per_replica": 0.004})
    with pytest.raises(StoreError, match=r"is not the one that the energies of .* were made with"):
        sample(longer, tmp_path / "run.zarr", resume=True)


def test_an_imported_run_is_quenched_with_its_own_potential(tmp_path):
    table = table_of("Ag", tmp_path / "gold.setfl")
    atoms = nc.clusters.build("octahedron", "Au", 38)
    atoms.rattle(0.1, seed=1)
    atoms.write(tmp_path / "frames.xyz")
    run = nc.interop.import_trajectories(
        [tmp_path / "frames.xyz"], tmp_path / "run.zarr", potential=nc.potentials.eam(table, "Au")
    )
    table.unlink()
    quench_run(run)
    data = run.to_xarray()
    assert (data["inherent_energy"] < data["energy"]).all()
    other = table_of("Cu", tmp_path / "other.setfl")
    with pytest.raises(StoreError, match=r"potential EAM Au \(other.setfl\) is not the one"):
        quench_run(run, table=other, again=True)


def test_the_chart_is_the_encoder_applied_to_the_frames(small_run, opened):
    model = nc.autoencoder.load(small_run / "run.nanochart")
    data = opened.to_xarray().isel(frame=slice(5, 9))
    for chart, positions in (("chart", "positions"), ("inherent_chart", "inherent_positions")):
        expected = model.encode(data[positions].to_numpy().astype(float))
        np.testing.assert_allclose(data[chart], expected, rtol=1e-5, atol=1e-5)


def test_a_model_of_another_cluster_is_refused(small_run, tmp_path):
    model = nc.autoencoder.load(small_run / "run.nanochart")
    other = sample(
        small_config(system={"n_atoms": 40}, tempering={"time_per_replica": 0.002}),
        tmp_path / "run.zarr",
    )
    with pytest.raises(ModelError, match=r"charts Au38 and .* holds Au40"):
        chart_run(other, model)


@pytest.mark.usefixtures("undrawn")
def test_a_report_is_written_at_every_stage(small_run, opened, tmp_path):
    early = sample(small_config(tempering={"time_per_replica": 0.002}), tmp_path / "run.zarr")
    text = report_run(early, tmp_path / "early.html").read_text()
    assert "nanochart quench" in text
    model = nc.autoencoder.load(small_run / "run.nanochart")
    page = report_run(opened, tmp_path / "full.html", model, figures=tmp_path / "figures")
    text = page.read_text("utf-8")
    assert "nanochart quench" not in text
    figures = {path.stem for path in (tmp_path / "figures").glob("*.pdf")}
    assert len(figures) >= 5
    assert text.count("<figure") >= len(figures)


def test_quenching_again_does_nothing(small_copy):
    run = store.open(small_copy / "run.zarr", mode="a")
    seen = []
    quench_run(run, progress=lambda *a: seen.append(a))
    assert seen == []


def test_another_tolerance_is_refused_and_not_recorded(small_copy):
    run = nc.store.open(small_copy / "run.zarr", mode="a")
    before = run.info("quench")
    sentence = r"of the \d+ frames .* were quenched with max_force .* and not 1e-05.*\(--again\)$"
    with pytest.raises(StoreError, match=sentence):
        nc.workflow.quench_run(run, nc.config.QuenchConfig(max_force=1e-5))
    assert run.info("quench") == before
    assert run.committed("chart") == run.committed()


def test_of_two_trainings_of_a_run_the_second_is_refused_before_it_learns(small_copy):
    run = nc.store.open(small_copy / "run.zarr", mode="a")
    refused = pytest.raises(StoreError, match="is being written by process")
    before = (small_copy / "run.nanochart").read_bytes()
    with nc.store.open(run.path, mode="a").lock(), refused:
        nc.workflow.train_run(run, small_copy / "run.nanochart", progress=lambda *_: 1 / 0)
    assert (small_copy / "run.nanochart").read_bytes() == before


def test_a_report_is_drawn_with_the_model_of_the_run_alone(small_copy):
    run = nc.store.open(small_copy / "run.zarr", mode="a")
    model = nc.autoencoder.load(small_copy / "run.nanochart")
    for values in model.network.encoder.parameters():
        values.data += 0.1
    with pytest.raises(ModelError, match="must be the one that charted"):
        nc.workflow.report_run(run, small_copy / "report.html", model)
    run.clear("chart")
    with pytest.raises(ModelError, match=r"last trained on .*run.zarr is .*train .* --resume`"):
        nc.workflow.report_run(run, small_copy / "report.html", model)
    assert not (small_copy / "report.html").exists()
