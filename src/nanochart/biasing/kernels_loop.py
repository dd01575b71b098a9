"""The bias inside the loop of dynamics: what `nanochart.dynamics.kernels.run` adds and records."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from nanochart.biasing.cv.kernels import CVTables, cv_pull, cv_values, make_cv_workspace
from nanochart.biasing.kernels_bias import BiasTables, evaluate_bias, restraint_energy
from nanochart.compiled.options import FUSED
from nanochart.dynamics import add_bias, bias_stride, record_bias, run

__all__ = ["BiasedForces", "run_biased"]


class BiasedForces(NamedTuple):
    """A bias of collective variables, applied as an impulse every ``stride`` steps.

    ``state`` (2,) holds the energy of the bias as last evaluated and the work that a moving
    restraint has done, both in eV.
    """

    cvs: CVTables
    bias: BiasTables
    stride: int
    first_step: int  # steps that were taken before the segment
    work: NamedTuple
    slope: np.ndarray  # (m,)
    centre: np.ndarray  # (m,)
    force: np.ndarray  # (3, N)
    state: np.ndarray  # (2,)
    sampled_values: np.ndarray  # (sample, m)
    sampled_energies: np.ndarray  # (sample, 2): energy of the bias, work so far


@njit(**FUSED)
def _add(bias, x, energy, step, forces):
    absolute = bias.first_step + step
    if absolute % bias.stride != 0:
        return True
    if not cv_values(bias.cvs, x, energy, bias.work):
        return False
    s = bias.work.values
    if step > 0 and bias.bias.knot_steps.shape[0] > 1:
        # The centre moves first, then the configuration: the work of the protocol.
        before = restraint_energy(bias.bias, s, absolute - bias.stride, bias.centre)
        bias.state[1] += restraint_energy(bias.bias, s, absolute, bias.centre) - before
    bias.state[0] = evaluate_bias(bias.bias, s, absolute, bias.slope)
    force = bias.force
    force[:, :] = 0.0
    cv_pull(bias.cvs, x, bias.work, bias.slope, forces, force)
    impulse = float(bias.stride)
    for c in range(3):
        for i in range(x.shape[1]):
            forces[c, i] += impulse * force[c, i]
    return True


@njit(**FUSED)
def _record(bias, sample):
    bias.sampled_values[sample] = bias.work.values
    bias.sampled_energies[sample, 0] = bias.state[0]
    bias.sampled_energies[sample, 1] = bias.state[1]


def _is_biased(kind):
    return getattr(kind, "instance_class", None) is BiasedForces


@overload(add_bias)
def _add_biased(bias, x, energy, step, forces):
    if _is_biased(bias):
        return lambda bias, x, energy, step, forces: _add(bias, x, energy, step, forces)
    return None


@overload(bias_stride)
def _stride_of_bias(bias):
    if _is_biased(bias):
        return lambda bias: bias.stride
    return None


@overload(record_bias)
def _record_biased(bias, sample):
    if _is_biased(bias):
        return lambda bias, sample: _record(bias, sample)
    return None


@njit(**FUSED)
def run_biased(
    model, mass, dt, friction, kT, radius, stiffness, skin, positions, velocities, random,
    n_steps, sample_every, sampled_positions, sampled_energies,
    cvs, bias, stride, first_step, state, sampled_values, sampled_bias,
):  # fmt: skip
    """As `nanochart.dynamics.kernels.run`, biased; ``state`` (2,) is overwritten."""
    n, m = positions.shape[0], cvs.kinds.shape[0]
    biased = BiasedForces(
        cvs, bias, stride, first_step, make_cv_workspace(n, cvs), np.zeros(m), np.zeros(m),
        np.zeros((3, n)), state, sampled_values, sampled_bias,
    )  # fmt: skip
    return run(
        model, mass, dt, friction, kT, radius, stiffness, skin, positions, velocities, random,
        n_steps, sample_every, sampled_positions, sampled_energies, biased,
    )  # fmt: skip
