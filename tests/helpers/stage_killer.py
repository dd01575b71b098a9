"""Forks a stage again and again, and has it killed at its n-th change of the file system.

``python stage_killer.py FOLDER STAGE SEED KILLS``: FOLDER/base is what the stage begins with. The
stage is run once to its end here, and once in a child, in FOLDER/whole; then KILLS copies are
killed at moments drawn with SEED, and left as FOLDER/killed-K; each of these is copied to
FOLDER/finished-K and run to its end. Prints how many changes the stage makes and at which it was
killed.

The stage ``command`` is the command line in FOLDER/base/command.json: its arguments, what it makes,
and what it is told (``again``) where that exists already; None if it then refuses. Where it has no
``again``, every other copy begins with what the command made before.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import nanochart as nc
from helpers.command import nanochart
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


def command(folder):
    asked = json.loads((folder / "command.json").read_text())
    there = (folder / asked["makes"][0]).exists()
    if there and "again" in asked:
        if asked["again"] is None:
            return
        asked["arguments"] += asked["again"]
    nanochart(*asked["arguments"], cwd=folder)


#: What Python tells its auditors of changes; besides, a file may be opened to be written.
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def changes_a_file(event, arguments, folder):
    """Whether an audited event changes what lies in a folder."""
    if event != "open" and event not in CHANGES:
        return False
    path = arguments[0]
    if not isinstance(path, str | bytes | os.PathLike):
        return False  # a descriptor that was opened before
    name = os.fsdecode(path)
    inside = not Path(name).is_absolute() or name.startswith(str(folder))
    return inside and (event != "open" or bool(arguments[2] & WRITING))


def in_a_child(work, folder, moment=None):
    """Run a stage in a child that is killed before a change of the file system; return how many."""
    pid = os.fork()
    if pid == 0:
        changes = 0

        def count(event, arguments):
            nonlocal changes
            if changes_a_file(event, arguments, folder):
                if moment is not None and changes >= moment:
                    os.kill(os.getpid(), signal.SIGKILL)
                changes += 1

        sys.addaudithook(count)
        try:
            work(folder)
        except BaseException as error:  # noqa: BLE001  the parent says so
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
        total = changes
        (folder.parent / "changes").write_text(str(total))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if moment is None:
        assert status == 0, status
        return int((folder.parent / "changes").read_text())
    assert os.WIFSIGNALED(status), status
    return moment


def main():
    folder, stage, seed, kills = Path(sys.argv[1]), *sys.argv[2:3], *map(int, sys.argv[3:])
    work = globals()[stage]
    begin = time.perf_counter()
    shutil.copytree(folder / "base", folder / "first")
    work(folder / "first")  # so that no child has to load kernels and libraries again
    shutil.copytree(folder / "base", folder / "whole")
    changes = {"base": in_a_child(work, folder / "whole")}
    starts = ["base"]
    if stage == "command" and "again" not in json.loads(
        (folder / "base" / "command.json").read_text()
    ):
        shutil.copytree(folder / "whole", folder / "twice")
        changes["whole"] = in_a_child(work, folder / "twice")
        starts.append("whole")
    rng = random.Random(seed)  # noqa: S311  moments, not secrets
    moments = []
    for k in range(kills):
        start = starts[k % len(starts)]
        # One in each part of the stage, so that they do not all fall into its longest.
        moments.append(int((k + rng.random()) * changes[start] / kills))
        shutil.copytree(folder / start, folder / f"killed-{k}")
        in_a_child(work, folder / f"killed-{k}", moments[-1])
        shutil.copytree(folder / f"killed-{k}", folder / f"finished-{k}")
        in_a_child(work, folder / f"finished-{k}")
    seconds = round(time.perf_counter() - begin, 1)
    print(json.dumps({"changes": changes, "killed at": moments, "seconds": seconds}))


if __name__ == "__main__":
    main()
