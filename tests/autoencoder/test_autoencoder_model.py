"""The saved model: canonical latent frame, files, Jacobian, resuming."""

import json
import pickle
import struct
import threading

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from safetensors import safe_open
from safetensors.numpy import save_file

from nanochart.autoencoder import (
    ARCHITECTURES,
    Model,
    TrainingConfig,
    build_network,
    initialize_weights,
    load,
    train,
)
from nanochart.autoencoder.canonical import canonical_frame, fold_frame
from nanochart.descriptors import RDF
from nanochart.errors import ModelError
from nanochart.landscape import reconstruction_errors

N_ATOMS = 7
RDF_SETTINGS = RDF(r_min=1.0, r_max=11.0, n_bins=40, sigma=0.3)


def clusters(count, seed=0):
    """Two caps that breathe and move apart: shapes with two degrees of freedom, and noise."""
    random = np.random.default_rng(seed)
    base = 2.8 * np.array(
        [[0, 0, 0], [1, 0, 0], [0.5, 0.87, 0], [0.5, 0.29, 0.82], [0.5, 0.29, -0.82],
         [1.3, 0.9, 0.7], [-0.4, -0.6, 0.7]]
    )  # fmt: skip
    stretch = random.gamma(2.0, 0.03, (count, 2))  # skewed on purpose
    quenched = np.repeat(base[None], count, axis=0)
    quenched[..., 2] *= 1.0 + stretch[:, :1]
    quenched[:, 5:] *= 1.0 + 2.0 * stretch[:, 1:, None]
    return quenched + 0.05 * random.standard_normal(quenched.shape), quenched


SPLIT = np.array([0, 0, 0, 1, 2])[np.arange(300) % 5]  # the clusters are independent
CONFIG = TrainingConfig(bottleneck=2, epochs=6, batch_size=32)


def training(config=CONFIG, **options):
    thermal, quenched = clusters(300)
    settings = {"element": "Au", "n_atoms": N_ATOMS, "threads": 1, "provenance": {"seed": 3}}
    return train(
        RDF_SETTINGS(thermal), RDF_SETTINGS(quenched), SPLIT, config, rdf=RDF_SETTINGS,
        **{**settings, **options},
    )  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return training()[0]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def any_model(request):
    config = TrainingConfig(architecture=request.param, bottleneck=2, epochs=4, batch_size=32)
    return training(config)[0]


