import numpy as np
from numba import njit

from nanochart.compiled.lanes import functions, tiles
from nanochart.compiled.memory import aligned, single


@njit(error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def over(x, out):
    for i in range(x.size):
        out[i, 0] = functions.exp2(x[i])
        out[i, 1] = functions.log(np.abs(x[i]))
        out[i, 2], out[i, 3] = functions.sincos_turns(x[i])


def test_elementary_functions_equal_the_c_library():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-600, 600, 20_000), rng.uniform(-1, 1, 20_000), [1e-300, 1.0]])
    out = np.empty((x.size, 4))
    over(x, out)
    np.testing.assert_allclose(out[:, 0], np.exp2(x), rtol=2e-15)
    np.testing.assert_allclose(out[:, 1], np.log(np.abs(x)), rtol=1e-15, atol=3e-16)
    turn = 2.0 * np.pi * (x - np.round(x))
    np.testing.assert_allclose(out[:, 2], np.sin(turn), atol=2e-15)
    np.testing.assert_allclose(out[:, 3], np.cos(turn), atol=2e-15)


@njit(error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def logistic_over(x, out):
    for i in range(x.size):
        out[i] = functions.logistic(x[i])


def test_the_logistic_function_in_single_precision():
    x = np.linspace(-80, 80, 10_001, dtype=np.float32)
    out = np.empty_like(x)
    logistic_over(x, out)
    exact = 1.0 / (1.0 + np.exp(-x.astype(np.float64)))
    np.testing.assert_allclose(out, exact, rtol=0, atol=2e-7)
    # The rounding of the exponent grows with it.
    assert (np.abs(out / exact - 1.0) < 1e-7 * (3.0 + np.abs(x))).all()
    logistic_over(np.array([-1e30, 1e30, np.inf], np.float32), out[:3])
    np.testing.assert_allclose(out[:3], [0.0, 1.0, 1.0], atol=1e-35)


@njit
def products(x, weights, bias, outs, count, stride, depth):
    tiles.product_8(x, weights[0], bias, outs[0], count, 1, 2, stride, 8, depth)
    tiles.product_16(x, weights[1], bias, outs[1], count, 1, 2, stride, 18, depth)
    tiles.product_32(x, weights[2], bias, outs[2], count, 1, 2, stride, 32, depth)


def test_products_of_overlapping_windows_are_those_of_numpy():
    rng = np.random.default_rng(0)
    count, stride, depth = 19, 3, 11
    x, bias = single(rng.normal(size=100)), single(rng.normal(size=32))
    jumps = {8: 8, 16: 18, 32: 32}
    weights = tuple(single(rng.normal(size=depth * width)) for width in jumps)
    outs = tuple(single(np.zeros(2 + count * jump)) for jump in jumps.values())
    products(x, weights, bias, outs, count, stride, depth)
    windows = np.lib.stride_tricks.sliding_window_view(x[1:], depth)[::stride][:count]
    for (width, jump), table, out in zip(jumps.items(), weights, outs, strict=True):
        rows = out[2:].reshape(count, jump)
        expected = bias[:width] + windows @ table.reshape(depth, width)
        np.testing.assert_allclose(rows[:, :width], expected, rtol=1e-5, atol=1e-5)
        assert not rows[:, width:].any()
        assert not out[:2].any()


def test_aligned_arrays_begin_where_a_cache_line_does():
    for kind in (np.float32, np.float64):
        for n in (1, 7, 64):
            array = aligned(n, kind)
            assert array.shape == (n,)
            assert array.dtype == kind
            assert array.ctypes.data % 64 == 0
            assert not array.any()
