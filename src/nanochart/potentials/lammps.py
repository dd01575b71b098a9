"""LAMMPS as the potential: any pair style of the user's build."""

import contextlib
import ctypes
import os
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

from nanochart.errors import ConfigError, PotentialError
from nanochart.metals import element
from nanochart.potentials.foreign import CalculatorPotential, ase
from nanochart.potentials.lammps_input import LammpsInput
from nanochart.potentials.lammps_library import said_by_lammps, start_lammps

__all__ = ["LammpsCalculator", "lammps"]

Floats = NDArray[np.float64]

#: Room around the first frame's atoms in Å: the least box, which grows with them from then on.
_MARGIN = 10.0


def lammps(
    file: str | Path,
    symbol: str,
    nearest_neighbour: float | None = None,
    *,
    mass: float | None = None,
) -> CalculatorPotential:
    """A pair style of LAMMPS as a potential, for dynamics, quenches, searches and biased runs.

    LAMMPS gives energies and forces of free clusters; the atoms are moved by nanochart. One
    instance is begun in each process that asks, without assumptions on MPI, and released with the
    potential.

    Parameters
    ----------
    file
        Input with ``pair_style``, ``pair_coeff`` and what belongs to them, for one type of atoms,
        in units metal. Tables that it names are looked for beside it.
    symbol
        Element of the clusters.
    nearest_neighbour
        Nearest-neighbour distance of the bulk in Å; None is that of nanochart's table of metals.
    mass
        In amu; None is that of the element.

    Raises
    ------
    ConfigError
        If the file is no such input, LAMMPS is missing or refuses it, which is told in its words.
    ValueError
        If a distance is needed and not given.

    Examples
    --------
    >>> copper = nc.potentials.lammps("cu.lmp", "Cu")                 # doctest: +SKIP
    >>> copper.energy_forces(positions)                               # doctest: +SKIP
    """
    source = LammpsInput.read(file)
    calculator = LammpsCalculator(source, float(element(symbol).mass if mass is None else mass))
    try:
        calculator.start(np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]]))
    except PotentialError as error:
        raise ConfigError(f"LAMMPS refuses {file}: {error}") from error
    name = f"LAMMPS {source.pair_style} {element(symbol).symbol}"
    return ase(calculator, symbol, nearest_neighbour, name=name, mass=mass, recipe=source)


class LammpsCalculator(Calculator):
    """ASE calculator of free clusters of one type of atoms, by a LAMMPS in the same process.

    For one thread at a time. An instance of LAMMPS stays for clusters of one size; another process,
    to which it is sent or which is forked, begins its own.

    Parameters
    ----------
    source
        Commands of the potential.
    mass
        Mass of the atoms in amu, which no energy depends on.
    """

    implemented_properties = ["energy", "forces"]  # noqa: RUF012  # as ASE declares it

    def __init__(self, source: LammpsInput, mass: float) -> None:
        super().__init__()
        self.source, self.mass = source, mass
        self._running: Any = None
        self._of = (0, 0)  # process and number of atoms that it runs for

    def start(self, frame: Floats) -> None:
        """Begin a LAMMPS with atoms at positions (atom, 3) in Å.

        Raises
        ------
        ConfigError
            If there is no LAMMPS.
        PotentialError
            If it refuses the input, in its words.
        """
        self.close()
        low, high = frame.min(axis=0) - _MARGIN, frame.max(axis=0) + _MARGIN
        box = " ".join(f"{a!r} {b!r}" for a, b in zip(low.tolist(), high.tolist(), strict=True))
        n = len(frame)
        running = start_lammps()
        try:
            running.commands_list([
                "units metal", "atom_style atomic", *self.source.lines(atoms=False),
                "atom_modify map array sort 0 0.0", "boundary m m m", f"region box block {box}",
                "create_box 1 box",
            ])  # fmt: skip
            ids, types = list(range(1, n + 1)), [1] * n
            running.create_atoms(n, ids, types, frame.ravel().tolist())
            running.commands_list([
                f"mass 1 {self.mass!r}", *self.source.lines(atoms=True),
                # Rebuilt when atoms have moved, whatever the input says: frames are not steps.
                "neigh_modify every 1 delay 0 check yes", "thermo 1",
                "thermo_style custom step pe", "thermo_modify lost error norm no",
                "run 0 post no",
            ])  # fmt: skip
        except Exception as error:
            with contextlib.suppress(Exception):
                running.close()
            raise PotentialError(said_by_lammps(error)) from error
        self._running, self._of = running, (os.getpid(), n)

    def energies_forces_batch(
        self, numbers: NDArray[np.int64], positions: Floats
    ) -> tuple[Floats, Floats]:
        """Energies (frame,) in eV and forces (frame, atom, 3) in eV/Å of frames in Å.

        Raises
        ------
        PotentialError
            If LAMMPS fails, in its words; the next call begins a new one.
        """
        del numbers
        energies, forces = np.empty(len(positions)), np.empty_like(positions)
        # The middle of a cluster is of no consequence, and near zero nothing is lost to rounding.
        frames = positions - positions.mean(axis=1, keepdims=True)
        for k, frame in enumerate(frames):
            if self._running is None or self._of != (os.getpid(), len(frame)):
                self.start(frame)
            try:
                energies[k] = self._evaluate(frame, forces[k])
            except Exception as error:
                self.close()
                raise PotentialError(said_by_lammps(error)) from error
        return energies, forces

    def _evaluate(self, frame: Floats, forces: Floats) -> float:
        """Energy at a frame; forces are written."""
        running = self._running
        x = np.ascontiguousarray(frame)
        running.scatter_atoms("x", 1, 3, x.ctypes.data_as(ctypes.POINTER(ctypes.c_double)))
        # A step that moves nothing: it looks whether lists of neighbours still hold, and a run of
        # 0 steps would make the whole style anew, which takes ten times as long.
        running.command("run 1 pre no post no")
        forces[:] = np.ctypeslib.as_array(running.gather_atoms("f", 1, 3)).reshape(frame.shape)
        return float(running.get_thermo("pe"))

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Compute energy and forces of a free cluster."""
        super().calculate(atoms, properties, system_changes)
        cluster: Any = self.atoms
        if cluster.pbc.any():
            raise ValueError(
                "this LAMMPS takes free clusters without periodic boundaries; got "
                f"pbc={cluster.pbc.tolist()}"
            )
        energies, forces = self.energies_forces_batch(cluster.numbers, cluster.positions[None])
        self.results = {"energy": float(energies[0]), "forces": forces[0]}

    def close(self) -> None:
        """Release the instance of LAMMPS; the next call begins one."""
        running, self._running = self._running, None
        if running is not None and self._of[0] == os.getpid():  # of a parent it is not ours
            running.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return LammpsCalculator, (self.source, self.mass)
