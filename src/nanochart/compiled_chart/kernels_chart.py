"""The compiled chart: RDF, encoder and their vector-Jacobian product, for one cluster."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from nanochart.compiled.options import FUSED
from nanochart.compiled_chart.kernels_encoder import (
    decode_slope,
    encode_bins,
    make_encoder_workspace,
)
from nanochart.compiled_chart.kernels_rdf import make_rdf_workspace, rdf_gradient, rdf_values

__all__ = [
    "ChartTables", "ChartWorkspace", "chart_gradient", "chart_values", "encode_frames",
    "make_chart_workspace", "pull_frames",
]  # fmt: skip


class ChartTables(NamedTuple):
    """What the kernels need of a model: ``rdf``, ``encoder`` (of either architecture)."""

    rdf: Any  # RDFTables or ExactTables
    encoder: Any  # CompactTables or PaperTables


class ChartWorkspace(NamedTuple):
    """Scratch arrays of both parts."""

    rdf: Any
    encoder: Any


@njit(**FUSED)
def make_chart_workspace(n_atoms, tables):
    """Allocate a workspace for clusters of ``n_atoms``."""
    return ChartWorkspace(
        make_rdf_workspace(n_atoms, tables.rdf), make_encoder_workspace(tables.encoder)
    )


@njit(**FUSED)
def chart_values(tables, x, work, s):
    """Chart coordinates ``s`` (d,) of rows ``x`` (3, N) in Å.

    Returns 0, or 1 if a distance is off the RDF's grid: then ``s`` means nothing. The workspace
    keeps what ``chart_gradient`` needs.
    """
    if rdf_values(tables.rdf, x, work.rdf):
        return 1
    encode_bins(tables.encoder, work.rdf.g, work.rdf.filled[0], work.encoder, s)
    return 0


@njit(**FUSED)
def chart_gradient(tables, work, slope, forces):
    """Subtract Σ_k slope[k] ∂s_k/∂x from ``forces`` (3, N), at the last ``chart_values``."""
    rdf = work.rdf
    decode_slope(tables.encoder, work.encoder, slope, rdf.filled[0], rdf.cotangent)
    rdf_gradient(tables.rdf, rdf, forces.shape[1], forces)


@njit(**FUSED)
def encode_frames(tables, frames, s):
    """Coordinates (frame, d) of frames (frame, atom, 3); the first frame off the grid, or -1."""
    n = frames.shape[1]
    work = make_chart_workspace(n, tables)
    x = np.empty((3, n))
    for f in range(frames.shape[0]):
        x[:, :] = frames[f].T
        if chart_values(tables, x, work, s[f]):
            return f
    return -1


@njit(**FUSED)
def pull_frames(tables, frames, slopes, s, gradients):
    """As `encode_frames`, with the gradients (frame, atom, 3) of Σ_k slopes[frame, k] s_k."""
    n = frames.shape[1]
    work = make_chart_workspace(n, tables)
    x = np.empty((3, n))
    pull = np.empty((3, n))
    for f in range(frames.shape[0]):
        x[:, :] = frames[f].T
        if chart_values(tables, x, work, s[f]):
            return f
        pull[:, :] = 0.0
        chart_gradient(tables, work, slopes[f], pull)
        gradients[f] = -pull.T
    return -1
