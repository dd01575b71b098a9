"""The data of runs on disk: one Zarr group for each run.

`create` makes a run of a planned size, `open` opens one, also while another process writes it.
Frames count once they are committed; `Run.frames` returns those in types, `Run.to_xarray` as arrays
with dimensions and units. What a run can hold is the table `VARIABLES`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
