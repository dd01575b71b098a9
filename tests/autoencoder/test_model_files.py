"""Model files: what is saved comes back, and what is damaged or foreign is refused."""

import json
import pickle
import struct

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from safetensors import safe_open
from safetensors.numpy import save_file

from helpers.small_models import N_ATOMS, RDF_SETTINGS, clusters, training
from nanochart.autoencoder import Model, load
from nanochart.errors import ModelError


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