class TestCanonicalFrame:
    def test_training_latents_obey_the_four_rules(self, any_model):
        thermal, quenched = clusters(300)
        part = SPLIT == 0
        s = any_model.encode(thermal[part])
        assert_allclose(s.mean(0), 0.0, atol=1e-4)
        assert_allclose(np.cov(s.T, bias=True), np.eye(2), atol=1e-4)
        g = RDF_SETTINGS(quenched[part])
        deviations = g - g.mean(0)
        response = deviations.T @ s / len(s)
        products = response.T @ response
        assert products[0, 0] > products[1, 1]
        assert abs(products[0, 1]) < 1e-3 * products[0, 0]
        shares = products.diagonal() / (deviations**2).sum(1).mean()
        assert_allclose(any_model.history.axis_contributions, shares, rtol=1e-3)
        skewness = (s**3).mean(0)
        mean_bin = g @ np.arange(40) / g.sum(1)
        slope = s.T @ (mean_bin - mean_bin.mean())
        assert ((skewness >= 0.1) | ((np.abs(skewness) < 0.1) & (slope > 0))).all()

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_folding_does_not_change_the_reconstruction(self, architecture):
        random = np.random.default_rng(0)
        network = build_network(architecture, 40, 3)
        initialize_weights(network, random)
        network.double().eval().requires_grad_(False)
        g = torch.tensor(random.random((50, 40)))
        latent, before = network.encode(g).numpy(), network(g)
        frame = canonical_frame(latent, random.random((50, 40)))
        fold_frame(network, frame)
        assert_allclose(network(g), before, atol=1e-12)
        assert_allclose(network.encode(g), (latent - frame.mean) @ frame.matrix.T, atol=1e-10)

    def test_an_affine_change_of_the_latent_changes_nothing(self):
        random = np.random.default_rng(1)
        latent = random.gamma(1.5, size=(400, 3)) @ random.standard_normal((3, 3))
        targets = np.tanh(latent @ random.standard_normal((3, 20))) + 2.0
        frames = []
        for matrix in (np.eye(3), random.standard_normal((3, 3)), np.diag([1.0, -30.0, 0.01])):
            z = latent @ matrix.T + random.standard_normal(3)
            frame = canonical_frame(z, targets)
            frames.append((z - frame.mean) @ frame.matrix.T)
        assert_allclose(frames[1], frames[0], atol=1e-8)
        assert_allclose(frames[2], frames[0], atol=1e-8)

    def test_a_symmetric_axis_takes_its_sign_from_the_mean_distance(self):
        latent = np.linspace(-1, 1, 101)[:, None]
        bins = np.arange(20)
        targets = np.exp(-0.5 * ((bins - 10 - 2 * latent) / 2) ** 2)
        for sign in (1.0, -1.0):
            frame = canonical_frame(sign * latent, targets)
            assert np.sign(frame.matrix[0, 0]) == sign

    def test_an_empty_dimension_is_not_blown_up(self):
        random = np.random.default_rng(0)
        latent = np.hstack([random.standard_normal((100, 1)), np.full((100, 1), 3.0)])
        frame = canonical_frame(latent, random.random((100, 20)))
        assert np.isfinite(frame.matrix).all()
        assert_allclose(((latent - frame.mean) @ frame.matrix.T).var(0).min(), 0.0, atol=1e-12)

    @pytest.mark.parametrize("seed", [1, 2])
    def test_on_a_plane_the_chart_is_the_principal_components(self, seed):
        # Known answer, whatever the seed: the RDFs lie on a plane, spanned by two modes with skewed
        # amplitudes, so the canonical axes are the principal components with positive skewness.
        random = np.random.default_rng(0)
        amplitudes = (random.gamma(2.0, 1.0, (500, 2)) - 2.0) / np.sqrt(2.0) * [1.0, 0.5]
        r = RDF_SETTINGS.centers
        modes = np.array([np.exp(-((r - 4.0) ** 2)), np.exp(-((r - 7.0) ** 2))])
        g = 3.0 + amplitudes @ modes
        part = np.arange(500) % 5
        split = np.where(part < 3, 0, part - 2)
        config = TrainingConfig(target="self", bottleneck=2, epochs=40, batch_size=32, seed=seed)
        model, _ = train(
            g, None, split, config, rdf=RDF_SETTINGS, element="Au", n_atoms=7, threads=1
        )
        deviations = g - g[split == 0].mean(0)
        _, _, components = np.linalg.svd(deviations[split == 0], full_matrices=False)
        expected = deviations @ components[:2].T
        expected /= expected[split == 0].std(0)
        expected *= np.sign((expected**3).mean(0))
        found = model.encode_rdf(g)
        # A network bends the plane a little; order, directions and signs are those of the plane.
        correlation = np.corrcoef(found.T, expected.T)[:2, 2:]
        assert (correlation.diagonal() > 0.97).all()
        assert np.abs(correlation[0, 1]) < 0.15


