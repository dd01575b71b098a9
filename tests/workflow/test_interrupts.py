"""Signals to commands that do one piece of work after another: none is lost."""

import shutil
import signal
import subprocess
import time

import pytest

from helpers.biased import settings
from helpers.command import NANOCHART
from nanochart import store
from nanochart.cli.interrupts import Interrupts
from nanochart.progress import silent
from nanochart.store.files import RECORDS
from nanochart.workflow import DEMO, label_run, quench_run

#: More simulated time than a test waits for, in ns, and a round of as much, in ps.
ENDLESS, LONG_ROUND = 50.0, 10_000.0


@pytest.fixture
def folder(charted, tmp_path):
    """A copy of the charted run to refine."""
    for name in ("cu38.zarr", "cu38.nanochart", "cu38.families"):
        (shutil.copytree if name.endswith("zarr") else shutil.copy)(charted / name, tmp_path / name)
    return tmp_path


def refining(folder, checkpoint):
    """`nanochart refine` on its way: its biased run has written a checkpoint of this number."""
    process = subprocess.Popen(
        [NANOCHART, "refine", "cu38.zarr", "--bias", "bias.yaml", "-q"],
        cwd=folder, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    records = folder / "cu38-refine-1.zarr" / RECORDS
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if any(p.stem >= f"checkpoint-{checkpoint:06}" for p in records.glob("checkpoint-*.json")):
            return process
        time.sleep(0.05)
    process.kill()
    raise AssertionError(process.communicate()[1])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_round_of_a_refinement_and_saves_it(folder, number, code):
    settings(folder, time=ENDLESS)
    process = refining(folder, checkpoint=2)
    time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "stopping after this piece of work; once more stops at once" in errors
    assert "go on with `nanochart refine cu38.zarr --bias bias.yaml -q`" in errors
    assert "Traceback" not in errors
    run = store.open(folder / "cu38-refine-1.zarr")
    checkpoint = run.load_checkpoint()
    assert run.info("frames")["sessions"][-1]["rounds"] == checkpoint.info["round"] > 0
    assert run.committed() + checkpoint.info["pending"] == checkpoint.info["round"]


def test_the_second_signal_ends_a_long_round_of_a_refinement_at_once(folder):
    settings(folder, time=0.1 * LONG_ROUND, pace=LONG_ROUND)
    process = refining(folder, checkpoint=1)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # it waits for the end of the round
    before = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - before < 2.0
    assert process.returncode == 143
    assert "stopped at once; what was committed is kept: go on with `nanochart refine" in errors
    assert "Traceback" not in errors
    assert store.open(folder / "cu38-refine-1.zarr").load_checkpoint().info["round"] == 0


@pytest.mark.parametrize(
    ("stage", "name"), [(quench_run, "quench"), (label_run, "label")], ids=["quench", "label"]
)
def test_a_signal_ends_stages_after_the_piece_that_they_have_saved(small_copy, stage, name):
    run = store.open(small_copy / "run.zarr", mode="a")
    interrupts, reports = Interrupts(), []

    def shown(stage, done, total, note=""):
        silent(stage, done, total, note)
        reports.append(done)
        if done:
            interrupts._handle(signal.SIGINT, None)

    with pytest.raises(KeyboardInterrupt, match=r"^$"), interrupts.in_pieces(shown) as progress:
        stage(run, again=True, progress=progress)
    assert run.committed(name) == reports[-1] > 0


def test_a_signal_ends_the_demo_after_the_round_that_it_has_saved(tmp_path):
    process = subprocess.Popen(
        [NANOCHART, "demo", "-o", "demo", "-q"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    records, deadline = tmp_path / "demo" / "run.zarr" / RECORDS, time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if list(records.glob("checkpoint-*.json")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    assert "go on with `nanochart demo -o demo -q`" in errors
    assert "Traceback" not in errors
    run = store.open(tmp_path / "demo" / "run.zarr")
    info = run.load_checkpoint().info
    assert max(0, info["round"] - DEMO.n_discarded) == run.committed() + info["pending"]


def test_outside_its_pieces_a_command_is_ended_at_once():
    interrupts = Interrupts()
    with interrupts.in_pieces(silent):
        pass
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        interrupts._handle(signal.SIGINT, None)
