"""Where the files of a run are that Zarr does not know."""

from pathlib import Path

__all__ = ["FORMAT", "RECORDS"]

#: Version of the layout on disk; a reader refuses a newer one.
FORMAT = 1

#: Folder of the files that are not Zarr: commit record, checkpoints, lock. It is the folder of a
#: scalar Zarr array, because a reader lists the members of a group but never those of an array;
#: anywhere else Zarr would warn about objects that it does not recognize.
RECORDS = Path("restart") / "files"
