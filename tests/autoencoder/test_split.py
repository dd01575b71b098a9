"""Which samples train, validate and test; the explained variance of each."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from nanochart.autoencoder import GUARD, TEST, TRAIN, VALIDATION, explained_variance, split_blocks


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
