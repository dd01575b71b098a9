"""Make a run, or open one."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from zarr.storage import LocalStore

from nanochart.errors import StoreError
from nanochart.files import beside, place_folder, remove_abandoned, storage_errors, write_atomic
from nanochart.metals import element as look_up_element
from nanochart.store.attachments import write_attachments
from nanochart.store.blocks import BlockWriter
from nanochart.store.chunk_store import ChunkStore
from nanochart.store.files import RECORDS
from nanochart.store.journal import Journal
from nanochart.store.metadata import Metadata
from nanochart.store.root import checked_root, sealed_root
from nanochart.store.run import Run
from nanochart.store.system import write_system
from nanochart.store.variables import VARIABLES
from nanochart.system import System

__all__ = ["create", "open"]

#: Chunks that were not asked for have about this many bytes of positions.
_CHUNK_BYTES = 4_000_000
_COMMITS = "commits.log"


def create(
    path: str | os.PathLike[str],
    *,
    element: str,
    n_atoms: int,
    n_frames: int,
    n_replicas: int,
    config: Mapping[str, Any] | None = None,
    seed: int | None = None,
    ladder: Sequence[float] | np.ndarray | None = None,
    start_motifs: Sequence[str] | None = None,
    potential: Mapping[str, Any] | None = None,
    system: System | None = None,
    stream: str | None = None,
    provenance: Mapping[str, Any] | None = None,
    kind: Literal["sampled", "imported", "biased"] = "sampled",
    chunk_frames: int | None = None,
    attachments: Mapping[str, bytes] | None = None,
    attempts_per_frame: int = 1,
) -> Run:
    """Make an empty run of a planned size, open for writing.

    The folder appears when it is complete.

    Parameters
    ----------
    path
        Folder of the run; it must not exist, or be empty.
    element
        Chemical symbol of the metal.
    n_atoms, n_replicas
        Number of atoms of a cluster, and of replicas.
    n_frames
        Number of frames that are planned; `Run.extend` makes room for more.
    config
        Configuration that the run is made from, to be stored.
    seed
        Seed of the random numbers.
    ladder
        Temperatures in K, rising.
    start_motifs
        Motif that each replica starts from.
    potential, provenance
        Parameters of the potential, and anything else on the origin, to be stored.
    system
        Species, masses and potential, to be stored with all numbers; it brings ``potential``.
    stream
        Fingerprint of the random numbers; see `nanochart.store.stream_fingerprint`.
    kind
        How the frames are made: "sampled", "imported" or "biased".
    chunk_frames
        Frames per chunk: how many are committed, and at most lost, together. By default about
        4 MB of positions.
    attachments
        Content by name of files that belong to the run and never change; see `Run.attachment`.
    attempts_per_frame
        Attempts to exchange between two frames of a ladder.

    Raises
    ------
    ValueError
        If a size is not positive or an argument does not fit.
    StoreError
        If the folder exists or cannot be written.
    """
    sizes = {"n_atoms": n_atoms, "n_frames": n_frames, "n_replicas": n_replicas}
    if chunk_frames is None:
        chunk_frames = max(1, min(n_frames, _CHUNK_BYTES // max(1, 12 * n_atoms * n_replicas)))
    for name, size in {**sizes, "chunk_frames": chunk_frames}.items():
        if size < 1:
            raise ValueError(f"{name} of a run must be at least 1; got {size}")
    if system is not None:
        if (system.elements, len(system)) != ((element,), n_atoms):
            raise ValueError(
                f"the system of a run must be its cluster, {element}{n_atoms}; got {system.formula}"
            )
        from nanochart.potentials import describe

        potential = describe(system.potential)
    metadata = Metadata(
        element=look_up_element(element).symbol,
        n_atoms=int(n_atoms),
        n_replicas=int(n_replicas),
        chunk_frames=int(chunk_frames),
        kind=kind,
        config=dict(config or {}),
        seed=seed,
        start_motifs=tuple(start_motifs or ()),
        potential=dict(potential or {}),
        provenance=dict(provenance or {}),
        stream=stream,
    )
    static = _static_arrays(metadata, ladder)
    attributes = {**metadata.to_attributes(), "complete": False}
    path = Path(path).absolute()
    with storage_errors(path):
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise StoreError(_taken(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(path)
        building = beside(path)
        try:
            _build(building, metadata, attributes, static, n_frames, attempts_per_frame)
            if system is not None:
                write_system(building, system)
            write_attachments(building, attachments or {})
            place_folder(building, path, _taken(path))
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
    return open(path, mode="a")


def _taken(path: Path) -> str:
    if path.exists() and not (path / RECORDS).is_dir():
        return f"{path} is there, and is not a run: choose another folder"
    return f"{path} is a run already: resume it (--resume), or choose another folder"


def open(  # noqa: A001  callers write nc.store.open
    path: str | os.PathLike[str], mode: Literal["r", "a"] = "r"
) -> Run:
    """Open a run.

    Parameters
    ----------
    path
        Folder of the run.
    mode
        How the run is opened: "r" to read, also while another process writes; "a" to go on writing.

    Raises
    ------
    StoreError
        If there is no run, or one that cannot be read.
    """
    if mode not in {"r", "a"}:
        raise ValueError(f"mode must be 'r' or 'a'; got {mode!r}")
    path = Path(path).absolute()
    with storage_errors(path):
        attributes = _root_attributes(path)
    metadata = Metadata.from_attributes(attributes, path)
    journal = Journal(path / RECORDS / _COMMITS, metadata.chunk_frames)
    journal.refresh()
    if attributes.get("complete") is True and not journal.ended:
        raise StoreError(
            f"the commit record {journal.path} has lost its end, because the run was complete: "
            "restore it from a copy of the run"
        )
    effective = os.access in os.supports_effective_ids
    if mode == "a" and not os.access(path / RECORDS, os.W_OK, effective_ids=effective):
        raise StoreError(
            f"{path} must be writable to be continued, and it is not: change its permissions "
            "or copy the run elsewhere"
        )
    return Run(path, metadata, journal, writable=mode == "a")


def _static_arrays(
    metadata: Metadata, ladder: Sequence[float] | np.ndarray | None
) -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    static: dict[str, tuple[np.ndarray, dict[str, Any]]] = {}
    if ladder is not None:
        temperatures = np.asarray(ladder, dtype=np.float64)
        if temperatures.ndim != 1 or not np.all(np.diff(temperatures, prepend=0.0) > 0.0):
            raise ValueError(f"ladder must hold rising temperatures above 0 K; got {ladder}")
        static["ladder"] = (temperatures, {})
    motifs = metadata.start_motifs
    if motifs:
        if len(motifs) != metadata.n_replicas:
            raise ValueError(
                f"start_motifs must name one motif per replica ({metadata.n_replicas}); got "
                f"{len(motifs)}"
            )
        names = sorted(set(motifs))
        codes = np.array([names.index(motif) for motif in motifs], dtype=np.int8)
        flags = {"flag_values": list(range(len(names))), "flag_meanings": " ".join(names)}
        static["start_motif"] = (codes, flags)
    return static


def _build(
    path: Path,
    metadata: Metadata,
    attributes: dict[str, Any],
    static: dict[str, tuple[np.ndarray, dict[str, Any]]],
    n_frames: int,
    n_attempts: int,
) -> None:
    group = zarr.create_group(LocalStore(path), zarr_format=3, attributes=attributes)
    root = path / "zarr.json"
    write_atomic(root, sealed_root(root.read_bytes()))
    group.create_group(RECORDS.parts[0]).create_array(
        RECORDS.parts[1],
        shape=(),
        dtype="uint8",
        fill_value=0,
        attributes={"long_name": "this folder holds the commit record, checkpoints and the lock"},
    )
    journal = Journal(path / RECORDS / _COMMITS, metadata.chunk_frames)
    journal.append({"kind": "planned", "n_frames": int(n_frames)})
    n_pairs = len(static["ladder"][0]) - 1 if "ladder" in static else 0
    sizes = {"replica": metadata.n_replicas, "atom": metadata.n_atoms, "xyz": 3}
    sizes |= {"pair": n_pairs, "attempt": n_attempts}
    # What a sampler writes, so that a reader finds all of it before the first block is committed.
    names = ["positions", "energy", "temperature", "step"]
    if n_pairs:
        names += ["rung", "exchange_accepted" if n_attempts == 1 else "exchange_history"]
    framed = {name: tuple(sizes[dim] for dim in VARIABLES[name].dims[1:]) for name in names}
    BlockWriter(ChunkStore(path, journal), metadata).lay_out(static, framed)


def _root_attributes(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise StoreError(
            f"{path} does not exist: name a run, or make one with `nanochart sample` or "
            "`nanochart import`"
        )
    root = path / "zarr.json"
    if not path.is_dir() or not root.is_file():
        raise StoreError(
            f"{path} is not a run (it has no zarr.json): name a run, or make one with "
            "`nanochart sample` or `nanochart import`"
        )
    document = checked_root(root.read_bytes(), root)
    return dict(document["attributes"]) if document["node_type"] == "group" else {}
