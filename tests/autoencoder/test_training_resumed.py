"""A training that was interrupted goes on to the model of one that was not."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from helpers.small_models import CONFIG, N_ATOMS, RDF_SETTINGS, SPLIT, clusters, training
from nanochart.autoencoder import ARCHITECTURES, TrainingConfig, train
from nanochart.errors import ModelError


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
