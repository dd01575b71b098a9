"""The figures of melting-freezing.md: a decahedron of gold melted, frozen and tracked.

    python docs/gallery/track.py RUN [TRAJECTORY]

RUN is a charted run of Au147 with its model beside it. Without a TRAJECTORY, one is made first and
kept as ``au147-melting-freezing.extxyz`` (26 ns, a few minutes on one core).
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import nanochart as nc
from nanochart.interop.extxyz import format_frame

HERE = Path(__file__).parent
INTERVAL = 4_000  # steps of 5 fs: 20 ps between frames
PERSISTENCE = 25  # frames: a change of motif must last for half a nanosecond


def melt_and_freeze(file: Path, seed: int = 1) -> None:
    """Heat the decahedron from 400 to 650 K in 5 ns, cool it to 350 K in 20 ns, hold for 1 ns."""
    gold = nc.potentials.gupta("Au")
    start = nc.clusters.build("decahedron", "Au", 147)
    ramp = [np.linspace(400, 650, 250), np.linspace(650, 350, 1_000), np.full(50, 350.0)]
    sphere = nc.clusters.confining_radius(start.positions)
    dynamics = nc.dynamics.Langevin(5.0, 1e-3, sphere)
    state = nc.dynamics.initialize(start.positions[None], gold, [400.0], seed=seed)
    with file.open("w", encoding="utf-8") as out:
        for temperature in np.concatenate(ramp):
            state = replace(state, temperatures=np.array([temperature]))
            state, _ = nc.dynamics.run_segment(state, gold, dynamics, INTERVAL)
            x = state.positions[0] - state.positions[0].mean(axis=0)
            about = {"temperature": temperature, "step": int(state.steps[0])}
            out.write(format_frame("Au", x, about))


def main() -> None:
    """Make the trajectory if there is none, and draw it in the chart of the run."""
    run_path = Path(sys.argv[1])
    file = Path(sys.argv[2] if len(sys.argv) > 2 else "au147-melting-freezing.extxyz")
    if not file.exists():
        melt_and_freeze(file)
    run = nc.store.open(run_path)
    families = nc.workflow.families_path(run)
    track = nc.workflow.track_run(
        run,
        file,
        nc.autoencoder.load(run_path.with_suffix(".nanochart")),
        persistence=PERSISTENCE,
        interval=0.02,  # ns
        families=nc.landscape.load_families(families) if families.exists() else None,
    )
    section = nc.report.Section("Track", "", nc.workflow.track_cards(track, run))
    nc.report.save_figures((section,), HERE, formats=("png",), dpi=110)
    for t in (*track.motifs.transitions, *(track.families.transitions if track.families else ())):
        hot = track.temperature[t.frame]
        print(f"{track.time[t.frame]:6.2f} ns {hot:4.0f} K  {t.before} -> {t.after}")


if __name__ == "__main__":
    main()
