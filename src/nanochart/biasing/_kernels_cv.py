"""Compiled collective variables of one cluster: values, and the force of a bias of them."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from nanochart.biasing._kernels_chart import ChartTables, make_chart_workspace
from nanochart.biasing._kernels_encoder import decode_slope, encode_bins
from nanochart.biasing._kernels_q6 import q6_gradient, q6_value, switch
from nanochart.biasing._kernels_rdf import rdf_gradient, rdf_values

__all__ = [
    "CHART", "COORDINATION", "DISTANCE", "ENERGY", "Q6", "CVTables", "NoChart", "cv_pull",
    "cv_values", "make_cv_workspace",
]  # fmt: skip

_OPTIONS = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": {"contract"}}

CHART, ENERGY, COORDINATION, Q6, DISTANCE = 0, 1, 2, 3, 4


class NoChart(NamedTuple):
    """In place of the tables of a chart."""

    nothing: int = 0


class CVTables(NamedTuple):
    """Variables s_0..s_{m-1} as the kernels see them."""

    chart: NamedTuple  # ChartTables or NoChart
    kinds: np.ndarray  # (m,) int64
    index: np.ndarray  # (m,) int64: of the chart coordinate
    low: np.ndarray  # (m,) Å, below which two atoms are wholly bonded
    high: np.ndarray  # (m,) Å, above which they are not
    reference: np.ndarray  # (m, n_bins) float32 RDFs in 1/Å
    width: float  # of a bin in Å
    harmonics: np.ndarray  # (13, 28)


class CVWorkspace(NamedTuple):
    """Scratch arrays."""

    chart: NamedTuple
    latent: np.ndarray  # (d,)
    slope: np.ndarray  # (d,)
    values: np.ndarray  # (m,) as last computed
    sums: np.ndarray  # (29,)


def _chart_workspace(n, chart):
    raise NotImplementedError  # compiled only


def _chart_forward(tables, x, work):
    raise NotImplementedError  # compiled only


def _chart_backward(tables, work, slope, forces):
    raise NotImplementedError  # compiled only


def _latent_size(chart):
    raise NotImplementedError  # compiled only


@njit(**_OPTIONS)
def _some_values(tables, x, work):
    if rdf_values(tables.chart.rdf, x, work.chart.rdf):
        return False
    mapped = False
    for a in range(tables.kinds.shape[0]):
        mapped |= tables.kinds[a] == CHART
    if mapped:
        filled = work.chart.rdf.filled[0]
        encode_bins(tables.chart.encoder, work.chart.rdf.g, filled, work.chart.encoder, work.latent)
    g = work.chart.rdf.g
    for a in range(tables.kinds.shape[0]):
        if tables.kinds[a] == CHART:
            work.values[a] = work.latent[tables.index[a]]
        elif tables.kinds[a] == DISTANCE:
            total = 0.0
            for k in range(g.shape[0]):
                total += np.float64(g[k] - tables.reference[a, k]) ** 2
            work.values[a] = math.sqrt(total * tables.width)
    return True


@njit(**_OPTIONS)
def _some_pull(tables, work, slope, forces):
    latent = work.slope
    latent[:] = 0.0
    mapped = False
    pulled = False
    for a in range(tables.kinds.shape[0]):
        if tables.kinds[a] == CHART:
            latent[tables.index[a]] += slope[a]
            mapped |= slope[a] != 0.0
        elif tables.kinds[a] == DISTANCE:
            pulled |= slope[a] != 0.0
    rdf = work.chart.rdf
    if mapped:
        encoder = work.chart.encoder
        decode_slope(tables.chart.encoder, encoder, latent, rdf.filled[0], rdf.cotangent)
    else:
        rdf.cotangent[:] = np.float32(0.0)
    if pulled:
        for a in range(tables.kinds.shape[0]):
            if tables.kinds[a] == DISTANCE and work.values[a] > 0.0:
                factor = np.float32(slope[a] * tables.width / work.values[a])
                for k in range(rdf.filled[0]):
                    rdf.cotangent[k] += factor * (rdf.g[k] - tables.reference[a, k])
    if mapped or pulled:
        rdf_gradient(tables.chart.rdf, rdf, forces.shape[1], forces)


def _is_chart(kind):
    return getattr(kind, "instance_class", None) is ChartTables


@overload(_chart_workspace)
def _make(n, chart):
    if _is_chart(chart):
        return lambda n, chart: make_chart_workspace(n, chart)
    return lambda n, chart: NoChart(0)


@overload(_latent_size)
def _size(chart):
    if _is_chart(chart):
        return lambda chart: chart.encoder.offset.shape[0]
    return lambda chart: 0


@overload(_chart_forward)
def _forward(tables, x, work):
    if _is_chart(tables.types[0]):
        return lambda tables, x, work: _some_values(tables, x, work)
    return lambda tables, x, work: True


@overload(_chart_backward)
def _backward(tables, work, slope, forces):
    if _is_chart(tables.types[0]):
        return lambda tables, work, slope, forces: _some_pull(tables, work, slope, forces)
    return lambda tables, work, slope, forces: None


@njit(**_OPTIONS)
def make_cv_workspace(n, tables):
    """Allocate a workspace for ``n`` atoms."""
    d = _latent_size(tables.chart)
    return CVWorkspace(
        _chart_workspace(n, tables.chart),
        np.zeros(d),
        np.zeros(d),
        np.zeros(tables.kinds.shape[0]),
        np.zeros(29),
    )


@njit(**_OPTIONS)
def _coordination(x, low, high):
    n = x.shape[1]
    total = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
            r2 = a * a + b * b + c * c
            if r2 < high * high:
                w, _ = switch(math.sqrt(r2), low, high)
                total += w
    return 2.0 * total / n


@njit(**_OPTIONS)
def _coordination_pull(x, low, high, slope, forces):
    n = x.shape[1]
    for i in range(n):
        for j in range(i + 1, n):
            a, b, c = x[0, j] - x[0, i], x[1, j] - x[1, i], x[2, j] - x[2, i]
            r2 = a * a + b * b + c * c
            if low * low < r2 < high * high:
                r = math.sqrt(r2)
                _, dw = switch(r, low, high)
                f = slope * 2.0 * dw / (n * r)
                forces[0, i] += f * a
                forces[1, i] += f * b
                forces[2, i] += f * c
                forces[0, j] -= f * a
                forces[1, j] -= f * b
                forces[2, j] -= f * c


@njit(**_OPTIONS)
def cv_values(tables, x, energy, work):
    """Values into ``work.values`` (m,) of rows ``x`` (3, N); False if a distance is off the grid.

    ``energy`` is the potential energy in eV at ``x``.
    """
    if not _chart_forward(tables, x, work):
        return False
    for a in range(tables.kinds.shape[0]):
        kind = tables.kinds[a]
        if kind == ENERGY:
            work.values[a] = energy
        elif kind == COORDINATION:
            work.values[a] = _coordination(x, tables.low[a], tables.high[a])
        elif kind == Q6:
            work.values[a] = q6_value(x, tables.low[a], tables.high[a], tables.harmonics, work.sums)
    return True


@njit(**_OPTIONS)
def cv_pull(tables, x, work, slope, base, forces):
    """Subtract Σ_a slope[a] ∂s_a/∂x from ``forces`` (3, N), for the last ``cv_values``.

    ``base`` (3, N) are the forces of the potential, minus the gradient of the energy.
    """
    _chart_backward(tables, work, slope, forces)
    for a in range(tables.kinds.shape[0]):
        kind = tables.kinds[a]
        if slope[a] == 0.0:
            continue
        if kind == ENERGY:
            for c in range(3):
                for i in range(x.shape[1]):
                    forces[c, i] += slope[a] * base[c, i]
        elif kind == COORDINATION:
            _coordination_pull(x, tables.low[a], tables.high[a], slope[a], forces)
        elif kind == Q6:
            q6_gradient(
                x, tables.low[a], tables.high[a], tables.harmonics, work.sums, work.values[a],
                slope[a], forces,
            )  # fmt: skip
