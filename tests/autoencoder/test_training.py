"""Training: settings, planted answers, and what is refused."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from nanochart.autoencoder import (
    ARCHITECTURES,
    GUARD,
    TEST,
    TRAIN,
    VALIDATION,
    TrainingConfig,
    explained_variance,
    train,
)
from nanochart.autoencoder.architectures.registry import recipe
from nanochart.autoencoder.threads import torch_threads
from nanochart.descriptors import RDF
from nanochart.errors import ConvergenceError

N_BINS = 48
RDF_SETTINGS = RDF(r_min=2.0, r_max=6.8, n_bins=N_BINS, sigma=0.2)
CLUSTER = {"rdf": RDF_SETTINGS, "element": "Au", "n_atoms": 13, "threads": 1}
QUICK = TrainingConfig(epochs=3, bottleneck=2, batch_size=32)


def planted(n_samples, seed=0, noise=0.01):
    """RDFs on a curved surface with coordinates u, v: two peaks that move, and their weights."""
    random = np.random.default_rng(seed)
    u, v = random.uniform(-1, 1, (2, n_samples, 1))
    r = RDF_SETTINGS.centers

    def peaks(width):
        first = np.exp(-0.5 * ((r - 2.9 - 0.25 * u) / width) ** 2)
        second = np.exp(-0.5 * ((r - 4.6 - 0.5 * v) / width) ** 2)
        return ((1.5 + u) * first + (1.2 - 0.5 * u * v) * second) / width

    quenched = peaks(0.25)
    thermal = peaks(0.4) + noise * random.standard_normal(quenched.shape)
    return thermal, quenched, np.hstack([u, v])


def shares(n_samples):
    """A split for independent samples."""
    return np.random.default_rng(1).permutation(
        np.repeat(
            [TRAIN, VALIDATION, TEST], [n_samples - 2 * (n_samples // 5)] + 2 * [n_samples // 5]
        )
    )


def quick_training(config=QUICK, n_samples=200, **options):
    thermal, quenched, _ = planted(n_samples)
    targets = quenched if config.target == "inherent" else None
    return train(thermal, targets, shares(n_samples), config, **{**CLUSTER, **options})


class TestConfig:
    def test_paper_is_the_published_recipe(self):
        config = TrainingConfig(architecture="paper")
        assert (config.epochs, config.batch_size, config.learning_rate) == (100, 128, 4e-3)
        assert (config.schedule, config.halving_epochs) == ("halving", (70, 90))
        assert config.scaling == "range"
        assert config.averaging == 0.0

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_what_is_left_out_is_of_the_recipe(self, architecture):
        config = TrainingConfig(architecture=architecture)
        for name, value in asdict(recipe(architecture)).items():
            assert getattr(config, name) == value
        assert TrainingConfig() == TrainingConfig(architecture=ARCHITECTURES[0])

    def test_an_unknown_architecture_is_refused(self):
        with pytest.raises(ValueError, match=r"should be 'compact' or 'paper'.*input_value='huge'"):
            TrainingConfig(architecture="huge")

    def test_explicit_settings_win_over_the_recipe(self):
        assert TrainingConfig(architecture="paper", epochs=10).epochs == 10

    def test_a_typo_is_refused(self):
        with pytest.raises(ValueError, match=r"batchsize\n.*Extra inputs"):
            TrainingConfig(batchsize=3)


class TestTraining:
    def test_recovers_a_planted_surface(self):
        thermal, quenched, planted_coordinates = planted(1500)
        split = shares(1500)
        config = TrainingConfig(bottleneck=2, epochs=25, batch_size=64)
        model, history = train(thermal, quenched, split, config, **CLUSTER)
        assert history.explained_variance["test"] > 0.98

        # The latent is a smooth function of the planted coordinates and they of it: cubic
        # polynomials fitted to the training part predict the test part, both ways.
        latent = model.encode_rdf(thermal)
        for a, b in ((planted_coordinates, latent), (latent, planted_coordinates)):
            x, y = a[:, :1], a[:, 1:]
            terms = np.hstack([x**i * y**j for i in range(6) for j in range(6 - i)])
            fit, *_ = np.linalg.lstsq(terms[split == TRAIN], b[split == TRAIN])
            residual = (b - terms @ fit)[split == TEST]
            assert 1 - residual.var() / b[split == TEST].var() > 0.95

    def test_paper_network_learns_too(self):
        config = TrainingConfig(architecture="paper", bottleneck=2, epochs=6, batch_size=32)
        _, history = quick_training(config, n_samples=300)
        losses = [curve.train_loss for curve in history.curves]
        assert losses[-1] < 0.3 * losses[0]

    def test_self_target_reconstructs_its_input(self):
        config = TrainingConfig(target="self", bottleneck=2, epochs=30, batch_size=32)
        model, history = quick_training(config, n_samples=400)
        thermal, _, _ = planted(400)
        assert explained_variance(thermal, model.reconstruct_rdf(thermal)) > 0.9
        assert history.explained_variance["validation"] > 0.9

    def test_self_target_may_be_given_twice(self):
        thermal, _, _ = planted(200)
        config = QUICK.model_copy(update={"target": "self"})
        once, _ = train(thermal, None, shares(200), config, **CLUSTER)
        twice, _ = train(thermal, thermal, shares(200), config, **CLUSTER)
        assert_array_equal(once.decode([0.0, 1.0]), twice.decode([0.0, 1.0]))

    def test_loss_is_the_unexplained_variance(self):
        # With the scaling "deviation", up to the difference of the parts' own variances.
        model, history = quick_training()
        thermal, quenched, _ = planted(200)
        split = shares(200)
        reference = quenched[split == TRAIN]
        total = ((reference - reference.mean(0)) ** 2).mean()
        part = split == VALIDATION
        error = ((quenched - model.reconstruct_rdf(thermal))[part] ** 2).mean()
        best = history.curves[history.best_epoch - 1]
        assert best.validation_loss == pytest.approx(error / total, rel=1e-4)

    def test_reports_what_the_model_does(self):
        model, history = quick_training()
        thermal, quenched, _ = planted(200)
        for name, code in (("train", TRAIN), ("validation", VALIDATION), ("test", TEST)):
            part = shares(200) == code
            direct = explained_variance(
                quenched[part], model.reconstruct_rdf(thermal[part]), quenched[shares(200) == TRAIN]
            )
            assert history.explained_variance[name] == pytest.approx(direct, abs=1e-5)

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_same_seed_same_bits(self, architecture):
        config = TrainingConfig(architecture=architecture, epochs=2, bottleneck=2, batch_size=32)
        first, again, other = (
            quick_training(config.model_copy(update={"seed": seed}))[0].decode(np.ones((1, 2)))
            for seed in (0, 0, 1)
        )
        assert_array_equal(first, again)
        assert np.abs(first - other).max() > 1e-4

    @pytest.mark.parametrize(("environment", "threads"), [(None, 1), ("3", 3)])
    def test_threads_that_nobody_asked_for_are_not_taken(self, monkeypatch, environment, threads):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        if environment:
            monkeypatch.setenv("OMP_NUM_THREADS", environment)
        taken = []
        with torch_threads(3):
            quick_training(
                QUICK.model_copy(update={"epochs": 1}),
                threads=None,
                progress=lambda _: taken.append(torch.get_num_threads()),
            )
        assert taken == [threads]

    def test_global_state_is_left_alone(self):
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        threads = torch.get_num_threads()
        quick_training(QUICK.model_copy(update={"epochs": 1}), threads=threads + 1)
        assert torch.get_num_threads() == threads
        assert_array_equal(torch.rand(3), expected)

    def test_inputs_are_left_alone(self):
        thermal, quenched, _ = planted(200)
        copies = thermal.copy(), quenched.copy()
        train(thermal, quenched, shares(200), QUICK, **CLUSTER)
        assert_array_equal(thermal, copies[0])
        assert_array_equal(quenched, copies[1])

    def test_unused_samples_do_not_matter(self):
        thermal, quenched, _ = planted(220)
        split = np.append(shares(200), np.full(20, GUARD))
        model, _ = train(thermal, quenched, split, QUICK, **CLUSTER)
        wild = thermal.copy()
        wild[200:] *= 100.0
        other, _ = train(wild, quenched, split, QUICK, **CLUSTER)
        assert_array_equal(model.decode([0.0, 1.0]), other.decode([0.0, 1.0]))

    def test_stops_early_and_keeps_the_best_epoch(self):
        # Targets without any relation to the inputs: the validation loss soon rises.
        random = np.random.default_rng(0)
        thermal, quenched, _ = planted(120)
        random.shuffle(quenched)
        config = TrainingConfig(epochs=200, patience=5, batch_size=16, averaging=0.0)
        model, history = train(thermal, quenched, shares(120), config, **CLUSTER)
        losses = [curve.validation_loss for curve in history.curves]
        assert history.stopped == "patience"
        assert history.best_epoch == 1 + np.argmin(losses)
        assert len(losses) == history.best_epoch + 5
        # The model has the weights of that epoch, not the last ones.
        part = shares(120) == VALIDATION
        error = ((quenched - model.reconstruct_rdf(thermal))[part] ** 2).mean()
        scaled = error / float(model.network.target_scale[0]) ** 2
        assert scaled == pytest.approx(min(losses), rel=1e-4)
        assert scaled < 0.999 * losses[-1]

    def test_time_budget_ends_it(self):
        _, history = quick_training(QUICK.model_copy(update={"max_seconds": 1e-6}))
        assert history.stopped == "time"
        assert len(history.curves) == 1

    def test_progress_comes_every_epoch(self):
        seen = []
        _, history = quick_training(progress=seen.append)
        assert tuple(seen) == history.curves
        assert [curve.epoch for curve in seen] == [1, 2, 3]
        assert all(curve.n_epochs == 3 for curve in seen)
        assert np.all(np.diff([curve.seconds for curve in seen]) > 0)
        assert seen[-1].learning_rate < 1e-3 * QUICK.learning_rate

    def test_published_schedule_halves(self):
        config = TrainingConfig(
            epochs=4, schedule="halving", halving_epochs=(1, 3), learning_rate=8e-3, bottleneck=2
        )
        _, history = quick_training(config)
        assert [c.learning_rate for c in history.curves] == [8e-3, 4e-3, 4e-3, 2e-3]

    def test_a_moving_average_of_no_memory_is_the_weights_themselves(self):
        none, short, long = (
            quick_training(QUICK.model_copy(update={"averaging": averaging}))[0].decode([0.5, 1.0])
            for averaging in (0.0, 1e-9, 0.99)
        )
        assert_allclose(short, none, atol=1e-5)
        assert np.abs(long - none).max() > 1e-3

    def test_divergence_advises(self):
        config = QUICK.model_copy(update={"learning_rate": 1e6, "epochs": 20})
        with pytest.raises(ConvergenceError, match=r"diverged in epoch.*lower learning_rate"):
            quick_training(config)


class TestRefusals:
    def test_nan_inputs_name_the_sample(self):
        thermal, quenched, _ = planted(200)
        thermal[17, 3] = np.nan
        with pytest.raises(ValueError, match=r"input RDFs must be finite.*first is sample 17"):
            train(thermal, quenched, shares(200), QUICK, **CLUSTER)

    def test_other_grids(self):
        thermal, quenched, _ = planted(200)
        with pytest.raises(ValueError, match="must have the 48 bins of the RDF settings; got 40"):
            train(thermal[:, :40], quenched[:, :40], shares(200), QUICK, **CLUSTER)

    def test_other_shapes(self):
        thermal, quenched, _ = planted(200)
        with pytest.raises(ValueError, match=r"one shape.*\(200, 48\) and \(199, 48\)"):
            train(thermal, quenched[:-1], shares(200), QUICK, **CLUSTER)

    def test_an_unflattened_split(self):
        thermal, quenched, _ = planted(200)
        with pytest.raises(ValueError, match=r"each of the 200 samples; got the shape \(20, 10\)"):
            train(thermal, quenched, np.zeros((20, 10), int), QUICK, **CLUSTER)

    def test_an_empty_part(self):
        thermal, quenched, _ = planted(200)
        split = np.where(shares(200) == TEST, TRAIN, shares(200))
        with pytest.raises(ValueError, match=r"test part of the split must have at least 2.*got 0"):
            train(thermal, quenched, split, QUICK, **CLUSTER)

    def test_missing_targets(self):
        thermal, _, _ = planted(200)
        with pytest.raises(
            ValueError, match='"inherent" needs the RDFs to reproduce; got targets=None'
        ):
            train(thermal, None, shares(200), QUICK, **CLUSTER)

    def test_targets_that_would_be_ignored(self):
        thermal, quenched, _ = planted(200)
        config = QUICK.model_copy(update={"target": "self"})
        with pytest.raises(
            ValueError, match='"self" reproduces its inputs; got targets that differ'
        ):
            train(thermal, quenched, shares(200), config, **CLUSTER)

    @pytest.mark.parametrize("target", ["self", "inherent"])
    def test_a_structure_again_and_again(self, target):
        thermal, quenched, _ = planted(600)
        split = np.repeat([TRAIN, VALIDATION, TEST], [400, 100, 100])
        quenched[np.arange(600) != 500] = quenched[0]
        quenched *= 1.0 + 1e-6 * np.random.default_rng(0).standard_normal(quenched.shape)
        inputs = quenched if target == "self" else thermal
        config = QUICK.model_copy(update={"target": target})
        with pytest.raises(ValueError, match=r"different structures.*400 RDFs are those of one"):
            train(inputs, quenched, split, config, **CLUSTER)

    def test_samples_that_are_all_the_same(self):
        thermal, quenched, _ = planted(200)
        with pytest.raises(ValueError, match="input RDFs of the 120 training samples must differ"):
            train(thermal[:1].repeat(200, 0), quenched, shares(200), QUICK, **CLUSTER)

    def test_no_threads(self):
        with pytest.raises(ValueError, match="threads must be at least 1; got 0"):
            quick_training(threads=0)

    def test_resume_without_a_file(self):
        with pytest.raises(ValueError, match="resume needs the checkpoint file"):
            quick_training(resume=True)
