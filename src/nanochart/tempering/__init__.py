"""Parallel tempering: temperature ladders, exchanges, the sampler."""

from nanochart.tempering._diagnostics import (
    Acceptance,
    Equilibration,
    LadderDiagnostics,
    acceptance,
    by_rung,
    detect_equilibration,
    diagnose_ladder,
    energy_overlap,
)
from nanochart.tempering._exchange import Exchange, exchange, metropolis_criterion
from nanochart.tempering._findings import (
    ladder_findings,
    ladder_reservation,
    ladder_summary,
    ladder_verdict,
)
from nanochart.tempering._health import ReplicaError
from nanochart.tempering._ladder import Ladder
from nanochart.tempering._levels import (
    LevelMeans,
    group_by_temperature,
    level_means,
    rung_means,
)
from nanochart.tempering._pilot import Pilot, run_pilot
from nanochart.tempering._replica_flow import (
    RoundTrips,
    ideal_round_trip_time,
    replica_flow,
    round_trips,
)
from nanochart.tempering._sampler import (
    Round,
    Segment,
    TemperingConfig,
    TemperingState,
    initialize_tempering,
    langevin_segment,
    step,
)
from nanochart.tempering._tempered import TemperedSample, rung_populations, tempered_sample
from nanochart.tempering._thermodynamics import thermodynamics
from nanochart.tempering._thermodynamics_result import Thermodynamics, ThermodynamicsConfig
from nanochart.tempering._tuning import (
    EnergyDistributions,
    TunedLadder,
    harmonic_ladder,
    mean_acceptance,
    predicted_acceptance,
    tuned_ladder,
)

__all__ = [
    "Acceptance",
    "EnergyDistributions",
    "Equilibration",
    "Exchange",
    "Ladder",
    "LadderDiagnostics",
    "LevelMeans",
    "Pilot",
    "ReplicaError",
    "Round",
    "RoundTrips",
    "Segment",
    "TemperedSample",
    "TemperingConfig",
    "TemperingState",
    "Thermodynamics",
    "ThermodynamicsConfig",
    "TunedLadder",
    "acceptance",
    "by_rung",
    "detect_equilibration",
    "diagnose_ladder",
    "energy_overlap",
    "exchange",
    "group_by_temperature",
    "harmonic_ladder",
    "ideal_round_trip_time",
    "initialize_tempering",
    "ladder_findings",
    "ladder_reservation",
    "ladder_summary",
    "ladder_verdict",
    "langevin_segment",
    "level_means",
    "mean_acceptance",
    "metropolis_criterion",
    "predicted_acceptance",
    "replica_flow",
    "round_trips",
    "run_pilot",
    "rung_means",
    "rung_populations",
    "step",
    "tempered_sample",
    "thermodynamics",
    "tuned_ladder",
]
