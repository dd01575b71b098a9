from .bias import (
    DISCARD as DISCARD,
    FEWEST_FRAMES as FEWEST_FRAMES,
    BiasConfig as BiasConfig,
    GuardSection as GuardSection,
    OPESSection as OPESSection,
    load_bias_config as load_bias_config,
)
from .calculator import (
    CalculatorSection as CalculatorSection,
    ForeignSection as ForeignSection,
    LammpsSection as LammpsSection,
    load_calculator as load_calculator,
)
from .changes import changes as changes, changes_sentence as changes_sentence
from .findings import validated as validated
from .presets import PRESETS as PRESETS, preset_text as preset_text
from .run import (
    AUTO as AUTO,
    BEST as BEST,
    DynamicsConfig as DynamicsConfig,
    QuenchConfig as QuenchConfig,
    RDFConfig as RDFConfig,
    RunConfig as RunConfig,
    SystemConfig as SystemConfig,
    TemperingSection as TemperingSection,
    check_files as check_files,
    load_config as load_config,
    nanoseconds as nanoseconds,
    start_source as start_source,
    whole_share as whole_share,
)
from .stages import (
    StagesConfig as StagesConfig,
    load_stages as load_stages,
    quench_config as quench_config,
    rdf_config as rdf_config,
    training_config as training_config,
)
