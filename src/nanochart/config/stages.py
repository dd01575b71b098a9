"""Settings of the stages after sampling, from a run's configuration or a file of their own."""

from pathlib import Path
from typing import Any

from nanochart.autoencoder import TrainingConfig
from nanochart.config.findings import validated
from nanochart.config.plain_yaml import read_yaml
from nanochart.config.run import QuenchConfig, RDFConfig, RunConfig
from nanochart.config.section import Section
from nanochart.errors import ConfigError

__all__ = ["StagesConfig", "load_stages", "quench_config", "rdf_config", "training_config"]

#: Settings of a training that are the same whatever the network.
_OF_EVERY_NETWORK = {"target", "bottleneck", "seed"}


class StagesConfig(Section):
    """What is asked of the stages after sampling: the sections ``quench``, ``rdf``, ``training``.

    A section that is left out is None.
    """

    quench: QuenchConfig | None = None
    rdf: RDFConfig | None = None
    training: TrainingConfig | None = None


def load_stages(source: str | Path | dict[str, Any]) -> StagesConfig:
    """Read the sections of the stages after sampling.

    Parameters
    ----------
    source
        YAML file with these sections alone, or the whole configuration of a run; or the content of
        one as a dictionary.

    Raises
    ------
    ConfigError
        Names each field that is wrong by its path, with unit and what was got.
    """
    where, values = "the configuration", source
    if not isinstance(source, dict):
        where = str(source)
        values = read_yaml(Path(source), f"there is no configuration {source}")
    if not isinstance(values, dict):
        raise ConfigError(
            f"{where} must hold the sections quench, rdf or training, or a whole run; got neither"
        )
    if set(values) <= set(StagesConfig.model_fields):
        return validated(StagesConfig, values, where)
    run = validated(RunConfig, values, where)
    return StagesConfig(quench=run.quench, rdf=run.rdf, training=run.training)


def quench_config(base: QuenchConfig | None, changes: dict[str, Any]) -> QuenchConfig:
    """Quench settings with some of them changed."""
    values = base.model_dump() if base else {}
    return validated(QuenchConfig, values | changes, "the quench")


def rdf_config(base: RDFConfig | None, changes: dict[str, Any]) -> RDFConfig:
    """Settings of the radial distribution function with some of them changed."""
    values = base.model_dump() if base else {}
    return validated(RDFConfig, values | changes, "the radial distribution function")


def training_config(base: TrainingConfig | None, changes: dict[str, Any]) -> TrainingConfig:
    """Training settings with some of them changed.

    With another architecture, settings that ``base`` leaves to the recipe of its own are those of
    the new one's; what ``base`` has otherwise than its recipe was asked for, and stays.
    """
    values = base.model_dump() if base else {}
    if base and changes.get("architecture", base.architecture) != base.architecture:
        recipe = TrainingConfig(architecture=base.architecture).model_dump()
        values = {
            name: value
            for name, value in values.items()
            if name in _OF_EVERY_NETWORK or value != recipe[name]
        }
    return validated(TrainingConfig, values | changes, "the training")
