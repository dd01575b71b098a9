"""PLUMED as an independent program: its driver, run on a trajectory."""

import os
import shutil
import subprocess

import numpy as np
import pytest

#: PLUMED's units by default: nm and kJ/mol; of an input with these UNITS: Å and eV.
UNITS = {"nm": (10.0, ""), "A": (1.0, "UNITS LENGTH=A ENERGY=eV\n")}
#: PLUMED's kB in kJ/(mol K) and its eV in kJ/mol.
KB, EV = 0.0083144621, 96.48530749925792


def plumed():
    """PLUMED's program: NANOCHART_PLUMED, or plumed where it is installed."""
    found = shutil.which(os.environ.get("NANOCHART_PLUMED") or "plumed")
    if found is None:
        pytest.skip("there is no PLUMED here (plumed, or its path in NANOCHART_PLUMED)")
    return found


def write_xyz(path, frames, box="0 0 0"):
    """Frames (frame, atom, 3) in Å, with a periodic box or none, in all digits."""
    lines = []
    for x in frames:
        rows = (f"Au {a!r} {b!r} {c!r}" for a, b, c in x.tolist())
        lines += [str(len(x)), box, *rows]
    path.write_text("\n".join(lines) + "\n")


def driver(folder, text, frames, box="0 0 0"):
    """Run an input on frames; what the program did, whose files are in the folder."""
    write_xyz(folder / "frames.xyz", frames, box)
    (folder / "plumed.dat").write_text(text)
    return subprocess.run(
        [plumed(), "--no-mpi", "driver", "--plumed", "plumed.dat", "--ixyz", "frames.xyz",
         "--length-units", "A"], cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def columns(path):
    """A file of PLUMED: its columns by name; of several blocks the rows of all."""
    names, rows = [], []
    for line in path.read_text().splitlines():
        if line.startswith("#! FIELDS"):
            names = line.split()[2:]
        elif not line.startswith("#"):
            rows.append([float(word) for word in line.split()])
    return dict(zip(names, np.array(rows).T, strict=True))
