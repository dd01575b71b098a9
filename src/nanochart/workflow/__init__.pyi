from .anchor.partition import AnchorConfig as AnchorConfig
from .anchor.result import (
    Anchored as Anchored,
    anchor_summary as anchor_summary,
    write_anchor as write_anchor,
)
from .anchor.run import (
    anchor_ladder as anchor_ladder,
    anchor_run as anchor_run,
)
from .bias.plans import stored_model as stored_model
from .bias.run import bias_run as bias_run
from .chart import (
    chart_run as chart_run,
    check_model as check_model,
    check_trained as check_trained,
)
from .demo import DEMO as DEMO, run_demo as run_demo
from .doctor import Check as Check, Diagnosis as Diagnosis, diagnose as diagnose
from .executors import dask_executor as dask_executor, thread_executor as thread_executor
from .explore import (
    Explored as Explored,
    explore_run as explore_run,
    explorer_path as explorer_path,
)
from .export_chemiscope import export_chemiscope as export_chemiscope
from .export_plumed import export_plumed as export_plumed
from .families import (
    families_config as families_config,
    families_path as families_path,
    families_run as families_run,
    saved_families as saved_families,
)
from .fes.run import (
    fes_run as fes_run,
    fes_summary as fes_summary,
    write_fes as write_fes,
)
from .fes.runs import (
    fes_runs as fes_runs,
    runs_summary as runs_summary,
    write_fes_runs as write_fes_runs,
)
from .fes.works import works_of_runs as works_of_runs
from .info import run_info as run_info
from .label import label_run as label_run, motif_counts as motif_counts
from .ladder import ladder_words as ladder_words
from .models import (
    analysed_run as analysed_run,
    default_model as default_model,
    trained_model as trained_model,
)
from .notebook import show_in_notebook as show_in_notebook
from .quench import (
    quench_run as quench_run,
    quench_settings as quench_settings,
    quenched_every as quenched_every,
)
from .refine import Refinement as Refinement, refine_run as refine_run
from .report import report_run as report_run
from .sample import changed_stages as changed_stages, sample as sample
from .search import (
    Found as Found,
    found_minima as found_minima,
    search_run as search_run,
    shortfalls as shortfalls,
)
from .shared_chart import draw_shared_chart as draw_shared_chart
from .starts import start_words as start_words
from .study import Study as Study
from .system import (
    calculator_potential as calculator_potential,
    import_potential as import_potential,
    lengthened as lengthened,
    make_potential as make_potential,
    run_config as run_config,
)
from .thermo import (
    thermo_run as thermo_run,
    thermo_summary as thermo_summary,
    write_thermo as write_thermo,
)
from .track import (
    Track as Track,
    check_track_folder as check_track_folder,
    track_run as track_run,
    track_summary as track_summary,
    write_track as write_track,
)
from .track_figures import track_cards as track_cards, track_movie as track_movie
from .train import train_run as train_run, train_runs as train_runs
from .tune import (
    Tuning as Tuning,
    tune_ladder as tune_ladder,
    tune_segment as tune_segment,
    write_tuned as write_tuned,
)
from .warmup import warm_up as warm_up
