"""The stages joined to the store, one module per command; Python callers use them, too."""

from typing import TYPE_CHECKING

from nanochart._lazy import lazy_names
from nanochart._progress import Progress, silent

if TYPE_CHECKING:
    from nanochart.workflow._chart import chart_run
    from nanochart.workflow._config import (
        DynamicsConfig,
        QuenchConfig,
        RDFConfig,
        RunConfig,
        SystemConfig,
        TemperingSection,
        load_config,
        quench_config,
        training_config,
    )
    from nanochart.workflow._demo import DEMO, run_demo
    from nanochart.workflow._presets import PRESETS, preset_text
    from nanochart.workflow._quench import quench_run
    from nanochart.workflow._report import report_run
    from nanochart.workflow._sample import sample
    from nanochart.workflow._system import import_potential, run_config
    from nanochart.workflow._train import train_run

__all__ = [
    "DEMO",
    "PRESETS",
    "DynamicsConfig",
    "Progress",
    "QuenchConfig",
    "RDFConfig",
    "RunConfig",
    "SystemConfig",
    "TemperingSection",
    "chart_run",
    "import_potential",
    "load_config",
    "preset_text",
    "quench_config",
    "quench_run",
    "report_run",
    "run_config",
    "run_demo",
    "sample",
    "silent",
    "train_run",
    "training_config",
]

__getattr__ = lazy_names(
    __name__,
    {
        "DEMO": "_demo",
        "DynamicsConfig": "_config",
        "PRESETS": "_presets",
        "QuenchConfig": "_config",
        "RDFConfig": "_config",
        "RunConfig": "_config",
        "SystemConfig": "_config",
        "TemperingSection": "_config",
        "chart_run": "_chart",
        "import_potential": "_system",
        "load_config": "_config",
        "preset_text": "_presets",
        "quench_config": "_config",
        "quench_run": "_quench",
        "report_run": "_report",
        "run_config": "_system",
        "run_demo": "_demo",
        "sample": "_sample",
        "train_run": "_train",
        "training_config": "_config",
    },
)
