"""The figures, the strip and the movie of a track."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nanochart.metals import NEAREST_NEIGHBOUR
from nanochart.progress import Progress, silent
from nanochart.report import (
    FigureCard,
    MovieFrame,
    follow,
    track as figures,
    write_movie,
)
from nanochart.store import Run
from nanochart.workflow.labels import atom_type_codes
from nanochart.workflow.track import Track

__all__ = ["track_cards", "track_movie"]

#: Structures in the strip.
_STRIP = 8


def track_cards(track: Track, run: Run) -> tuple[FigureCard, ...]:
    """Figures of a track before the landscape of its run: path, states against time, structures."""
    label = f"time ({track.time_unit})" if track.time_unit != "frames" else "frame"
    path = _path(track, run)
    series = [
        figures.Series(
            "inherent energy", "eV above lowest", track.inherent_energy - track.lowest_energy
        ),
        figures.Series("RDF error", "10⁻³/Å", 1e3 * track.reconstruction_error),
    ]
    if np.isfinite(track.temperature).any():
        series.insert(0, figures.Series("temperature", "K", track.temperature))
    moments = "".join(f", {t}" for t in _sentences(track))
    return (
        FigureCard(
            "track-path",
            partial(figures.track_path, path, track.time, label),
            f"The path of {Path(track.trajectory).name} through the chart (coordinates are "
            "dimensionless), before the structures of the run in grey: on the left by time, on the "
            "right by motif. A ring marks the beginning, a square the end, numbers the transitions"
            f"{moments}.",
            "The path of the trajectory through the chart.",
        ),
        FigureCard(
            "track-time",
            partial(figures.track_series, track.time, label, series, _states(track), track.chart),
            "Against time: temperature (K), inherent energy (eV above the lowest), error of the "
            "reconstructed RDF (10⁻³/Å), chart coordinates (dimensionless), motif and family. Dots "
            "are what each frame is, lines what lasts; dotted lines are the transitions of the "
            f"motif, changes that last for at least {track.persistence} frames.",
            "Energies, chart coordinates and motifs against time.",
        ),
        FigureCard(
            "track-structures",
            partial(figures.track_strip, _strip(track), _radius(track)),
            "Inherent structures at the beginning, after each transition, and at the end. Atoms "
            "by type: fcc green, hcp red, on a five-fold axis blue, centre of an icosahedron "
            "yellow, surface and disorder grey.",
            "Pictures of the structures at the transitions.",
        ),
    )


def track_movie(
    track: Track, run: Run, file: str | Path, *, n_pictures: int = 50, progress: Progress = silent
) -> Path:
    """Write the movie of a track: the path beside the structure, as an animated GIF."""
    chosen = np.unique(np.linspace(0, len(track) - 1, n_pictures).round().astype(int))
    structures = follow(track.inherent_positions[chosen])
    types = atom_type_codes(structures, track.element, track.nearest_neighbour)
    frames = [
        MovieFrame(int(f), x, t, _caption(track, int(f)))
        for f, x, t in zip(chosen, structures, types, strict=True)
    ]
    return write_movie(
        _path(track, run),
        frames,
        _radius(track),
        file,
        told=lambda done: progress("movie", done, len(frames)),
    )


def _path(track: Track, run: Run) -> figures.Path:
    landscape: NDArray[np.float64] = np.empty((0, track.chart.shape[1]))
    frames = run.frames()
    if "inherent" in frames.charted:
        points = frames.chart("inherent").coordinates
        points = points.reshape(-1, points.shape[-1])
        points = points[np.isfinite(points).all(axis=1)]
        if points.shape[1] == track.chart.shape[1]:  # else it is the chart of another model
            landscape = points
    return figures.Path(track.chart, landscape, _states(track)[0])


def _states(track: Track) -> list[figures.States]:
    kinds = [("motif", track.motif, track.motifs), ("family", track.family, track.families)]
    found = []
    for kind, labels, lasting in kinds:
        if labels is None or lasting is None:
            continue
        names = np.unique(labels).tolist()
        colors = figures.state_colors(names)
        moments = tuple(t.frame for t in lasting.transitions)
        found.append(figures.States(kind, labels, lasting.states, moments, colors))
    return found


def _sentences(track: Track) -> list[str]:
    return [
        f"({k + 1}) {t.before} to {t.after} at {_moment(track, t.frame)}"
        for k, t in enumerate(track.motifs.transitions)
    ]


def _moment(track: Track, frame: int) -> str:
    if track.time_unit == "frames":
        return f"frame {frame}"
    return f"{track.time[frame]:.3g} {track.time_unit}"


def _caption(track: Track, frame: int) -> str:
    hot = track.temperature[frame]
    parts = [_moment(track, frame), *([f"{hot:.0f} K"] if np.isfinite(hot) else [])]
    return "   ".join([*parts, str(track.motif[frame])])


def _strip(track: Track) -> list[figures.Moment]:
    """Beginning, a frame of each new state, end; of many transitions the first and last ones."""
    moments = list(track.motifs.transitions)
    if len(moments) > _STRIP - 2:
        half = (_STRIP - 2) // 2
        moments = [*moments[:half], *moments[-half:]]
    chosen = [(0, "beginning")]
    chosen += [(t.frame, f"{t.before} to {t.after}") for t in moments]
    chosen += [(len(track) - 1, "end")]
    found = []
    for frame, what in chosen:
        positions = track.inherent_positions[frame].astype(np.float64)
        energy = track.inherent_energy[frame] - track.lowest_energy
        note = f"{_moment(track, frame)}, {track.motif[frame]}, +{energy:.2f} eV"
        types = atom_type_codes(positions, track.element, track.nearest_neighbour)
        found.append(figures.Moment(what, note, positions, types))
    return found


def _radius(track: Track) -> float:
    return 0.5 * (track.nearest_neighbour or NEAREST_NEIGHBOUR[track.element])
