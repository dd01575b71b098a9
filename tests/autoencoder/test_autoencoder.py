"""Architectures, split, scaling, training: laws and planted answers."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from nanochart.autoencoder import (
    ARCHITECTURES,
    GUARD,
    MIN_BINS,
    TEST,
    TRAIN,
    VALIDATION,
    TrainingConfig,
    build_network,
    explained_variance,
    initialize_weights,
    split_blocks,
    train,
)
from nanochart.autoencoder.architectures.compact.convolution import Down, Up
from nanochart.autoencoder.architectures.paper.network import pooled_lengths
from nanochart.autoencoder.architectures.registry import recipe
from nanochart.autoencoder.threads import torch_threads
from nanochart.descriptors import RDF
from nanochart.errors import ConvergenceError

N_BINS = 48
RDF_SETTINGS = RDF(r_min=2.0, r_max=6.8, n_bins=N_BINS, sigma=0.2)
CLUSTER = {"rdf": RDF_SETTINGS, "element": "Au", "n_atoms": 13, "threads": 1}
QUICK = TrainingConfig(epochs=3, bottleneck=2, batch_size=32)


def made_network(architecture, n_bins, bottleneck=3, seed=0):
    network = build_network(architecture, n_bins, bottleneck)
    initialize_weights(network, np.random.default_rng(seed))
    return network.eval()


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


class TestArchitectures:
    def test_paper_has_the_published_number_of_parameters(self):
        # Layer by layer, from the list in Telari et al. (2025) for 340 bins.
        channels, kernels, flat, d = (1, 128, 64, 32, 16), (20, 15, 10, 5), 336, 3
        pairs = list(zip(channels[:-1], channels[1:], kernels, strict=True))
        weights = 2 * sum(a * b * k for a, b, k in pairs)
        biases = sum(b for _, b, _ in pairs) + sum(a for a, _, _ in pairs)
        norms = 2 * sum(channels[1:]) + 2 * sum(channels[1:-1])
        linear = (flat * d + d) + (d * flat + flat)
        count = sum(p.numel() for p in build_network("paper", 340, d).parameters())
        assert count == weights + biases + norms + linear == 300_708

    def test_paper_flattens_340_bins_to_336(self):
        assert pooled_lengths(340) == (340, 170, 85, 42, 21)
        assert build_network("paper", 340, 3).encoder.latent.in_features == 16 * 21 == 336

    def test_compact_is_small(self):
        assert sum(p.numel() for p in build_network("compact", 340, 3).parameters()) == 21_796

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    @pytest.mark.parametrize("n_bins", [16, 17, 31, 33, 62, 200, 341])
    def test_any_grid_makes_the_round_trip(self, architecture, n_bins):
        network = made_network(architecture, n_bins, bottleneck=2)
        x = torch.zeros(3, n_bins)
        assert network.encode(x).shape == (3, 2)
        assert network(x).shape == (3, n_bins)

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_every_bin_and_weight_matters(self, architecture):
        network = made_network(architecture, 61).double()
        x = torch.tensor(np.random.default_rng(0).random((4, 61)), requires_grad=True)
        (network(x) ** 2).sum().backward()
        parameters = dict(network.named_parameters())
        assert not [name for name, p in parameters.items() if not p.grad.abs().sum() > 0]
        # Max-pool may skip a bin in one sample; none is skipped in all.
        assert (x.grad.abs().sum(0) > 0).all()

    # PyTorch warns that "same" of an even kernel pads by a copy; that is what is compared with.
    @pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
    def test_paper_encoder_is_the_published_list_of_layers(self):
        network = made_network("paper", 340)
        layers = []
        parts = zip(network.encoder.convolutions, network.encoder.norms, strict=True)
        for convolution, norm in parts:
            outer, inner, kernel = convolution.weight.shape
            same = torch.nn.Conv1d(inner, outer, kernel, padding="same")
            same.load_state_dict(convolution.state_dict())
            layers += [same, torch.nn.MaxPool1d(2), torch.nn.ReLU(), norm]
        published = torch.nn.Sequential(*layers, torch.nn.Flatten(), network.encoder.latent)
        x = torch.from_numpy(np.random.default_rng(0).random((2, 340), dtype=np.float32))
        expected = published(x[:, None]).detach()
        assert_allclose(network.encode(x).detach(), expected, rtol=1e-5, atol=1e-6)

    def test_paper_decoder_is_the_published_list_of_layers(self):
        # 336 bins halve without remainder, so that the mirror is "upsample 2" at every level.
        network = made_network("paper", 336)
        latent = torch.tensor([[0.3, -1.0, 2.0]])
        x = torch.relu(network.decoder.latent(latent)).view(1, 16, 21)
        for level, convolution in enumerate(network.decoder.convolutions):
            outer_length = 2 * x.shape[2]
            x = convolution(torch.nn.Upsample(scale_factor=2)(x))
            surplus = x.shape[2] - outer_length  # kernel - 1, one more on the right if it is odd
            x = x[:, :, surplus // 2 : surplus // 2 + outer_length]
            if level < 3:
                x = network.decoder.norms[level](torch.relu(x))
        assert_allclose(network.decode(latent).detach(), x[:, 0].detach(), rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("architecture", ARCHITECTURES)
    def test_weights_start_as_pytorch_starts_them(self, architecture):
        # So that `paper` trains as the published code does, which keeps PyTorch's defaults.
        random = torch.get_rng_state()
        network = made_network(architecture, 340)
        for module in network.modules():
            if not hasattr(module, "weight") or isinstance(module, torch.nn.BatchNorm1d):
                continue
            ours = {name: p.detach().clone() for name, p in module.named_parameters()}
            module.reset_parameters()
            for name, parameter in module.named_parameters():
                theirs = parameter.detach()
                if theirs.numel() >= 300:  # enough numbers to compare a distribution
                    assert float(ours[name].std() / theirs.std()) == pytest.approx(1.0, abs=0.1)
                    assert float(ours[name].abs().max() / theirs.abs().max()) == pytest.approx(
                        1.0, abs=0.05
                    )
        torch.set_rng_state(random)

    def test_too_few_bins_are_refused(self):
        with pytest.raises(ValueError, match=f"must be at least {MIN_BINS}.*got 15.*finer grid"):
            build_network("compact", 15, 3)

    def test_an_unknown_name_is_refused(self):
        with pytest.raises(ValueError, match="'compact' or 'paper'; got 'big'"):
            build_network("big", 340, 3)

    @pytest.mark.parametrize("length", [9, 10])
    def test_convolutions_agree_with_pytorch(self, length):
        random = torch.Generator().manual_seed(0)
        short = (length + 1) // 2
        weight = torch.randn(4, 3, 5, generator=random, dtype=torch.float64)
        bias_4 = torch.randn(4, generator=random, dtype=torch.float64)
        bias_3 = torch.randn(3, generator=random, dtype=torch.float64)
        x = torch.randn(length, 3, 2, generator=random, dtype=torch.float64)
        y = torch.randn(short, 4, 2, generator=random, dtype=torch.float64)
        # PyTorch orders (sample, channel, position).
        down = torch.nn.functional.conv1d(x.permute(2, 1, 0), weight, bias_4, 2, 2)
        up = torch.nn.functional.conv_transpose1d(
            y.permute(2, 1, 0), weight, bias_3, 2, 2, output_padding=1 - length % 2
        )
        assert_allclose(Down.apply(x, weight, bias_4), down.permute(2, 1, 0), atol=1e-12)
        assert_allclose(Up.apply(y, weight, bias_3, length), up.permute(2, 1, 0), atol=1e-12)

    @pytest.mark.parametrize("length", [9, 10])
    def test_convolution_gradients_are_finite_differences(self, length):
        random = torch.Generator().manual_seed(0)

        def draw(*shape):
            values = torch.randn(shape, generator=random, dtype=torch.float64)
            return values.requires_grad_(True)

        short = (length + 1) // 2
        assert torch.autograd.gradcheck(Down.apply, (draw(length, 3, 2), draw(4, 3, 5), draw(4)))
        assert torch.autograd.gradcheck(
            Up.apply, (draw(short, 4, 2), draw(4, 3, 5), draw(3), length)
        )


class TestSplit:
    @pytest.mark.parametrize(("n_frames", "n_replicas"), [(200, 8), (97, 3), (50, 1)])
    @pytest.mark.parametrize("gap", [0, 2])
    def test_parts_never_touch(self, n_frames, n_replicas, gap):
        split = split_blocks(n_frames, n_replicas, gap=gap, seed=3)
        assert split.shape == (n_frames, n_replicas)
        assert {TRAIN, VALIDATION, TEST} <= set(split.ravel())
        for column in split.T:
            used = np.flatnonzero(column != GUARD)
            changes = np.flatnonzero(np.diff(column[used]))
            assert (used[changes + 1] - used[changes] > gap).all()
        assert gap > 0 or (split != GUARD).all()

    def test_blocks_stay_whole(self):
        split = split_blocks(100, 6, n_blocks=5, seed=0)
        blocks = split.reshape(5, 20, 6)
        assert (blocks == blocks[:, :1]).all()

    def test_fractions_are_met(self):
        split = split_blocks(100, 10, fractions=(0.6, 0.3, 0.1))
        assert_allclose([(split == k).mean() for k in range(3)], [0.6, 0.3, 0.1])

    def test_the_seed_decides(self):
        first, again, other = (split_blocks(60, 4, seed=seed) for seed in (1, 1, 2))
        assert_array_equal(first, again)
        assert (first != other).any()

    def test_gap_wider_than_a_block_makes_fewer_blocks(self):
        split = split_blocks(60, 1, gap=7, seed=0)
        assert {TRAIN, VALIDATION, TEST} <= set(split.ravel())

    def test_too_few_frames_are_refused(self):
        with pytest.raises(ValueError, match=r"at least 3 units.*2 frames.*sample longer"):
            split_blocks(2, 1)

    def test_fractions_must_sum_to_one(self):
        with pytest.raises(ValueError, match=r"sum to 1; got \(0.5, 0.1, 0.1\)"):
            split_blocks(100, 4, fractions=(0.5, 0.1, 0.1))

    def test_a_negative_gap_is_refused(self):
        with pytest.raises(ValueError, match="gap of the split must be at least 0; got -1"):
            split_blocks(100, 4, gap=-1)


class TestExplainedVariance:
    def test_known_answers(self):
        g = np.array([[0.0, 1.0], [2.0, 5.0]])
        assert explained_variance(g, g) == 1.0
        assert explained_variance(g, np.broadcast_to(g.mean(0), g.shape)) == 0.0
        # By hand: residuals 1, 0, 0, 1 over deviations 1, 1, 4, 4.
        assert explained_variance(g, g + np.eye(2)) == pytest.approx(1 - 2 / 10)
        # A held-out part in one basin: its error is measured by the spread of the reference.
        assert explained_variance(g[:1], g[:1] + 1.0, g) == pytest.approx(1 - 2 / 5)

    def test_shapes_must_agree(self):
        with pytest.raises(
            ValueError, match=r"one shape \(sample, bin\); got \(2, 3\) and \(3, 2\)"
        ):
            explained_variance(np.zeros((2, 3)), np.zeros((3, 2)))

    @pytest.mark.parametrize("rounding", [0.0, 1e-7, 1e-5])
    def test_equal_rdfs_have_no_variance_to_explain(self, rounding):
        # An error of 1 % relative to rounding would be a share of minus millions.
        random = np.random.default_rng(0)
        same = np.tile(np.linspace(0.1, 1.0, 20), (30, 1))
        reference = same * (1.0 + rounding * random.standard_normal(same.shape))
        with pytest.raises(ValueError, match="30 RDFs of the reference must differ"):
            explained_variance(same, 1.01 * same, reference)

    def test_equal_samples_are_refused(self):
        with pytest.raises(ValueError, match="3 RDFs of the reference must differ"):
            explained_variance(np.ones((3, 4)), np.zeros((3, 4)))


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
