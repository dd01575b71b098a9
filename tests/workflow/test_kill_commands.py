"""Commands that are killed at any moment leave what was there or the new, and run again."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from matplotlib.image import imread

import nanochart as nc
from helpers.biased import settings
from helpers.configs import small_config
from nanochart.interop.extxyz import format_frame
from nanochart.workflow import bias_run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")

#: Arguments of each command that writes beside its run, what it makes, and what it is told where
#: that is there already (None: it refuses). Stages of a run are in `test_kill_stages`.
QUICK = {
    "presets": ("presets --write au147", "au147.yaml", None),
    "export": ("export cu38.zarr --to extxyz --every 25 -o all.extxyz", "all.extxyz"),
    "plumed": ("export opes.zarr --to plumed -o plumed", "plumed"),
    "plumed-cv": ("export cu38.nanochart --to plumed-cv -o chart.cpp", "chart.cpp"),
    "import": ("import new.zarr one.extxyz -q", "new.zarr", None),
}
LONG = {
    "chemiscope": ("export cu38.zarr --to chemiscope --every 10 -o all.json", "all.json"),
    "thermo": ("thermo cu38.zarr --resamples 40 -q -o thermo", "thermo"),
    "fes": ("fes opes.zarr --by motif -q -o fes", "fes"),
    "track": ("track cu38.zarr one.extxyz --interval 1ps --no-movie -q -o track", "track"),
    "explore": ("explore cu38.zarr -q -o page.html", "page.html"),
    "report": ("report cu38.zarr --figures figures -q -o report.html", "report.html"),
    "bias": ("bias bias.yaml -q -o biased.zarr", "biased.zarr", ["--resume"]),
    "anchor": (
        "anchor cu38.zarr --to 60 --motif fcc --time-per-replica 300ps -q -o anchors",
        "anchors",
    ),
    "search": (
        "search Cu 20 --quenches 60 --random-starts -q -o found.zarr",
        "found.zarr",
        ["--resume"],
    ),
    "tune": ("sample mini.yaml --tune-ladder --pilot 20ps -q -o tuned.yaml", "tuned.yaml", None),
}
#: Commands that make several files that belong together.
SETS = ("thermo", "fes", "track")
#: Files that are the same bytes whenever and wherever they are made.
EQUAL = {".extxyz", ".cpp", ".csv", ".yaml", ".0", ".1"}


@pytest.fixture(scope="module")
def start(charted):
    """The charted run of copper, a biased run along its chart, a trajectory, configurations."""
    bias_run(settings(charted), charted / "opes.zarr")
    positions = nc.store.open(charted / "cu38.zarr").to_xarray()["positions"][:40, 0].to_numpy()
    text = [format_frame("Cu", x, {"step": 100 * k}) for k, x in enumerate(positions)]
    (charted / "one.extxyz").write_text("".join(text), encoding="utf-8")
    mini = small_config(starts=["octahedron"]).model_dump(mode="json")
    (charted / "mini.yaml").write_text(yaml.safe_dump(mini))
    return charted


def killed(base, folder, name, kills):
    """Kill a command; give what each kill left, what it began with, and how it was finished."""
    line, makes, *again = (QUICK | LONG)[name]
    shutil.copytree(base, folder / "base")
    asked = {"arguments": line.split(), "makes": [makes], **({"again": again[0]} if again else {})}
    (folder / "base" / "command.json").write_text(json.dumps(asked))
    script = Path(__file__).parents[1] / "helpers" / "stage_killer.py"
    seed = str(sorted(QUICK | LONG).index(name))
    done = subprocess.run(
        [sys.executable, script, folder, "command", seed, str(kills)],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    print(name, done.stdout.splitlines()[-1])
    for k in range(kills):
        old = not again and k % 2
        yield (
            folder / f"killed-{k}",
            folder / ("whole" if old else "base"),
            folder / f"finished-{k}",
        )


def files_of(folder, *, hidden=True):
    """Names of all files, a run being one."""
    names = set()
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        inside = any(part.endswith(".zarr") for part in name.parts[:-1])
        if not inside and (path.is_file() or path.suffix == ".zarr"):
            names.add(str(name))
    return {name for name in names if hidden or not any(p[0] == "." for p in Path(name).parts)}


def assert_whole(path, reference):
    """The file is all of a file, and of those that are always the same it is that."""
    if path.suffix == ".zarr":
        assert nc.store.open(path).verify() == []
    elif path.suffix in EQUAL:
        assert path.read_bytes() == reference.read_bytes()
    elif path.suffix == ".json":
        assert json.loads(path.read_text("utf-8"))
    elif path.suffix == ".html":
        assert path.read_text("utf-8").rstrip().endswith("</html>")
    elif path.suffix in {".png", ".gif"}:
        assert imread(path).shape == imread(reference).shape
    elif path.suffix == ".pdf":
        assert path.read_bytes().rstrip().endswith(b"%%EOF")
    else:
        assert path.stat().st_size == reference.stat().st_size


def assert_survives(start, folder, name, kills):
    for left, before, finished in killed(start, folder, name, kills):
        there, visible = files_of(left), files_of(left, hidden=False)
        told = {file for file in visible if "INCOMPLETE-" in file}
        visible -= told
        # Files of a set are all of one making, or the folder says that they are not.
        if name in SETS and not told:
            assert visible in (files_of(f, hidden=False) for f in (before, folder / "whole"))
        assert there >= files_of(before)  # nothing is taken away before the new is whole
        assert visible <= files_of(folder / "whole")
        for file in visible:
            assert_whole(left / file, folder / "whole" / file)
        # What refuses to be made twice may leave its scratch folder to the next writer.
        refused = len((QUICK | LONG)[name]) == 3 and (QUICK | LONG)[name][2] is None
        assert files_of(finished, hidden=not refused) == files_of(folder / "whole")
        for file in files_of(folder / "whole"):
            assert_whole(finished / file, folder / "whole" / file)
            if file.endswith(".zarr"):
                run, whole = (nc.store.open(f / file) for f in (finished, folder / "whole"))
                assert run.complete
                assert run.committed() == whole.committed()


@pytest.mark.parametrize("name", QUICK)
def test_a_command_that_is_killed_leaves_the_old_or_the_new(start, tmp_path, name):
    assert_survives(start, tmp_path, name, kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK | LONG)
def test_a_command_that_is_killed_often_leaves_the_old_or_the_new(start, tmp_path, name):
    assert_survives(start, tmp_path, name, kills=6)


def test_every_command_is_killed_here_or_as_a_stage():
    from nanochart.cli.app import _ORDER

    commands = {line.split()[0] for line, *_ in (QUICK | LONG).values()}
    stages = {"quench", "label", "train", "chart", "families", "refine", "demo"}
    assert commands | stages == set(_ORDER) - {"doctor", "info", "warmup"}
