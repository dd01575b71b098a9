"""Compiled dynamics of one particle on a mixture of Gaussian wells, under a bias."""

import math

import numpy as np
from numba import njit

from nanochart.biasing import evaluate_bias, restraint_energy
from nanochart.compiled.options import FUSED
from nanochart.compiled.random_numbers import fill_normal

__all__ = ["run_on_surface", "surface"]


@njit(**FUSED)
def surface(weights, centres, widths, scale, s, slope):
    """-scale ln Σ_i w_i exp(-½ Σ_a ((s_a - c_ia) / σ_ia)²) and its slope."""
    d = s.shape[0]
    total = 0.0
    slope[:] = 0.0
    # Relative to the nearest well, so that nothing underflows far from all.
    nearest = np.inf
    for i in range(weights.shape[0]):
        square = 0.0
        for a in range(d):
            square += ((s[a] - centres[i, a]) / widths[i, a]) ** 2
        nearest = min(nearest, 0.5 * square - math.log(weights[i]))
    for i in range(weights.shape[0]):
        square = 0.0
        for a in range(d):
            square += ((s[a] - centres[i, a]) / widths[i, a]) ** 2
        share = math.exp(nearest - 0.5 * square + math.log(weights[i]))
        total += share
        for a in range(d):
            slope[a] += share * (s[a] - centres[i, a]) / widths[i, a] ** 2
    for a in range(d):
        slope[a] *= scale / total
    return scale * (nearest - math.log(total))


@njit(**FUSED)
def run_on_surface(
    weights, centres, widths, scale, kT, dt, friction, x, v, random, n_steps, sample_every, bias,
    first_step, work, values, energies,
):  # fmt: skip
    """BAOAB of unit mass; ``energies`` (sample, 4): potential, kinetic, bias, work so far."""
    d = x.shape[0]
    m = bias.stiffness.shape[0]
    slope, pull, centre = np.zeros(d), np.zeros(m), np.zeros(m)
    noise, uniform = np.empty(4), np.empty(4)
    decay = math.exp(-friction * dt)
    amplitude = math.sqrt(kT * (1.0 - decay * decay))
    samples = 0
    for step in range(n_steps + 1):
        absolute = first_step + step
        if step > 0 and bias.knot_steps.shape[0] > 1:
            before = restraint_energy(bias, x, absolute - 1, centre)
            work[0] += restraint_energy(bias, x, absolute, centre) - before
        energy = surface(weights, centres, widths, scale, x, slope)
        biased = evaluate_bias(bias, x, absolute, pull)
        if step > 0:
            for a in range(d):
                v[a] -= 0.5 * dt * (slope[a] + pull[a])
            if step % sample_every == 0:
                values[samples] = x
                kinetic = 0.0
                for a in range(d):
                    kinetic += 0.5 * v[a] * v[a]
                energies[samples, 0] = energy
                energies[samples, 1] = kinetic
                energies[samples, 2] = biased
                energies[samples, 3] = work[0]
                samples += 1
        if step == n_steps:
            break
        fill_normal(random, uniform, noise)
        for a in range(d):
            v[a] -= 0.5 * dt * (slope[a] + pull[a])
            x[a] += 0.5 * dt * v[a]
            v[a] = decay * v[a] + amplitude * noise[a]
            x[a] += 0.5 * dt * v[a]
