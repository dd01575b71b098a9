"""The bias of a biased run in a running LAMMPS, by ``fix external``."""

import contextlib
import re
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nanochart.errors import NanochartError
from nanochart.interop.chart_bias import RunBias
from nanochart.interop.growing_bias import GrowingBias
from nanochart.interop.plumed import ColvarFile
from nanochart.metals import element
from nanochart.units import BOLTZMANN

__all__ = ["LammpsBias"]

Floats = NDArray[np.float64]

#: How far masses may be from that of the metal, in shares of it.
_MASS: Final = 0.05


class LammpsBias:
    r"""A bias as a fix of a running LAMMPS, which moves the atoms in its own way.

    Every ``stride`` steps the bias is evaluated and its force, ``stride`` times as strong, added
    to that step's: with ``fix nve`` half of the impulse before the steps between and half after
    them, as `nanochart.biasing.BiasedDynamics` has it. The energy V of the bias is a part of the
    potential energy of LAMMPS (``fix_modify energy yes``) and, as ``f_ID``, a number of its own;
    V is that of the last impulse, so energies are conserved at multiples of the stride.

    A `GrowingBias` grows every ``pace`` steps, after the force of that step, which PLUMED does,
    too. The thermostat is the user's, and its temperature must be that of the bias,
    ``bias.temperature``. LAMMPS's
    counts of steps are taken: a minimization is one, and with a stride or a bias that grows it has
    no meaning.

    Parameters
    ----------
    lmp
        LAMMPS of this process, of the Python module ``lammps``, with its atoms, ``units metal``, no
        periodic boundary, and the time step set.
    bias
        `ChartBias`, or `GrowingBias`.
    stride
        Steps between impulses; None is the time between those of the run, in whole steps.
    pace
        Steps between rows of COLVAR, and between updates of a bias that grows, a multiple of the
        stride; None is that of the run's plan, to the nearest multiple.
    colvar
        A new file for time (ps), variables and energy of the bias ("bias", eV), one row at each
        pace, as ``nanochart export --to plumed`` writes it.
    fix
        ID of the fix.

    Attributes
    ----------
    values, bias_energies, log_weights
        What was seen at each pace: values (row, m), energies (row,) in eV, and logarithms of the
        weights without the bias: of one that grows what its method knew then, and V / kT of one
        that is frozen.

    Raises
    ------
    ValueError
        If the atoms, units, boundaries or numbers of steps are not such.

    Examples
    --------
    >>> lmp = nc.potentials.start_lammps()                            # doctest: +SKIP
    >>> lmp.file("in.cu38")                                           # doctest: +SKIP
    >>> bias = nc.interop.LammpsBias(lmp, nc.interop.GrowingBias("opes.zarr"))  # doctest: +SKIP
    >>> bias.run(100_000)                                             # doctest: +SKIP
    """

    def __init__(
        self,
        lmp: Any,
        bias: RunBias,
        *,
        stride: int | None = None,
        pace: int | None = None,
        colvar: str | PathLike[str] | None = None,
        fix: str = "nanochart",
    ) -> None:
        if not re.fullmatch(r"\w+", fix):
            raise ValueError(f"the ID of a fix must be letters, digits and _; got {fix!r}")
        self.lmp, self.bias, self.fix = lmp, bias, fix
        self._time_step = self._check()
        self.stride, self.pace = self._steps(stride, pace)
        self._error: BaseException | None = None
        self._seen: list[tuple[Floats, float, float]] = []
        self._last = int(lmp.extract_global("ntimestep"))
        self._colvar = None if colvar is None else ColvarFile(Path(colvar), [*bias.names, "bias"])
        lmp.command(f"fix {fix} all external pf/callback {self.stride} {self.stride}")
        lmp.command(f"fix_modify {fix} energy yes")
        lmp.set_fix_external_callback(fix, self._called)

    @property
    def values(self) -> Floats:
        """Values (row, m) of the variables."""
        return np.array([s for s, _, _ in self._seen]).reshape(-1, len(self.bias.names))

    @property
    def bias_energies(self) -> Floats:
        """Energies (row,) of the bias in eV."""
        return np.array([energy for _, energy, _ in self._seen])

    @property
    def log_weights(self) -> Floats:
        """Logarithms (row,) of the weights without the bias."""
        return np.array([weight for _, _, weight in self._seen])

    def run(self, steps: int) -> None:
        """Run LAMMPS for so many steps, and raise what the bias refused in them.

        Of ``lmp.command("run ...")`` LAMMPS itself raises instead, in words of its own, when the
        bias fails; the run has ended at that step, too.

        Raises
        ------
        ValueError, NanochartError
            If an atom is lost or off the grid of the model, or the cluster is another by now; what
            the bias has seen and grown is kept, and it goes no further.
        """
        if self._error is None:
            try:
                self.lmp.command(f"run {int(steps)}")
            except Exception:
                if self._error is None:
                    raise
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Take the fix out of LAMMPS, which goes on without the bias."""
        self.lmp.command(f"unfix {self.fix}")

    def _steps(self, stride: int | None, pace: int | None) -> tuple[int, int]:
        plan, dt = self.bias.plan, self._time_step
        if stride is None:
            stride = max(1, int(plan.stride * plan.dynamics.time_step / dt + 1e-6))
        if pace is None:
            pace = stride * max(1, round(1e3 * plan.time_per_round / (dt * max(1, stride))))
        if stride < 1 or pace < 1 or pace % stride:
            raise ValueError(
                "the stride of a bias must be at least 1 step and its pace a multiple of that; got "
                f"{stride} and {pace}"
            )
        return int(stride), int(pace)

    def _check(self) -> float:
        """Time step in fs of a LAMMPS whose atoms the bias is made for."""
        lmp, bias = self.lmp, self.bias
        ranks = lmp.extract_setting("world_size")
        if ranks > 1:
            raise ValueError(
                f"a bias takes LAMMPS on one MPI rank, which has all atoms; got {ranks}: start one "
                "process for each cluster"
            )
        units = lmp.extract_global("units")
        if units != "metal":
            raise ValueError(
                f"a bias takes LAMMPS in units metal (Å, ps, eV); got units {units}: convert the "
                "input"
            )
        if lmp.extract_setting("box_exist") != 1:
            raise ValueError("a bias takes LAMMPS with its atoms; it has no box yet: make it first")
        periodic = list(lmp.extract_global("periodicity"))
        if any(periodic):
            raise ValueError(
                "a bias takes free clusters; got a LAMMPS box that is periodic along "
                f"{', '.join(a for a, p in zip('xyz', periodic, strict=True) if p)}: write "
                "`boundary s s s`"
            )
        self._check_count(lmp.extract_setting("nlocal"))
        ids = lmp.numpy.extract_atom("id")
        if ids is None or len(set(ids[: bias.n_atoms].tolist())) != bias.n_atoms:
            raise ValueError(
                "a bias takes atoms in the order of their ids; LAMMPS has none: leave out "
                "`atom_modify id no`"
            )
        self._check_masses()
        return 1e3 * float(lmp.extract_global("dt"))

    def _check_count(self, found: int) -> None:
        if found != self.bias.n_atoms:
            raise ValueError(
                f"the bias of {self.bias.formula} takes {self.bias.n_atoms} atoms; LAMMPS has "
                f"{found}: the chart is one of a single size"
            )

    def _check_masses(self) -> None:
        of_types = self.lmp.numpy.extract_atom("mass")
        types = self.lmp.numpy.extract_atom("type")
        if of_types is None or types is None:
            return  # a mass for each atom, of styles that no metal asks for
        right = float(element(self.bias.element).mass)
        masses = np.asarray(of_types).ravel()[np.asarray(types[: self.bias.n_atoms])]
        odd = masses[np.abs(masses - right) > _MASS * right]
        if len(odd):
            raise ValueError(
                f"the bias of {self.bias.formula} takes atoms of {self.bias.element}, of "
                f"{right:.2f} amu; LAMMPS has {len(odd)} of {odd[0]:.2f} amu"
            )

    def _called(
        self, caller: Any, step: int, n: int, ids: NDArray[np.int64], x: Floats, f: Floats
    ) -> None:
        """Write the force; what is raised here cannot pass through LAMMPS."""
        del caller
        try:
            if self._error is None:
                self._push(step, n, ids, x, f)
                return
        except BaseException as error:  # noqa: BLE001  an interrupt, too
            self._error = error
            self._stop(error)
        f[:] = 0.0

    def _push(self, step: int, n: int, ids: NDArray[np.int64], x: Floats, f: Floats) -> None:
        self._check_count(n)
        order = np.argsort(np.asarray(ids).ravel())
        energy, forces, values = self.bias.evaluate(x[order])
        f[order] = self.stride * forces
        self.lmp.fix_external_set_energy_global(self.fix, float(energy))
        if step % self.pace == 0 and step > self._last:  # a run begins where one has ended
            self._last = step
            self._record(step, values, float(energy))

    def _record(self, step: int, values: Floats, energy: float) -> None:
        dt = 1e3 * float(self.lmp.extract_global("dt"))
        if dt != self._time_step:
            raise ValueError(
                f"the time step must stay {self._time_step:g} fs, of which stride and pace count; "
                f"it is {dt:g} fs by now: take the bias out and begin it anew"
            )
        if isinstance(self.bias, GrowingBias):
            weight = self.bias.grow(values, energy)
        else:
            weight = energy / (BOLTZMANN * self.bias.temperature)
        self._seen.append((values.copy(), energy, weight))
        if self._colvar is not None:
            self._colvar.add(1e-3 * step * self._time_step, [*values.tolist(), energy])

    def _stop(self, error: BaseException) -> None:
        """End the run of LAMMPS at this step, with an error that its Python module raises.

        The library has no call that hands over an error during a run and lets the process live,
        but it keeps one that a call itself makes, and names the fix that it does not find.
        """
        said = str(error) if isinstance(error, NanochartError | ValueError) else repr(error)
        self.lmp.force_timeout()
        with contextlib.suppress(Exception):
            self.lmp.lib.lammps_fix_external_set_energy_global(
                self.lmp.lmp, f"{self.fix}: {said}".encode(), 0.0
            )
