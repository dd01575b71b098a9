"""Compiled collective variables of one cluster: values, and the force of a bias of them."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from nanochart.biasing.cv.by_address import call_pull, call_value
from nanochart.compiled.options import FUSED
from nanochart.compiled_chart import (
    ChartTables,
    decode_slope,
    encode_bins,
    make_chart_workspace,
    rdf_gradient,
    rdf_values,
)

__all__ = [
    "CHART", "DISTANCE", "OTHER", "CVTables", "NoChart", "cv_pull", "cv_values",
    "make_cv_workspace", "values_of_frames",
]  # fmt: skip


#: A coordinate of the chart and a distance in RDF space share one RDF; others have a kernel each.
CHART, DISTANCE, OTHER = 0, 1, 2


class NoChart(NamedTuple):
    """In place of the tables of a chart."""

    nothing: int = 0


class CVTables(NamedTuple):
    """Variables s_0..s_{m-1} as the kernels see them."""

    chart: NamedTuple  # ChartTables or NoChart
    kinds: np.ndarray  # (m,) int64: CHART, DISTANCE or OTHER
    index: np.ndarray  # (m,) int64: of the chart coordinate
    reference: np.ndarray  # (m, n_bins) float32 RDFs in 1/Å
    width: float  # of a bin in Å
    value: np.ndarray  # (m,) int64: addresses of the kernels of the others
    pull: np.ndarray  # (m,) int64
    parameters: np.ndarray  # of all others, one after another
    first: np.ndarray  # (m,) int64: where in these each one's begin
    memory: np.ndarray  # (m, 2) int64: numbers that each keeps, and further ones for each atom


class CVWorkspace(NamedTuple):
    """Scratch arrays."""

    chart: NamedTuple
    latent: np.ndarray  # (d,)
    slope: np.ndarray  # (d,)
    values: np.ndarray  # (m,) as last computed
    memory: np.ndarray  # of all others, one after another
    first: np.ndarray  # (m,) int64: where in that each one's begins


def _chart_workspace(n, chart):
    raise NotImplementedError  # compiled only


def _chart_forward(tables, x, work):
    raise NotImplementedError  # compiled only


def _chart_backward(tables, work, slope, forces):
    raise NotImplementedError  # compiled only


def _latent_size(chart):
    raise NotImplementedError  # compiled only


@njit(**FUSED)
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


@njit(**FUSED)
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


@njit(**FUSED)
def make_cv_workspace(n, tables):
    """Allocate a workspace for ``n`` atoms."""
    d, m = _latent_size(tables.chart), tables.kinds.shape[0]
    first = np.zeros(m, np.int64)
    total = 0
    for a in range(m):
        first[a] = total
        total += tables.memory[a, 0] + n * tables.memory[a, 1]
    return CVWorkspace(
        _chart_workspace(n, tables.chart), np.zeros(d), np.zeros(d), np.zeros(m), np.zeros(total),
        first,
    )  # fmt: skip


@njit(**FUSED)
def cv_values(tables, x, energy, work):
    """Values into ``work.values`` (m,) of rows ``x`` (3, N).

    ``energy`` is the potential energy in eV at ``x``. False if a distance is off the grid of the
    RDF, or a variable has no value.
    """
    if not _chart_forward(tables, x, work):
        return False
    for a in range(tables.kinds.shape[0]):
        if tables.kinds[a] == OTHER:
            parameters, memory = tables.parameters[tables.first[a] :], work.memory[work.first[a] :]
            arguments = (
                np.intp(x.ctypes.data), np.intp(x.shape[1]), energy,
                np.intp(parameters.ctypes.data), np.intp(memory.ctypes.data),
            )  # fmt: skip
            work.values[a] = call_value(tables.value[a], arguments)
            if not math.isfinite(work.values[a]):
                return False
    return True


@njit(**FUSED)
def cv_pull(tables, x, work, slope, base, forces):
    """Subtract Σ_a slope[a] ∂s_a/∂x from ``forces`` (3, N), for the last ``cv_values``.

    ``base`` (3, N) are the forces of the potential, minus the gradient of the energy.
    """
    _chart_backward(tables, work, slope, forces)
    for a in range(tables.kinds.shape[0]):
        if tables.kinds[a] == OTHER and slope[a] != 0.0:
            parameters, memory = tables.parameters[tables.first[a] :], work.memory[work.first[a] :]
            arguments = (
                np.intp(x.ctypes.data), np.intp(x.shape[1]), np.intp(base.ctypes.data),
                np.intp(parameters.ctypes.data), np.intp(memory.ctypes.data), work.values[a],
                slope[a], np.intp(forces.ctypes.data),
            )  # fmt: skip
            call_pull(tables.pull[a], arguments)


@njit(**FUSED)
def values_of_frames(cvs, frames, energies, base, slopes, values, gradients):
    """Values (frame, m) and gradients (frame, atom, 3) of Σ_a slopes[frame, a] s_a.

    ``base`` (frame, atom, 3) are the forces of the potential. Returns the first frame that is off
    the RDF's grid, or -1.
    """
    n = frames.shape[1]
    work = make_cv_workspace(n, cvs)
    x, f0, pull = np.empty((3, n)), np.empty((3, n)), np.empty((3, n))
    for k in range(frames.shape[0]):
        x[:, :] = frames[k].T
        f0[:, :] = base[k].T
        if not cv_values(cvs, x, energies[k], work):
            return k
        values[k] = work.values
        pull[:, :] = 0.0
        cv_pull(cvs, x, work, slopes[k], f0, pull)
        gradients[k] = -pull.T
    return -1
