from .diagnostics import (
    Acceptance as Acceptance,
    Equilibration as Equilibration,
    Exchanges as Exchanges,
    LadderDiagnostics as LadderDiagnostics,
    acceptance as acceptance,
    by_rung as by_rung,
    counted_acceptance as counted_acceptance,
    detect_equilibration as detect_equilibration,
    diagnose_ladder as diagnose_ladder,
    energy_overlap as energy_overlap,
)
from .exchange import (
    Exchange as Exchange,
    exchange as exchange,
    metropolis_criterion as metropolis_criterion,
)
from .findings import (
    ladder_findings as ladder_findings,
    ladder_reservation as ladder_reservation,
    ladder_summary as ladder_summary,
    ladder_verdict as ladder_verdict,
)
from .harmonic import (
    HarmonicFrames as HarmonicFrames,
    MappedEnergies as MappedEnergies,
    harmonic_frames as harmonic_frames,
    mapped_energies as mapped_energies,
)
from .health import ReplicaError as ReplicaError, check_health as check_health
from .ladder import Ladder as Ladder
from .levels import (
    LevelMeans as LevelMeans,
    group_by_temperature as group_by_temperature,
    level_means as level_means,
    rung_means as rung_means,
)
from .mapped import (
    MappedExchange as MappedExchange,
    MappedMoves as MappedMoves,
    Scaled as Scaled,
    log_rotational_jacobian as log_rotational_jacobian,
    mapped_exchange as mapped_exchange,
)
from .pilot import Pilot as Pilot, run_pilot as run_pilot
from .reach import MappedReach as MappedReach, mapped_reach as mapped_reach
from .replica_flow import (
    RoundTrips as RoundTrips,
    communication_barrier as communication_barrier,
    ideal_round_trip_time as ideal_round_trip_time,
    replica_flow as replica_flow,
    round_trips as round_trips,
    walks as walks,
)
from .restricted import (
    RestrictedSegment as RestrictedSegment,
    motifs_of as motifs_of,
    within_motif as within_motif,
)
from .sampler import (
    BatchSegment as BatchSegment,
    Round as Round,
    Segment as Segment,
    TemperingConfig as TemperingConfig,
    TemperingState as TemperingState,
    initialize_tempering as initialize_tempering,
    langevin_segment as langevin_segment,
    next_frame as next_frame,
    step as step,
)
from .tempered import (
    TemperedSample as TemperedSample,
    rung_populations as rung_populations,
    tempered_sample as tempered_sample,
)
from .thermodynamics import thermodynamics as thermodynamics
from .thermodynamics_result import (
    Thermodynamics as Thermodynamics,
    ThermodynamicsConfig as ThermodynamicsConfig,
)
from .tuning import (
    AcceptanceModel as AcceptanceModel,
    EnergyDistributions as EnergyDistributions,
    MappedDistances as MappedDistances,
    TunedLadder as TunedLadder,
    cold_rungs as cold_rungs,
    harmonic_ladder as harmonic_ladder,
    mean_acceptance as mean_acceptance,
    predicted_acceptance as predicted_acceptance,
    tuned_ladder as tuned_ladder,
)
