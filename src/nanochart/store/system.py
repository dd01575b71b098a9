"""The system of a run in one file: species, masses and the potential with all of its numbers.

The first line holds the checksum of all that follows, the second the description as JSON; the
arrays of a table follow as ``.npz``. It is read back whole or refused.

Potentials are imported where they are needed, because a run opens faster without their kernels.
"""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from nanochart.errors import StoreError
from nanochart.files import storage_errors, write_atomic
from nanochart.store.files import RECORDS
from nanochart.store.metadata import Metadata
from nanochart.system import System

__all__ = ["check_system", "read_system", "same_system", "system_path", "write_system"]

_ANY = b"nanochart system "
_MAGIC = _ANY + b"1 "


def system_path(run: Path) -> Path:
    """File of a run's system."""
    return run / RECORDS / "system"


def write_system(run: Path, system: System) -> None:
    """Store a system in the folder of a run; the file appears whole or not at all."""
    from nanochart.potentials import to_record

    header, arrays = to_record(system.potential)
    description = {
        "species": list(system.species), "masses": system.masses.tolist(), "potential": header,
    }  # fmt: skip
    buffer = io.BytesIO()
    if arrays:
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
    content = json.dumps(description, allow_nan=False).encode() + b"\n" + buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest().encode()
    with storage_errors(system_path(run)):
        write_atomic(system_path(run), _MAGIC + digest + b"\n" + content)


def read_system(run: Path, metadata: Metadata) -> System:
    """The system of a run: as stored in it, or as its metadata or its metal tell.

    Raises
    ------
    StoreError
        If it is damaged, or the run does not hold the table it needs.
    """
    path = system_path(run)
    return _stored(path, metadata) if path.exists() else _from_metadata(run, metadata)


def same_system(a: System, b: System) -> bool:
    """Whether two systems have the same atoms and a potential of the same numbers."""
    from nanochart.potentials import is_described_by, numbers_of

    atoms = a.species == b.species and np.array_equal(a.masses, b.masses)
    return atoms and is_described_by(a.potential, numbers_of(b.potential))


def check_system(run: Path, metadata: Metadata, system: System) -> None:
    """Refuse another cluster, or another potential than the one that a run's energies are of.

    Raises
    ------
    StoreError
        If it is another.
    """
    from nanochart.potentials import is_described_by

    if (system.elements, len(system)) != ((metadata.element,), metadata.n_atoms):
        raise StoreError(
            f"the system of {run} must be its cluster, {metadata.element}{metadata.n_atoms}; got "
            f"{system.formula}"
        )
    known = metadata.potential
    if known and not is_described_by(system.potential, known):
        raise StoreError(
            f"the potential {system.potential.name} is not the one that the energies of {run} were "
            f"made with ({known.get('name', known.get('form'))}, whose numbers differ): give that "
            "one, or start a new run"
        )


def _stored(path: Path, metadata: Metadata) -> System:
    with storage_errors(path):
        content = path.read_bytes()
    if content.startswith(_ANY) and not content.startswith(_MAGIC):
        raise StoreError(f"{path} was written by a newer nanochart: upgrade nanochart")
    try:
        return _decoded(content, metadata)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path}, which holds the potential of the run, is damaged ({error}): restore it from "
            "a copy of the run"
        ) from error


def _decoded(content: bytes, metadata: Metadata) -> System:
    """The system in the content of a file, which is whole and that of the run."""
    from nanochart.potentials import from_record, is_described_by

    first, _, rest = content.partition(b"\n")
    if first != _MAGIC + hashlib.sha256(rest).hexdigest().encode():
        raise ValueError("its checksum does not fit")
    text, _, data = rest.partition(b"\n")
    description: dict[str, Any] = json.loads(text)
    arrays: dict[str, np.ndarray] = {}
    if data:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            arrays = dict(stored)
    potential = from_record(description["potential"], arrays)
    system = System(description["species"], description["masses"], potential)
    if (system.elements, len(system)) != ((metadata.element,), metadata.n_atoms):
        raise ValueError(f"it is that of {system.formula}")
    if metadata.potential and not is_described_by(potential, metadata.potential):
        raise ValueError("its potential is not the one that the run's zarr.json describes")
    return system


def _from_metadata(run: Path, metadata: Metadata) -> System:
    """Of a run that was made before systems were stored, or without a potential."""
    from nanochart.potentials import GUPTA_PARAMETERS, from_record, gupta

    known, metal = metadata.potential, metadata.element
    if known.get("form") == "gupta":
        try:
            potential = from_record({**known, "symbol": metal}, {})
        except ValueError as error:
            raise StoreError(
                f"the metadata of {run} is damaged ({error}): restore its zarr.json from a copy "
                "of the run"
            ) from error
        return System.pure(potential, metadata.n_atoms)
    if known:
        table = known.get("file", "unknown")
        raise StoreError(
            f"the energies of {run} are those of the table {table}, which the run does not hold, "
            f"because an earlier version made it: give it once by `nanochart quench {run} "
            f"--potential {table}`, and it is stored in the run"
        )
    if metal in GUPTA_PARAMETERS:
        return System.pure(gupta(metal), metadata.n_atoms)
    raise StoreError(
        f"{run} has no potential, and there is no Gupta potential of its metal, {metal}: give an "
        f"eam/alloy table once by `nanochart quench {run} --potential TABLE`, and it is stored in "
        "the run"
    )