class TestEncoding:
    def test_shapes(self, model):
        thermal, _ = clusters(6)
        assert model.encode(thermal[0]).shape == (2,)
        assert model.encode(thermal.reshape(2, 3, N_ATOMS, 3)).shape == (2, 3, 2)
        assert model.encode(thermal[:0]).shape == (0, 2)
        s, ds_dx = model.encode_with_jacobian(thermal.reshape(2, 3, N_ATOMS, 3))
        assert s.shape == (2, 3, 2)
        assert ds_dx.shape == (2, 3, 2, N_ATOMS, 3)
        assert model.decode(s).shape == (2, 3, 40)
        assert (model.n_bins, model.bottleneck, model.target) == (40, 2, "inherent")
        # By hand: the layers of 1-8-16-32-32 channels both ways, and 32 x 3 flat values.
        convolutions = 5 * (8 + 8 * 16 + 16 * 32 + 32 * 32)
        biases = (8 + 16 + 32 + 32) + (32 + 16 + 8 + 1)
        assert model.n_parameters == 2 * convolutions + biases + (96 * 2 + 2) + (2 * 96 + 96)

    def test_a_batch_gives_what_single_frames_give(self, any_model):
        thermal, _ = clusters(600)
        together = any_model.encode(thermal)
        assert_allclose([any_model.encode(x) for x in thermal[::97]], together[::97], atol=1e-10)

    def test_routes_agree(self, any_model):
        thermal, _ = clusters(5)
        s, _ = any_model.encode_with_jacobian(thermal)
        assert_allclose(s, any_model.encode(thermal), atol=1e-12)
        g = RDF_SETTINGS(thermal)
        assert_allclose(any_model.encode_rdf(g), s, atol=1e-12)
        assert_array_equal(any_model.reconstruct_rdf(g), any_model.decode(any_model.encode_rdf(g)))

    def test_jacobian_is_the_finite_difference(self, model):
        # The compact network is smooth; every atom and direction of three frames.
        thermal, _ = clusters(3, seed=4)
        _, ds_dx = model.encode_with_jacobian(thermal)
        h = 1e-4
        for atom in range(N_ATOMS):
            for axis in range(3):
                step = np.zeros((N_ATOMS, 3))
                step[atom, axis] = h
                difference = (model.encode(thermal + step) - model.encode(thermal - step)) / (2 * h)
                scale = np.abs(ds_dx).max()
                assert_allclose(ds_dx[:, :, atom, axis], difference, atol=2e-5 * scale)

    def test_jacobian_of_the_network_with_pooling(self, any_model):
        # Along a line, as max-pool and ReLU have kinks: the mean slope over a small segment.
        thermal, _ = clusters(2, seed=4)
        direction = np.random.default_rng(0).standard_normal(thermal.shape)
        _, ds_dx = any_model.encode_with_jacobian(thermal)
        slope = np.einsum("fkai,fai->fk", ds_dx, direction)
        h = 1e-6
        difference = (
            any_model.encode(thermal + h * direction) - any_model.encode(thermal - h * direction)
        ) / (2 * h)
        assert_allclose(difference, slope, atol=2e-3 * np.abs(slope).max())

    def test_latent_does_not_see_rotation_or_numbering(self, model):
        thermal, _ = clusters(1)
        turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))
        moved = (thermal[0] @ turn + [1.0, 2.0, 3.0])[::-1]
        assert_allclose(model.encode(moved), model.encode(thermal[0]), atol=1e-5)

    def test_other_numbers_of_atoms_are_refused(self, model):
        with pytest.raises(ModelError, match=r"model of Au7 .*\(\.\.\., 7, 3\); got \(6, 3\)"):
            model.encode(np.zeros((6, 3)))

    def test_other_grids_are_refused(self, model):
        with pytest.raises(ModelError, match=r"RDFs .* must have 40 numbers.*shape \(2, 41\)"):
            model.encode_rdf(np.zeros((2, 41)))

    def test_nan_is_refused(self, model):
        with pytest.raises(ValueError, match="latent coordinates given to a model must be finite"):
            model.decode([np.nan, 0.0])

    def test_an_rdf_of_another_grid_is_refused(self, model):
        with pytest.raises(ModelError, match="must have the 40 bins of its network; got 340"):
            Model(model.network, model.config, RDF(), "Au", N_ATOMS)


class TestErrorsOfFrames:
    def test_errors_are_root_mean_squares(self, model):
        thermal, quenched = clusters(4)
        g_in, g_out = RDF_SETTINGS(thermal), RDF_SETTINGS(quenched)
        errors = reconstruction_errors(model, g_in, g_out)
        by_hand = [
            np.sqrt(np.mean((model.reconstruct_rdf(a) - b) ** 2))
            for a, b in zip(g_in, g_out, strict=True)
        ]
        assert_allclose(errors, by_hand, rtol=1e-10)
        assert_allclose(
            reconstruction_errors(model, g_in[:2], model.reconstruct_rdf(g_in[:2])), 0.0
        )

    def test_other_shapes_are_refused(self, model):
        with pytest.raises(ValueError, match=r"one shape.*\(2, 40\) and \(40,\)"):
            reconstruction_errors(model, np.ones((2, 40)), np.ones(40))


