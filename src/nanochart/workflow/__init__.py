"""The stages joined to the store, one module per command; Python callers use them, too."""

from typing import TYPE_CHECKING

from nanochart._lazy import lazy_names
from nanochart._progress import Progress, silent

if TYPE_CHECKING:
    from nanochart.workflow._bias import bias_run
    from nanochart.workflow._bias_config import BiasConfig, load_bias_config
    from nanochart.workflow._chart import chart_run, check_model, check_trained
    from nanochart.workflow._config import (
        DynamicsConfig,
        QuenchConfig,
        RDFConfig,
        RunConfig,
        SystemConfig,
        TemperingSection,
        load_config,
        nanoseconds,
        quench_config,
        training_config,
    )
    from nanochart.workflow._demo import DEMO, run_demo
    from nanochart.workflow._executors import dask_executor, thread_executor
    from nanochart.workflow._explore import Explored, explore_run
    from nanochart.workflow._export_chemiscope import export_chemiscope
    from nanochart.workflow._export_plumed import export_plumed
    from nanochart.workflow._families import (
        families_config,
        families_path,
        families_run,
        saved_families,
    )
    from nanochart.workflow._fes import FreeEnergies, fes_run, fes_summary, write_fes
    from nanochart.workflow._fes_runs import (
        IndependentRuns,
        fes_runs,
        runs_summary,
        write_fes_runs,
    )
    from nanochart.workflow._info import run_info
    from nanochart.workflow._label import label_run, motif_counts
    from nanochart.workflow._presets import PRESETS, preset_text
    from nanochart.workflow._quench import quench_run, quench_settings
    from nanochart.workflow._refine import Refinement, refine_run
    from nanochart.workflow._report import report_run
    from nanochart.workflow._sample import sample
    from nanochart.workflow._shared_chart import draw_shared_chart
    from nanochart.workflow._system import import_potential, lengthened, run_config
    from nanochart.workflow._thermo import thermo_run, thermo_summary, write_thermo
    from nanochart.workflow._track import Track, track_run, track_summary, write_track
    from nanochart.workflow._track_figures import track_cards, track_movie
    from nanochart.workflow._train import train_run, train_runs
    from nanochart.workflow._tune import Tuning, tune_ladder, tune_segment, write_tuned
    from nanochart.workflow._works import works_of_runs

__all__ = [
    "DEMO",
    "PRESETS",
    "BiasConfig",
    "DynamicsConfig",
    "Explored",
    "FreeEnergies",
    "IndependentRuns",
    "Progress",
    "QuenchConfig",
    "RDFConfig",
    "Refinement",
    "RunConfig",
    "SystemConfig",
    "TemperingSection",
    "Track",
    "Tuning",
    "bias_run",
    "chart_run",
    "check_model",
    "check_trained",
    "dask_executor",
    "draw_shared_chart",
    "explore_run",
    "export_chemiscope",
    "export_plumed",
    "families_config",
    "families_path",
    "families_run",
    "fes_run",
    "fes_runs",
    "fes_summary",
    "import_potential",
    "label_run",
    "lengthened",
    "load_bias_config",
    "load_config",
    "motif_counts",
    "nanoseconds",
    "preset_text",
    "quench_config",
    "quench_run",
    "quench_settings",
    "refine_run",
    "report_run",
    "run_config",
    "run_demo",
    "run_info",
    "runs_summary",
    "sample",
    "saved_families",
    "silent",
    "thermo_run",
    "thermo_summary",
    "thread_executor",
    "track_cards",
    "track_movie",
    "track_run",
    "track_summary",
    "train_run",
    "train_runs",
    "training_config",
    "tune_ladder",
    "tune_segment",
    "works_of_runs",
    "write_fes",
    "write_fes_runs",
    "write_thermo",
    "write_track",
    "write_tuned",
]

__getattr__ = lazy_names(
    __name__,
    {
        "BiasConfig": "_bias_config",
        "DEMO": "_demo",
        "DynamicsConfig": "_config",
        "Explored": "_explore",
        "PRESETS": "_presets",
        "QuenchConfig": "_config",
        "RDFConfig": "_config",
        "RunConfig": "_config",
        "SystemConfig": "_config",
        "TemperingSection": "_config",
        "bias_run": "_bias",
        "chart_run": "_chart",
        "load_bias_config": "_bias_config",
        "check_model": "_chart",
        "check_trained": "_chart",
        "dask_executor": "_executors",
        "explore_run": "_explore",
        "export_chemiscope": "_export_chemiscope",
        "export_plumed": "_export_plumed",
        "draw_shared_chart": "_shared_chart",
        "families_config": "_families",
        "families_path": "_families",
        "families_run": "_families",
        "FreeEnergies": "_fes",
        "fes_run": "_fes",
        "fes_summary": "_fes",
        "works_of_runs": "_works",
        "IndependentRuns": "_fes_runs",
        "fes_runs": "_fes_runs",
        "runs_summary": "_fes_runs",
        "write_fes_runs": "_fes_runs",
        "write_fes": "_fes",
        "import_potential": "_system",
        "label_run": "_label",
        "lengthened": "_system",
        "load_config": "_config",
        "motif_counts": "_label",
        "nanoseconds": "_config",
        "preset_text": "_presets",
        "quench_config": "_config",
        "quench_run": "_quench",
        "quench_settings": "_quench",
        "Refinement": "_refine",
        "refine_run": "_refine",
        "report_run": "_report",
        "run_config": "_system",
        "run_demo": "_demo",
        "run_info": "_info",
        "sample": "_sample",
        "saved_families": "_families",
        "thread_executor": "_executors",
        "thermo_run": "_thermo",
        "thermo_summary": "_thermo",
        "Track": "_track",
        "track_cards": "_track_figures",
        "track_movie": "_track_figures",
        "track_run": "_track",
        "track_summary": "_track",
        "write_track": "_track",
        "train_run": "_train",
        "train_runs": "_train",
        "training_config": "_config",
        "Tuning": "_tune",
        "tune_ladder": "_tune",
        "tune_segment": "_tune",
        "write_tuned": "_tune",
        "write_thermo": "_thermo",
    },
)
