import numpy as np
from numba import njit

from nanochart.compiled import vector_math as vm


@njit(error_model="numpy", fastmath={"contract", "nsz", "arcp"})
def over(x, out):
    for i in range(x.size):
        out[i, 0] = vm.exp2(x[i])
        out[i, 1] = vm.log(np.abs(x[i]))
        out[i, 2], out[i, 3] = vm.sincos_turns(x[i])


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