class TestFiles:
    def test_round_trip_is_exact(self, any_model, tmp_path):
        path = tmp_path / "deeper" / "chart.nanochart"
        any_model.save(path)
        loaded = load(path)
        thermal, _ = clusters(5)
        assert_array_equal(loaded.encode(thermal), any_model.encode(thermal))
        assert_array_equal(loaded.decode(np.eye(2)), any_model.decode(np.eye(2)))
        assert loaded.config == any_model.config
        assert loaded.rdf == any_model.rdf
        assert loaded.history == any_model.history
        assert (loaded.element, loaded.n_atoms) == ("Au", N_ATOMS)
        assert loaded.provenance == {"seed": 3}
        assert [p.name for p in path.parent.iterdir()] == ["chart.nanochart"]

    def test_saving_twice_gives_the_same_bytes(self, model, tmp_path):
        for name in ("a", "b"):
            model.save(tmp_path / name)
        load(tmp_path / "a").save(tmp_path / "c")
        contents = {(tmp_path / name).read_bytes() for name in "abc"}
        assert len(contents) == 1

    def test_equal_trainings_give_equal_bytes(self, model, tmp_path):
        model.save(tmp_path / "a")
        training()[0].save(tmp_path / "b")
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_no_bit_may_change(self, model, tmp_path):
        path = tmp_path / "m"
        model.save(path)
        content = path.read_bytes()
        random = np.random.default_rng(0)
        for place, bit in zip(random.integers(len(content), size=200), range(200), strict=True):
            changed = bytearray(content)
            changed[place] ^= 1 << bit % 8
            path.write_bytes(changed)
            with pytest.raises(ModelError, match=r"is damaged|must |version|the header of"):
                load(path)

    def test_a_file_without_a_checksum_is_of_an_earlier_version(self, model, tmp_path):
        path = tmp_path / "m"
        model.save(path)
        tensors, header = contents(path)
        for curve in header["history"]["curves"]:
            curve["seconds"] = 3.0
        save_file(tensors, path, metadata={"nanochart": json.dumps(header)})
        assert load(path).history == model.history

    def test_header_is_readable_by_others(self, model, tmp_path):
        model.save(tmp_path / "m")
        with safe_open(tmp_path / "m", "numpy") as file:
            header = json.loads(file.metadata()["nanochart"])
        assert header["rdf"] == RDF_SETTINGS.to_dict()
        assert header["config"]["architecture"] == "compact"
        assert header["element"] == "Au"

    def test_a_pickle_is_not_run(self, tmp_path):
        class Trap:
            def __reduce__(self):
                return (open, (str(tmp_path / "trapped"), "w"))

        (tmp_path / "m").write_bytes(pickle.dumps(Trap()))
        with pytest.raises(ModelError, match="it is a pickle, which could run code"):
            load(tmp_path / "m")
        assert not (tmp_path / "trapped").exists()

    def test_torch_files_are_refused(self, tmp_path):
        torch.save({"weight": torch.zeros(3)}, tmp_path / "m")
        with pytest.raises(ModelError, match=r"a zip archive, as written by torch\.save"):
            load(tmp_path / "m")

    @pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 64, b"{}" * 40])
    def test_other_files_are_refused(self, content, tmp_path):
        (tmp_path / "m").write_bytes(content)
        with pytest.raises(ModelError, match="truncated, damaged or of another format"):
            load(tmp_path / "m")

    @pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
    def test_truncated_files_are_refused(self, model, share, tmp_path):
        model.save(tmp_path / "m")
        content = (tmp_path / "m").read_bytes()
        (tmp_path / "m").write_bytes(content[: int(share * len(content))])
        with pytest.raises(ModelError, match="truncated, damaged or of another format"):
            load(tmp_path / "m")

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(ModelError, match="nothing must be a nanochart model file, but it does"):
            load(tmp_path / "nothing")

    def test_a_folder(self, tmp_path):
        with pytest.raises(ModelError, match="it is a folder: check the path"):
            load(tmp_path)

    def test_tensors_of_another_program(self, tmp_path):
        save_file({"weight": np.zeros(3)}, tmp_path / "m")
        with pytest.raises(ModelError, match="without the header of a nanochart model file"):
            load(tmp_path / "m")

    def test_a_failed_save_leaves_the_old_file(self, model, tmp_path):
        path = tmp_path / "m"
        model.save(path)
        before = path.read_bytes()
        odd = Model(
            model.network, model.config, model.rdf, "Au", N_ATOMS, provenance={"x": float("nan")}
        )
        with pytest.raises(ValueError, match="JSON"):
            odd.save(path)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["m"]

    def test_a_full_disk_leaves_the_old_file(self, model, tmp_path, monkeypatch):
        path = tmp_path / "m"
        model.save(path)
        before = path.read_bytes()

        def full(_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="no space is left"):
            model.save(path)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["m"]

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"version": 4}, "has format version 4.*install a newer nanochart"),
            ({"format": "nanochart training"}, "got a 'nanochart training' file: check the path"),
            ({"n_bins": 41}, "must be float32 of shape|bins"),
            ({"n_bins": 10**14}, r"header of .* is damaged \(n_bins: .* to 100000"),
            ({"n_atoms": 10**9}, r"header of .* is damaged \(n_atoms"),
            ({"version": float("inf")}, "without the header of a nanochart model file"),
            ({"rdf": {**RDF_SETTINGS.to_dict(), "sigma": 2e6}}, r"is damaged \(sigma of an RDF"),
            ({"rdf": {**RDF_SETTINGS.to_dict(), "sigma": 1e-320}}, r"is damaged \(sigma of an RDF"),
            ({"n_atoms": "many"}, r"header of .* is damaged \(n_atoms"),
            (
                {"config": {"bottleneck": 3}},
                r"'encoder.latent.weight' .* must be float32 of shape \(3, 96\)",
            ),
            ({"config": {"architecture": "shell"}}, r"is damaged \(config.architecture"),
            ({"rdf": {"sigma": 0.2}}, r"is damaged \(an RDF needs exactly"),
            ({"history": 3}, r"is damaged \(history"),
        ],
    )
    def test_changed_headers_are_refused(self, model, change, sentence, tmp_path):
        path = tmp_path / "m"
        model.save(path)
        tensors, header = contents(path)
        save_file(tensors, path, metadata={"nanochart": json.dumps({**header, **change})})
        with pytest.raises(ModelError, match=sentence):
            load(path)

    @pytest.mark.parametrize(
        ("name", "array", "sentence"),
        [
            ("encoder.latent.bias", np.zeros(3, np.float32), r"shape \(2,\); got float32 of shape"),
            ("encoder.latent.bias", np.zeros(2), r"float32 of shape \(2,\); got float64"),
            ("encoder.latent.bias", np.full(2, np.nan, np.float32), "must be finite"),
            ("encoder.extra", np.zeros(2, np.float32), "has an unknown array 'encoder.extra'"),
            ("encoder.latent.bias", None, "lacks the array 'encoder.latent.bias'"),
        ],
    )
    def test_changed_arrays_are_refused(self, model, name, array, sentence, tmp_path):
        path = tmp_path / "m"
        model.save(path)
        tensors, header = contents(path)
        tensors.pop(name, None)
        if array is not None:
            tensors[name] = array
        save_file(tensors, path, metadata={"nanochart": json.dumps(header)})
        with pytest.raises(ModelError, match=sentence):
            load(path)

    def test_a_header_of_absurd_length_is_refused(self, tmp_path):
        (tmp_path / "m").write_bytes(struct.pack("<Q", 2**62) + b"{}")
        with pytest.raises(ModelError, match="truncated, damaged"):
            load(tmp_path / "m")


