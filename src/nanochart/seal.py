"""The checksum of what is written to be read back: SHA-256 of its canonical bytes.

Values are canonical as JSON with sorted keys and without spaces, so that a seal outlives programs
which write the same values in another layout.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["seal"]


def seal(values: Any, arrays: Mapping[str, np.ndarray] | None = None) -> str:
    """SHA-256, in hexadecimal digits, of JSON values and of arrays by name.

    Parameters
    ----------
    values
        Whatever JSON can hold, NaN and infinity too.
    arrays
        Name -> array of numbers: its name, type, shape and bytes count.

    Raises
    ------
    TypeError
        If JSON cannot hold the values.
    RecursionError
        If they are nested too deep.
    """
    digest = hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(arrays or {}):
        array = np.asarray((arrays or {})[name], order="C")
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
