"""What a run was made from: element, sizes, configuration, seed and versions."""

import dataclasses
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, Self

from nanochart.errors import StoreError
from nanochart.store.files import FORMAT, FORMAT_KEY

__all__ = ["Metadata", "installed_versions"]

_PACKAGES = ("nanochart", "numpy", "numba", "torch", "zarr", "ase")


def installed_versions() -> dict[str, str]:
    """Versions of nanochart and of what its numbers depend on, read without importing them."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class Metadata:
    """The unchanging facts of a run; they are the attributes of its Zarr group.

    Attributes
    ----------
    element
        Chemical symbol of the metal.
    n_atoms, n_replicas, chunk_frames
        Number of atoms, number of replicas, and frames per chunk.
    kind
        How the frames were made: "sampled" or "biased" by nanochart, or "imported" from files.
    config
        Configuration that the run was made from.
    seed
        Seed of the random numbers, None where there are none.
    start_motifs
        Motif that each replica started from; empty if unknown.
    potential
        Name and parameters of the potential; empty if unknown.
    provenance
        Anything else on the origin, as the names of imported files.
    stream
        Fingerprint of the random numbers; None of a run without any, or made before they depended
        on the configuration.
    versions, python, platform, created
        Versions of the libraries and of Python, and where and when the run was made.
    """

    element: str
    n_atoms: int
    n_replicas: int
    chunk_frames: int
    kind: Literal["sampled", "imported", "biased"] = "sampled"
    config: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    start_motifs: tuple[str, ...] = ()
    potential: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    stream: str | None = None
    versions: dict[str, str] = field(default_factory=installed_versions)
    python: str = field(default_factory=platform.python_version)
    platform: str = field(default_factory=platform.platform)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def time_step(self) -> float | None:
        """Time step in fs that the run was made with; None where it is not known.

        The number that was derived or given when the run was made; of a run made before it was
        stored, that of its configuration.
        """
        dynamics = self.config.get("dynamics")
        asked = dynamics.get("time_step") if isinstance(dynamics, Mapping) else None
        found = self.provenance.get("time_step", asked)
        return float(found) if isinstance(found, int | float) else None

    def to_attributes(self) -> dict[str, Any]:
        """Give the metadata as JSON attributes of the Zarr group.

        Raises
        ------
        TypeError
            If something in them has no place in JSON.
        """
        attributes = {FORMAT_KEY: FORMAT, **dataclasses.asdict(self)}
        try:
            return dict(json.loads(json.dumps(attributes, allow_nan=False)))
        except (TypeError, ValueError) as error:
            raise TypeError(
                "config, potential and provenance of a run must be plain JSON values (numbers, "
                f"strings, lists, dictionaries), because they are stored with it; got {error}"
            ) from error

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any], path: Path) -> Self:
        """Read the attributes of a Zarr group.

        Raises
        ------
        StoreError
            If they are not those of a run, or of a newer nanochart.
        """
        found = attributes.get(FORMAT_KEY)
        if not isinstance(found, int):
            raise StoreError(
                f"{path} is a Zarr group, but not one of nanochart's runs: name a run, or make "
                "one with `nanochart sample` or `nanochart import`"
            )
        if found > FORMAT:
            raise StoreError(
                f"{path} has format {found}, and this nanochart reads formats up to {FORMAT}: "
                "upgrade nanochart"
            )
        known = {item.name for item in dataclasses.fields(cls)}
        values = {key: value for key, value in attributes.items() if key in known}
        try:
            made = cls(**{**values, "start_motifs": tuple(values.get("start_motifs", ()))})
        except TypeError as error:
            raise StoreError(
                f"{path} lacks some attributes of a run ({error}): restore its zarr.json from a "
                "copy"
            ) from error
        for name in ("n_atoms", "n_replicas", "chunk_frames"):  # of a run without a seal
            value = getattr(made, name)
            if not isinstance(value, int) or not 1 <= value < 2**31:
                raise StoreError(
                    f"{name} of {path} must be a whole number above 0; got {value!r}: restore its "
                    "zarr.json from a copy of the run"
                )
        return made
