"""What a user changes in a configuration after sampling is taken up, or refused by name."""

import json

import pytest
import yaml
from pydantic import ValidationError

from helpers.command import nanochart
from helpers.configs import small_config
from nanochart import autoencoder, config, store
from nanochart.cli.app import _register, app
from nanochart.errors import ConfigError


def options_of(command):
    from typer.main import get_command

    _register()
    return {o for p in get_command(app).commands[command].params for o in p.opts}


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        ("train", autoencoder.TrainingConfig),
        ("train", config.RDFConfig),
        ("quench", config.QuenchConfig),
    ],
)
def test_every_setting_of_a_stage_has_an_option(command, settings):
    wanted = {"--" + name.replace("_", "-") for name in settings.model_fields}
    assert wanted <= options_of(command)


@pytest.fixture
def edited(small_copy):
    """The small run, and a configuration that asks other things of its later stages."""
    asked = small_config(
        training={"epochs": 2, "bottleneck": 1}, rdf={"sigma": 0.3}, quench={"max_force": 1e-3}
    )
    (small_copy / "edited.yaml").write_text(yaml.safe_dump(asked.model_dump(mode="json")))
    return small_copy


def test_train_takes_the_sections_of_a_configuration(edited):
    made = nanochart("train", "run.zarr", "--config", "edited.yaml", "-q", "--json", cwd=edited)
    assert json.loads(made.stdout)["epochs"] == 2
    model = autoencoder.load(edited / "run.nanochart")
    assert model.bottleneck == 1
    assert model.rdf.sigma == 0.3


def test_options_of_train_count_before_its_configuration(edited):
    (edited / "only.yaml").write_text("training: {epochs: 3, bottleneck: 1}\n")
    nanochart("train", "run.zarr", "--config", "only.yaml", "--epochs", 1, "--batch-size", 32,
              "--learning-rate", "1e-3", "--halving-epochs", "1,2", "--sigma", "0.25", "-q",
              cwd=edited)  # fmt: skip
    record = store.open(edited / "run.zarr").info("train")
    assert (record["epochs"], record["batch_size"], record["learning_rate"]) == (1, 32, 1e-3)
    assert record["halving_epochs"] == [1, 2]
    assert record["bottleneck"] == 1
    assert autoencoder.load(edited / "run.nanochart").rdf.sigma == 0.25


def test_a_resume_says_what_later_stages_are_asked_otherwise(edited):
    made = nanochart("sample", "edited.yaml", "-o", "run.zarr", "--resume", "-q", cwd=edited)
    assert "training.epochs was 4, is 2" in made.stdout
    assert "`nanochart train run.zarr` takes it up, for what is there is as it was" in made.stdout
    assert "quench.max_force was 0.0001, is 0.001: `nanochart quench run.zarr --again`" in (
        made.stdout
    )
    refused = nanochart("quench", "run.zarr", "-q", cwd=edited, code=1)
    assert "quench.max_force was 0.0001, is 0.001" in refused.stderr
    nanochart("quench", "run.zarr", "--max-force", "1e-4", "-q", cwd=edited)
    nanochart("train", "run.zarr", "-q", cwd=edited)
    assert store.open(edited / "run.zarr").info("train")["epochs"] == 2
    silent = nanochart("sample", "edited.yaml", "-o", "run.zarr", "--resume", "-q", cwd=edited)
    assert "takes it up" not in silent.stdout


def test_quench_refuses_a_configuration_with_other_settings_than_it_began_with(edited):
    refused = nanochart("quench", "run.zarr", "--config", "edited.yaml", cwd=edited, code=1)
    assert "quenched with max_force 0.0001 and not 0.001" in refused.stderr
    nanochart("quench", "run.zarr", "--config", "edited.yaml", "--again", "-q", cwd=edited)
    assert store.open(edited / "run.zarr").info("quench")["max_force"] == 1e-3


def test_a_configuration_without_the_section_is_refused(edited):
    (edited / "only.yaml").write_text("quench: {max_force: 1e-3}\n")
    refused = nanochart("train", "run.zarr", "--config", "only.yaml", cwd=edited, code=1)
    assert "only.yaml must have a section training or rdf" in refused.stderr


def test_stages_are_read_alone_and_from_a_whole_run():
    whole = small_config().model_dump(mode="json")
    assert config.load_stages(whole).training.epochs == 4
    assert config.load_stages({"training": {"epochs": 7}}).rdf is None
    with pytest.raises(ConfigError, match=r"training\.epoch is not a field of .*epochs"):
        config.load_stages({"training": {"epoch": 7}})


def test_another_architecture_keeps_what_was_asked_for():
    asked = autoencoder.TrainingConfig(epochs=7, bottleneck=2)
    stored = autoencoder.TrainingConfig.model_validate(asked.model_dump())
    changed = config.training_config(stored, {"architecture": "paper"})
    assert (changed.epochs, changed.bottleneck) == (7, 2)
    assert changed.schedule == autoencoder.TrainingConfig(architecture="paper").schedule
    with pytest.raises(ValidationError, match="architecture"):
        autoencoder.TrainingConfig(architecture="huge")
