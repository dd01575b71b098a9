"""How stiff a restraint may be at a stride: the exact covariance of the scheme is the reference."""

import numpy as np
import pytest

import nanochart as nc
from nanochart.biasing import (
    Bias,
    BiasedDynamics,
    BiasedState,
    Coordination,
    CVs,
    Restraint,
    stiffest_accurate,
    stiffest_stable,
)
from nanochart.dynamics import Langevin, initialize
from nanochart.units import AMU

MASS, DT = 63.5, 5.0


def covariance(kappa, own, friction, stride):
    """<x²> in units of its exact value, of BAOAB with impulses of κ x every few steps.

    The variable is x itself, so its gradient is 1; kT is 1. All is linear, so the covariance of
    the stationary state is the solution of C = M C Mᵀ + N.
    """
    m = MASS * AMU
    M, N = np.eye(2), np.zeros((2, 2))

    def then(step, noise=0.0):
        nonlocal M, N
        M, N = step @ M, step @ N @ step.T
        N[1, 1] += noise

    drift = np.array([[1.0, 0.5 * DT], [0.0, 1.0]])
    c = np.exp(-friction * DT)
    for k in range(stride):
        for half, impulse in ((0, k == 0), (1, k == stride - 1)):
            force = own + (stride * kappa if impulse else 0.0)
            kick = np.array([[1.0, 0.0], [-0.5 * DT * force / m, 1.0]])
            if half == 0:
                then(kick)
                then(drift)
                then(np.diag([1.0, c]), (1.0 - c * c) / m)
                then(drift)
            else:
                then(kick)
    C = np.linalg.solve(np.eye(4) - np.kron(M, M), N.ravel()).reshape(2, 2)
    return C[0, 0] * (own + kappa)


@pytest.mark.parametrize("stride", [1, 2, 3, 5, 10, 20])
@pytest.mark.parametrize("friction", [1e-5, 1e-3, 1e-2])
def test_an_allowed_restraint_keeps_the_width_of_a_harmonic_variable(stride, friction):
    interval = stride * DT
    kappa = float(stiffest_accurate([[1.0]], MASS, interval, stride)[0])
    # The system's own stiffness along the variable: none, the restraint's, or a fast vibration's.
    for own in (0.0, kappa, MASS * AMU / interval**2):
        width = np.sqrt(covariance(kappa, own, friction, stride))
        assert abs(width - 1.0) < 0.005


def test_a_restraint_at_the_limit_of_stability_is_wider_than_it_should_be():
    kappa = float(stiffest_stable([[1.0]], MASS, 5 * DT)[0])
    assert np.sqrt(covariance(kappa, 0.0, 1e-3, 5)) > 1.04
    assert np.sqrt(covariance(kappa / 25.0, 0.0, 1e-3, 5)) < 1.002


def test_the_mean_gradient_decides_on_the_width_and_the_largest_on_stability():
    squares = np.array([[1.0, 1.0], [3.0, 99.0]])
    accurate, stable = stiffest_accurate(squares, MASS, 25.0, 5), stiffest_stable(squares, MASS, 25)
    unit = MASS * AMU / 25.0**2
    np.testing.assert_allclose(stable, [unit / 3.0, unit / 99.0])
    np.testing.assert_allclose(accurate, [0.05 * unit / 2.0, 0.05 * unit / 50.0])
    np.testing.assert_array_equal(stiffest_accurate(squares, MASS, 5.0, 1),
                                  stiffest_stable(squares, MASS, 5.0))  # fmt: skip


def test_the_compiled_loop_is_the_scheme_whose_covariance_that_is():
    gold = nc.potentials.gupta("Au")
    x = nc.clusters.build("octahedron", "Au", 38).positions
    x = x + np.random.default_rng(0).normal(0, 0.1, x.shape)
    cvs, stride, kappa = CVs.compile([Coordination()], gold), 5, 0.2
    centre = float(cvs.values(x, gold)[0]) + 0.3
    state = BiasedState(initialize(x[None], gold, [300.0], 1), np.zeros(1))
    quiet = BiasedDynamics(gold, Langevin(DT, 0.0), cvs, stride)
    bias = Bias(1, Restraint.at([centre], [kappa]))
    moved, _ = quiet(state, bias, 2 * stride, stride)

    def force(x, step):
        total = gold.energy_forces(x)[1]
        if step % stride == 0:
            s = cvs.values(x, gold)[0]
            total = total - stride * cvs.with_gradient(x, gold, [kappa * (s - centre)])[1]
        return total

    x, v, m = state.walkers.positions[0], state.walkers.velocities[0], gold.mass * AMU
    for step in range(2 * stride):
        v = v + 0.5 * DT * force(x, step) / m
        x = x + DT * v
        v = v + 0.5 * DT * force(x, step + 1) / m
    np.testing.assert_allclose(moved.walkers.positions[0], x, atol=1e-9)
    np.testing.assert_allclose(moved.walkers.velocities[0], v, atol=1e-11)
