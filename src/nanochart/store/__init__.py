"""The data of runs on disk: one Zarr group for each run.

`create` makes a run of a planned size, `open` opens one, also while another process writes it.
Frames count once they are committed; `Run.frames` returns those in types, `Run.to_xarray` as arrays
with dimensions and units. What a run can hold is the table `VARIABLES`.
"""

from nanochart.errors import StoreError
from nanochart.store._attachments import pack, unpack
from nanochart.store._checkpoint import Checkpoint
from nanochart.store._frames import Frames
from nanochart.store._metadata import Metadata
from nanochart.store._open import create_run as create
from nanochart.store._open import open_run as open  # noqa: A004  callers write nc.store.open
from nanochart.store._reading import Damage
from nanochart.store._run import Run
from nanochart.store._stream import seed_of, share_stream, stream_fingerprint, stream_seed
from nanochart.store._variables import STAGES, VARIABLES, Variable
from nanochart.store._views import Biased, Chart, Codes, Inherent, Thermal

__all__ = [
    "STAGES",
    "VARIABLES",
    "Biased",
    "Chart",
    "Checkpoint",
    "Codes",
    "Damage",
    "Frames",
    "Inherent",
    "Metadata",
    "Run",
    "StoreError",
    "Thermal",
    "Variable",
    "create",
    "open",
    "pack",
    "seed_of",
    "share_stream",
    "stream_fingerprint",
    "stream_seed",
    "unpack",
]
