"""The stages joined to the store, one module per command; Python callers use them, too."""

from nanochart._progress import Progress, silent
from nanochart.workflow._chart import chart_run
from nanochart.workflow._config import (
    DynamicsConfig,
    QuenchConfig,
    RDFConfig,
    RunConfig,
    SystemConfig,
    TemperingSection,
    load_config,
)
from nanochart.workflow._demo import DEMO, run_demo
from nanochart.workflow._presets import PRESETS, preset_text
from nanochart.workflow._quench import quench_run
from nanochart.workflow._report import report_run
from nanochart.workflow._sample import sample
from nanochart.workflow._system import import_potential
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
    "quench_run",
    "report_run",
    "run_demo",
    "sample",
    "silent",
    "train_run",
]
