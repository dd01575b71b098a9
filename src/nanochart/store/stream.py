"""Streams of random numbers: what tells those of one run from those of another.

Two runs of one seed whose noise is the same synchronize, whatever their temperatures are, and are
no two measurements. The stream of a run is therefore made of all that decides what it computes:
its seed, its kind and its configuration, without what a resumed run may change.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from nanochart.store.metadata import Metadata

__all__ = ["seed_of", "share_stream", "stream_fingerprint", "stream_seed"]


def stream_fingerprint(kind: str, seed: int, configuration: Mapping[str, Any]) -> str:
    """Make the fingerprint of a stream of random numbers, to be stored with the run.

    Parameters
    ----------
    kind
        What draws the numbers, such as "sampled" or "biased".
    seed
        Seed that the user gave.
    configuration
        Plain JSON values: all that changes what is computed, and nothing that a resumed run may
        change, as its length.
    """
    text = json.dumps([kind, seed, configuration], sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def stream_seed(metadata: Metadata) -> int:
    """Seed of a run's generators: 128 bits of its fingerprint, or the seed alone of an older run.

    Runs that were made before streams depended on the configuration go on with equal bits.
    """
    if metadata.stream is None:
        return int(metadata.seed or 0)
    return seed_of(metadata.stream)


def seed_of(fingerprint: str) -> int:
    """Seed of the generators of a stream, 128 bits of its fingerprint."""
    return int(fingerprint[:32], 16)


def share_stream(a: Metadata, b: Metadata) -> bool:
    """Tell whether two runs draw the same random numbers, and so are not independent.

    Streams of older runs were made of the seed and the numbers of replicas and atoms alone.
    """
    if "imported" in {a.kind, b.kind}:
        return False  # they draw none
    if a.stream is None and b.stream is None:
        return (a.seed, a.n_replicas, a.n_atoms) == (b.seed, b.n_replicas, b.n_atoms)
    return a.stream == b.stream