def contents(path):
    with safe_open(path, "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = json.loads(file.metadata()["nanochart"])
    del header["sha256"]
    return tensors, header


class StopError(Exception):
    """An interruption, as by a signal."""


class TestResume:
    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_equals_the_uninterrupted_training(self, architecture, tmp_path):
        config = TrainingConfig(architecture=architecture, bottleneck=2, epochs=4, batch_size=32)
        whole, whole_history = training(config)

        def interrupt(curve):
            if curve.epoch == 2:
                raise StopError("after two epochs")

        path = tmp_path / "checkpoint"
        with pytest.raises(StopError, match="after two epochs"):
            training(config, checkpoint=path, progress=interrupt)
        seen = []
        resumed, history = training(
            config, checkpoint=path, resume=True, progress=seen.append, threads=None
        )
        assert [curve.epoch for curve in seen] == [3, 4]
        for name, tensor in whole.network.state_dict().items():
            assert_array_equal(resumed.network.state_dict()[name], tensor, err_msg=name)
        assert history.explained_variance == whole_history.explained_variance
        assert [c.train_loss for c in history.curves] == [
            c.train_loss for c in whole_history.curves
        ]

    def test_a_finished_training_is_not_repeated(self, model, tmp_path):
        training(checkpoint=tmp_path / "c")
        seen = []
        again, history = training(checkpoint=tmp_path / "c", resume=True, progress=seen.append)
        assert seen == []
        assert history.stopped == "epochs"
        assert_array_equal(again.decode([1.0, 1.0]), model.decode([1.0, 1.0]))

    def test_without_a_file_it_starts_afresh(self, model, tmp_path):
        fresh, _ = training(checkpoint=tmp_path / "c", resume=True)
        assert_array_equal(fresh.decode([1.0, 1.0]), model.decode([1.0, 1.0]))

    def test_without_resume_the_file_is_overwritten(self, model, tmp_path):
        (tmp_path / "c").write_bytes(b"old")
        fresh, _ = training(checkpoint=tmp_path / "c")
        assert_array_equal(fresh.decode([1.0, 1.0]), model.decode([1.0, 1.0]))

    def test_a_budget_can_be_extended(self, model, tmp_path):
        short = CONFIG.model_copy(update={"max_seconds": 1e-9})
        _, history = training(short, checkpoint=tmp_path / "c")
        assert history.stopped == "time"
        resumed, _ = training(checkpoint=tmp_path / "c", resume=True)
        assert_array_equal(resumed.decode([1.0, 1.0]), model.decode([1.0, 1.0]))

    def test_provenance_that_cannot_be_saved_is_refused_at_once(self):
        with pytest.raises(ValueError, match="provenance must be what JSON can hold"):
            training(provenance={"array": np.zeros(3)})

    def test_other_settings_are_refused(self, tmp_path):
        training(checkpoint=tmp_path / "c")
        other = CONFIG.model_copy(update={"learning_rate": 1e-3})
        with pytest.raises(ModelError, match=r"made with learning_rate = 0\.01, but.*0\.001"):
            training(other, checkpoint=tmp_path / "c", resume=True)

    def test_other_data_are_refused(self, tmp_path):
        training(checkpoint=tmp_path / "c")
        thermal, quenched = clusters(300, seed=1)
        with pytest.raises(ModelError, match="made with other data"):
            train(
                RDF_SETTINGS(thermal), RDF_SETTINGS(quenched), SPLIT, CONFIG, rdf=RDF_SETTINGS,
                element="Au", n_atoms=N_ATOMS, checkpoint=tmp_path / "c", resume=True,
            )  # fmt: skip

    def test_a_model_is_not_a_checkpoint(self, model, tmp_path):
        model.save(tmp_path / "m")
        with pytest.raises(ModelError, match="must be a nanochart training file; got a 'nanochart"):
            training(checkpoint=tmp_path / "m", resume=True)

    def test_a_truncated_checkpoint_is_refused(self, tmp_path):
        path = tmp_path / "c"
        training(checkpoint=path)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(ModelError, match="truncated, damaged or of another format"):
            training(checkpoint=path, resume=True)


def test_frames_are_encoded_by_the_threads_of_the_package_and_not_by_those_of_pytorch(model):
    g = np.random.default_rng(0).random((1100, model.n_bins))
    seen, before = [], torch.get_num_threads()
    hook = model.network.encoder.register_forward_pre_hook(
        lambda *_: seen.append((torch.get_num_threads(), threading.current_thread()))
    )
    torch.set_num_threads(3)
    try:
        s = model.encode_rdf(g)
        model.encode_with_jacobian(clusters(2)[0])
        assert torch.get_num_threads() == 3
    finally:
        hook.remove()
        torch.set_num_threads(before)
    assert {threads for threads, _ in seen} == {1}
    assert threading.main_thread() not in {where for _, where in seen[:3]}
    assert_array_equal(
        s, np.concatenate([model.encode_rdf(g[k : k + 512]) for k in (0, 512, 1024)])
    )
