"""A function of the user's as a collective variable."""

import ctypes
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np
from numba import carray
from numba.core.registry import CPUDispatcher
from numpy.typing import NDArray

from nanochart.biasing.cv.by_address import (
    NO_PARAMETERS,
    VALUE,
    Kernel,
    LazyAddress,
    pull_kernel,
)
from nanochart.biasing.cv.protocol import Places, Record
from nanochart.errors import ConfigError
from nanochart.shown import short_repr

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["FunctionCV"]

Floats = NDArray[np.float64]

#: Difference of values, in shares of them, that is rounding.
_SAME: Final = 1e-6
_WORD: Final = ctypes.c_void_p
_CALL: Final = ctypes.CFUNCTYPE(
    ctypes.c_double, _WORD, ctypes.c_ssize_t, ctypes.c_double, _WORD, _WORD
)  # fmt: skip


@short_repr
@dataclass(frozen=True, eq=False)
class FunctionCV:
    """A function of the positions, with its gradient.

    Compiled by ``numba.njit`` it is called inside the compiled loop, without Python. A plain
    function is called from there, too, at the price of Python for each evaluation, and walkers then
    run in turns. It should not depend on where the cluster is or how it is turned.

    A run keeps its name and unit, not what it computes: to go on with the run, hand it over again.

    Parameters
    ----------
    name
        As in files, ``[A-Za-z_][A-Za-z0-9_]*``, and none of a built-in variable.
    unit
        In words, "1" if it has none.
    f
        ``f(positions) -> (value, gradient)`` of positions (atom, 3) in Å; the gradient (atom, 3)
        is that of the value by the positions, in unit/Å.
    probe
        Its value where a run began, by which the run knows it again.

    Raises
    ------
    ValueError
        If the name is no name.

    Examples
    --------
    >>> import nanochart as nc
    >>> def square_of_the_radius(x):
    ...     y = x - x.mean(axis=0)
    ...     return (y**2).sum() / len(y), 2 * y / len(y)
    >>> size = nc.biasing.FunctionCV("size", "Å^2", square_of_the_radius)
    >>> gold = nc.clusters.build("icosahedron", "Au", 13)
    >>> potential = nc.potentials.gupta("Au")
    >>> cvs = nc.biasing.CVs.compile([size], potential)
    >>> bool(cvs.values(gold.positions, potential)[0] > 0)
    True
    """

    name: str
    unit: str
    f: Callable[[Floats], tuple[Any, Any]] | None
    probe: float | None = None
    needs_model: ClassVar[bool] = False
    needs_energy: ClassVar[bool] = False
    _failed: threading.local = field(init=False, repr=False, default_factory=threading.local)

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or (self.f is not None and not callable(self.f)):
            raise ValueError(
                "a variable of your own must have a name of letters, digits and _ and a function "
                f"of the positions; got {self.name!r} and {type(self.f).__name__}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return FunctionCV, (self.name, self.unit, self.f, self.probe)

    @property
    def compiled(self) -> bool:
        """Whether Numba compiled it."""
        return isinstance(self.f, CPUDispatcher)

    def kernel(self, nearest_neighbour: float) -> Kernel:
        """As the loop calls it.

        Raises
        ------
        ConfigError
            If the function was not handed over.
        """
        del nearest_neighbour
        if self.f is None:
            raise ConfigError(
                f"the variable {self.name} is a function of your own, which a run does not keep: "
                f"hand it over again from Python, as variables=[FunctionCV({self.name!r}, "
                f"{self.unit!r}, f)]"
            )
        value = _compiled(self.f) if self.compiled else _Called(self)
        return Kernel(value, _pull, NO_PARAMETERS, memory_per_atom=3)

    def probed(self, positions: Floats) -> "FunctionCV":
        """The same, known by its value at positions (atom, 3) in Å, unless it has one already.

        Raises
        ------
        ConfigError
            If it has no value there.
        """
        if self.f is None or self.probe is not None:
            return self
        return FunctionCV(self.name, self.unit, self.f, self._at(positions))

    def taking_the_place_of(self, other: "FunctionCV", positions: Floats) -> "FunctionCV":
        """The function in place of the one that a run was begun with, probed at ``positions``.

        Raises
        ------
        ConfigError
            If it is another.
        """
        mine = self._at(positions)
        if other.probe is not None and abs(mine - other.probe) > _SAME * (1.0 + abs(mine)):
            raise ConfigError(
                f"{self.name} is another function than the one that the run was begun with: it is "
                f"{mine:.8g} at its first start and was {other.probe:.8g}: hand over that one"
            )
        return FunctionCV(self.name, self.unit, self.f, other.probe)

    def _at(self, positions: Floats) -> float:
        x = np.array(positions, dtype=np.float64)
        try:
            return _checked(self.f(x), len(x), self.name)[0] if self.f else math.nan
        except Exception as error:
            raise ConfigError(
                f"the function of the variable {self.name} failed at a structure of the run: "
                f"{type(error).__name__}: {error}"
            ) from error

    def place(self, model: "Model") -> None:
        """Nowhere."""

    def failure(self) -> BaseException | None:
        """What the last call in this thread went wrong with, once; None if it did not.

        Of a compiled function nothing is known.
        """
        error: BaseException | None = getattr(self._failed, "error", None)
        self._failed.error = None
        return error

    def to_record(self) -> Record:
        """Name, unit and probe."""
        facts = {"name": self.name, "unit": self.unit, "probe": self.probe}
        return Record({"kind": type(self).__name__, **facts})

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """The name of a function that is not at hand."""
        return cls(record.facts["name"], record.facts["unit"], None, record.facts["probe"])

    @classmethod
    def selected(cls, name: str, places: Places) -> Self | None:
        """None: a configuration file cannot hold a function."""
        del name, places
        return None

    @classmethod
    def names(cls) -> None:
        """None."""


class _Called:
    """A plain function as something with an address; errors are kept for the thread."""

    def __init__(self, variable: FunctionCV) -> None:
        f, failed, name = variable.f, variable._failed, variable.name  # noqa: SLF001  its own
        assert f is not None  # noqa: S101  `kernel` refused that

        def call(rows: int, n: int, energy: float, parameters: int, memory: int) -> float:
            del energy, parameters
            try:
                x = np.ctypeslib.as_array(ctypes.cast(rows, _POINTER), (3, n)).T.copy()
                value, gradient = _checked(f(x), n, name)
                np.ctypeslib.as_array(ctypes.cast(memory, _POINTER), (3, n))[:] = gradient.T
                return value  # noqa: TRY300  all in one place
            except BaseException as error:  # noqa: BLE001  none may pass through compiled code
                failed.error = error
                return float("nan")

        self._callback = _CALL(call)

    @property
    def address(self) -> int:
        """Where it is called."""
        return int(ctypes.cast(self._callback, ctypes.c_void_p).value or 0)


_POINTER: Final = ctypes.POINTER(ctypes.c_double)


def _checked(result: Any, n: int, name: str) -> tuple[float, Floats]:
    value, gradient = result
    found = np.asarray(gradient, dtype=np.float64)
    if found.shape != (n, 3) or not np.isfinite(found).all() or not np.isfinite(value):
        raise ValueError(
            f"{name} must return a finite number and a finite gradient of the shape ({n}, 3); got "
            f"{value!r} and the shape {found.shape}"
        )
    return float(value), found


@lru_cache(maxsize=64)
def _compiled(f: Any) -> LazyAddress:
    """A compiled function as a kernel, which is compiled once in a process."""

    def value(rows: Any, n: int, _energy: float, _parameters: Any, memory: Any) -> float:
        x = np.empty((n, 3))
        x[:, :] = carray(rows, (3, n)).T
        kept = carray(memory, (3, n))
        try:
            s, gradient = f(x)
            if gradient.shape[0] != n or gradient.shape[1] != 3:
                return np.nan
            kept[:, :] = gradient.T
        except Exception:  # noqa: BLE001  none may pass through compiled code
            return np.nan
        else:
            return float(s)

    return LazyAddress(value, VALUE, cache=False)


@pull_kernel
def _pull(
    _x: Any, n: int, _base: Any, _parameters: Any, memory: Any, _value: float, slope: float,
    pulled: Any,
) -> float:  # fmt: skip
    forces, gradient = carray(pulled, (3, n)), carray(memory, (3, n))
    for c in range(3):
        for i in range(n):
            forces[c, i] -= slope * gradient[c, i]
    return 0.0
