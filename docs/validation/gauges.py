"""The plain and the geometric free energy of one set of frames in the charts of two trainings.

    python docs/validation/gauges.py RUN MODEL MODEL

RUN is a biased run (or plain dynamics by `nanochart bias`). At every frame x the free energies
F(s(x)) of both charts are compared: their difference, less its mean, would be zero if they did not
depend on how the training drew the chart. Halves of the run in one chart show what is noise.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

import nanochart as nc
from nanochart.biasing import ChartCoordinate, CVs
from nanochart.free_energy import free_energy_surface, log_gram
from nanochart.statistics import Weighted
from nanochart.units import BOLTZMANN

Floats = NDArray[np.float64]

SHAPE = {1: 240, 2: 60, 3: 24}


def at_frames(
    values: Floats,
    log_weights: Floats,
    temperature: float,
    gram: Floats | None,
    fitted: slice = slice(None),
) -> Floats:
    """Free energy at every frame, from the surface of the ``fitted`` ones, in eV."""
    d = values.shape[2]
    low, high = values.min(axis=(0, 1)), values.max(axis=(0, 1))
    margin = 0.06 * (high - low)
    surface = free_energy_surface(
        values[fitted], Weighted(log_weights[fitted]), temperature,
        low=low - margin, high=high + margin,
        shape=SHAPE[d], log_gram=None if gram is None else gram[fitted],
    )  # fmt: skip
    look_up = RegularGridInterpolator(surface.axes, surface.energy, bounds_error=False)
    return np.asarray(look_up(values))


def spread(a: Floats, b: Floats) -> float:
    """Standard deviation of the difference in eV over the frames that both know."""
    gap = (a - b)[np.isfinite(a) & np.isfinite(b)]
    return float(np.std(gap))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("models", type=Path, nargs=2)
    parser.add_argument("--frames", type=int, default=8_000)
    options = parser.parse_args()
    run = nc.store.open(options.run)
    facts = run.metadata
    data = run.to_xarray()
    n = run.committed()
    data = data.isel(frame=slice(n // 5, n, max(1, n // options.frames)))
    log_weights = data["log_weight"].to_numpy()
    x = data["positions"].to_numpy().astype(np.float64)
    flat = x.reshape(-1, *x.shape[-2:])
    potential = nc.potentials.gupta(facts.element)
    T = float(facts.config["temperature"])
    half = len(x) // 2
    found: dict[str, dict[str, float]] = {"plain": {}, "geometric": {}}
    charts = []
    for path in options.models:
        model = nc.autoencoder.load(path)
        d = model.bottleneck
        cvs = CVs.compile([ChartCoordinate(k) for k in range(d)], potential, model)
        rows = []
        for k in range(d):
            s, gradients = cvs.with_gradient(flat, potential, np.eye(d)[k])
            rows.append(gradients)
        gram = log_gram(np.stack(rows, axis=1)).reshape(log_weights.shape)
        charts.append((s.reshape(*log_weights.shape, d), gram))
    for name in found:
        F = [
            at_frames(s, log_weights, T, gram if name == "geometric" else None)
            for s, gram in charts
        ]
        s, gram = charts[0]
        gram = gram if name == "geometric" else None
        halves = [
            at_frames(s, log_weights, T, gram, part) for part in (slice(half), slice(half, None))
        ]
        kT = BOLTZMANN * T
        found[name] = {
            "between_trainings_kT": spread(*F) / kT,
            "between_halves_kT": spread(*halves) / kT,
            "spread_over_frames_kT": float(np.nanstd(F[0])) / kT,
        }
    print(json.dumps({"frames": int(log_weights.size), **found}, indent=1))


if __name__ == "__main__":
    main()
