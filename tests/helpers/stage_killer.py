"""Forks a stage again and again, and has it killed at its n-th change of the file system.

``python stage_killer.py FOLDER STAGE SEED KILLS``: FOLDER/base is what the stage begins with. The
stage is run once to its end, in FOLDER/whole; then KILLS copies are killed at moments drawn with
SEED, and left as FOLDER/killed-K; each of these is copied to FOLDER/finished-K and run to its end.
Prints how many changes the stage makes and at which it was killed.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import nanochart as nc
from nanochart.autoencoder import TrainingConfig, load
from nanochart.config import load_bias_config
from nanochart.landscape import FamiliesConfig
from nanochart.workflow import (
    chart_run,
    demo as pipeline,
    families_run,
    label_run,
    quench_run,
    refine_run,
    run_demo,
    train_run,
)


def quench(folder):
    quench_run(run_in(folder), nc.config.QuenchConfig(max_force=0.02))


def label(folder):
    label_run(run_in(folder), again=not (folder / "again").exists())
    (folder / "again").touch()


def train(folder):
    train_run(run_in(folder), folder / "run.nanochart", training(8), resume=True)


def chart(folder):
    chart_run(run_in(folder), load(folder / "other.nanochart"))


def families(folder):
    run = run_in(folder)
    families_run(run, FamiliesConfig(size=9, refine=False), measures=False)


def refine(folder):
    refine_run(run_in(folder), load_bias_config(folder / "bias.yaml"))


def demo(folder):
    # What follows the families is a biased run and pages, which have tests of their own.
    for name in ("bias_run", "report_run", "explore_run"):
        setattr(pipeline, name, lambda *_, **__: Path("nothing"))
    pipeline.explore_run = lambda *_, **__: type("Explored", (), {"path": None})
    pipeline.importlib.util.find_spec = lambda _: None
    run_demo(folder, nc.workflow.run_config(run_in(folder)))


def run_in(folder):
    return nc.store.open(folder / "run.zarr", mode="a")


def training(seed):
    return TrainingConfig(target="inherent", bottleneck=2, epochs=2, batch_size=64, seed=seed)


def in_a_child(work, folder, moment=None):
    """Run a stage in a child that is killed at a change of the file system; return how many."""
    counter = folder / "changes"
    pid = os.fork()
    if pid == 0:
        changes = 0

        def counted(function):
            def change(*args, **options):
                nonlocal changes
                if changes == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
                changes += 1
                return function(*args, **options)

            return change

        for owner, names in (
            (Path, ("rename", "replace", "mkdir", "rmdir", "unlink", "write_text")),
            (os, ("fsync", "mkdir", "rmdir", "unlink")),
        ):
            for name in names:
                setattr(owner, name, counted(getattr(owner, name)))
        try:
            work(folder)
        except BaseException as error:  # noqa: BLE001  the parent says so
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
        with counter.open("w") as file:
            file.write(str(changes))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if moment is None:
        assert status == 0, status
        return int(counter.read_text())
    assert os.WIFSIGNALED(status), status
    return moment


def main():
    folder, stage, seed, kills = Path(sys.argv[1]), *sys.argv[2:3], *map(int, sys.argv[3:])
    work = globals()[stage]
    shutil.copytree(folder / "base", folder / "whole")
    begin = time.perf_counter()
    total = in_a_child(work, folder / "whole")
    rng = random.Random(seed)  # noqa: S311  moments, not secrets
    # One in each part of the stage, so that they do not all fall into its longest.
    moments = [int((k + rng.random()) * total / kills) for k in range(kills)]
    for k, moment in enumerate(moments):
        shutil.copytree(folder / "base", folder / f"killed-{k}")
        in_a_child(work, folder / f"killed-{k}", moment)
        shutil.copytree(folder / f"killed-{k}", folder / f"finished-{k}")
        in_a_child(work, folder / f"finished-{k}")
    seconds = round(time.perf_counter() - begin, 1)
    print(json.dumps({"changes": total, "killed at": moments, "seconds": seconds}))


if __name__ == "__main__":
    main()
