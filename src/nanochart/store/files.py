"""Where the files of a run are that Zarr does not know."""

from pathlib import Path

__all__ = ["FORMAT", "FORMAT_KEY", "FORMAT_OF_SEALS", "RECORDS", "SEAL_KEY"]

#: Version of the layout on disk; a reader refuses a newer one. 2 came with lines of the commit
#: record by which stages begin and are replaced, and which a reader of 1 would pass over; 3 with
#: the seal of the root's metadata and with lines of which each has the checksum of those before it.
#: Earlier runs are read as before, and become 3 when they are written to.
FORMAT = 3

#: The first whose root has a seal.
FORMAT_OF_SEALS = 3

#: Attribute of the root that holds it.
FORMAT_KEY = "nanochart_format"

#: Attribute of the root that holds the checksum of its values.
SEAL_KEY = "nanochart_seal"

#: Folder of the files that are not Zarr: commit record, checkpoints, lock. It is the folder of a
#: scalar Zarr array, because a reader lists the members of a group but never those of an array;
#: anywhere else Zarr would warn about objects that it does not recognize.
RECORDS = Path("restart") / "files"
