"""The C++ of a chart, compiled by the compiler of the system and called from here."""

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest

#: The oldest C++ that PLUMED 2.8 and 2.9 are built with, and no warning.
FLAGS = ("-std=c++11", "-O1", "-Wall", "-Wextra", "-pedantic", "-Werror")

_ARRAY = np.ctypeslib.ndpointer(np.float64, flags="C")


def compiler():
    """The compiler, without which a test is skipped."""
    names = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("there is no C++ compiler here (CXX, c++, g++, clang++)")
    return found


def compiled(source, folder, name="chart"):
    """The function ``nanochart_chart`` of a source."""
    (folder / f"{name}.cpp").write_text(source, encoding="utf-8")
    library = folder / f"{name}.so"
    subprocess.run(
        [compiler(), *FLAGS, "-shared", "-fPIC", "-DNANOCHART_CORE_ONLY", f"{name}.cpp", "-o",
         library], cwd=folder, check=True,
    )  # fmt: skip
    function = ctypes.CDLL(str(library)).nanochart_chart
    function.argtypes = [_ARRAY, ctypes.c_double, _ARRAY, _ARRAY, _ARRAY]
    return function


def evaluate(function, frames, bottleneck, scale=1.0):
    """Coordinates (frame, d), gradients (frame, d, atom, 3) and longest distances (frame,)."""
    x = np.ascontiguousarray(frames)
    s, longest = np.zeros((len(x), bottleneck)), np.zeros((len(x), 1))
    gradient = np.zeros((len(x), bottleneck, *x.shape[1:]))
    codes = [function(x[k], scale, s[k], gradient[k], longest[k]) for k in range(len(x))]
    assert codes == [0] * len(x)
    return s, gradient, longest[:, 0]
