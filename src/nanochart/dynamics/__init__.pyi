from .confinement import (
    confined_energies as confined_energies,
    confined_forces as confined_forces,
)
from .foreign import run_batch as run_batch
from .kernels import (
    OFF_CHART as OFF_CHART,
    add_bias as add_bias,
    bias_stride as bias_stride,
    record_bias as record_bias,
    run as run,
)
from .langevin import (
    Langevin as Langevin,
    Samples as Samples,
    State as State,
    _failure as _failure,
    initialize as initialize,
    join as join,
    run_segment as run_segment,
)
from .time_step import (
    TimeScale as TimeScale,
    shortest_period as shortest_period,
    time_scale as time_scale,
)
from .types import FRICTION as FRICTION
