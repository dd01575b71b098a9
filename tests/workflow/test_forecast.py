"""Long commands say before they begin what they will take, and the command line how to begin."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path

import pytest
import yaml

import nanochart as nc
from helpers.command import nanochart
from helpers.configs import small_config
from nanochart.cli.display import _Lines
from nanochart.errors import DynamicsError
from nanochart.progress import duration, silent
from nanochart.workflow.forecast import forecast, seconds_of
from nanochart.workflow.sampling_progress import run_bytes, size_words


class Told(list):
    """Keeps what a workflow reports."""

    def __call__(self, stage, done, total, note=""):
        self.append((stage, done, total, note))

    def first(self, stage):
        return next(each for each in self if each[0] == stage)


ABOUT = r"about (\d+(\.\d)?) (s|min|h|d)\b"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3.2, "3 s"), (99, "99 s"), (100, "2 min"), (5990, "100 min"), (9000, "2.5 h"),
     (200_000, "56 h"), (2.6e5, "3.0 d"), (1e6, "12 d")],
)  # fmt: skip
def test_a_duration_has_the_unit_that_suits_it(seconds, words):
    assert duration(seconds) == words


def test_a_forecast_is_the_time_of_the_work_over_the_workers():
    told = Told()
    with ThreadPoolExecutor(4) as pool:
        for at_once in (2, 100):
            forecast(
                told, "work", 3, 10, seconds=lambda: 1000.0, what="7 pieces", executor=pool,
                at_once=at_once,
            )  # fmt: skip
    forecast(told, "work", 0, 1, seconds=lambda: 0.1, what="little")
    assert told == [
        ("work", 3, 10, "7 pieces: about 8 min on 2 threads"),
        ("work", 3, 10, "7 pieces: about 4 min on 4 threads"),
        ("work", 0, 1, "little: about 1 s"),
    ]


def test_a_piece_is_timed_without_its_first_time():
    times = chain([2.0], repeat(0.01))
    assert 0.01 <= seconds_of(lambda: time.sleep(next(times))) < 0.5


def test_nothing_is_measured_where_nobody_listens_or_nothing_is_left():
    def never():
        raise AssertionError

    told = Told()
    forecast(silent, "work", 0, 10, seconds=never, what="work")
    forecast(told, "work", 10, 10, seconds=never, what="work")
    assert told == []


def test_an_error_of_the_measurement_is_left_to_the_work():
    def explodes():
        raise DynamicsError("an atom is gone")

    told = Told()
    forecast(told, "work", 0, 10, seconds=explodes, what="work")
    assert told == []


def test_sampling_and_quenching_begin_with_what_they_take_and_measuring_changes_nothing(tmp_path):
    config = small_config()
    runs = []
    for name, progress in (("told.zarr", Told()), ("silent.zarr", silent)):
        run = nc.workflow.sample(config, tmp_path / name, progress=progress)
        nc.workflow.quench_run(run, progress=progress)
        runs.append(run.to_xarray())
        if progress is silent:
            continue
        stage, done, _, note = progress.first("sample")
        assert (stage, done) == ("sample", 0)
        assert re.fullmatch(
            rf"\d+ replicas of [\d.]+ ns, 100 frames in about 137 kB: {ABOUT} on \d+ threads?", note
        )
        assert re.fullmatch(rf"[\d,]+ configurations: {ABOUT} on \d+ threads?",
                            progress.first("quench")[3])  # fmt: skip
    assert (runs[0].positions == runs[1].positions).all()
    assert (runs[0].inherent_energy == runs[1].inherent_energy).all()


@pytest.mark.parametrize(
    ("exchanges", "frames", "size"),
    [(1, 100, 100 * (3 * 38 * 12 + 0.4)), (1000, 100, 100 * (3 * 38 * 12 + 400))],
)
def test_the_size_of_a_run_counts_its_positions_and_its_exchanges(exchanges, frames, size):
    """Three replicas of 38 atoms at 12 bytes, two pairs that exchange at a fifth of a byte."""
    tempering = {"exchanges_per_frame": exchanges, "time_per_replica": 5e-4 * exchanges * frames}
    assert run_bytes(small_config(tempering=tempering)) == pytest.approx(size)


def test_the_size_of_a_run_is_as_forecast(tmp_path):
    tempering = {"swap_interval": 0.01, "exchanges_per_frame": 50, "time_per_replica": 0.1,
                 "discard": 0}  # fmt: skip
    config = small_config(starts=["octahedron"], tempering=tempering)
    run = nc.workflow.sample(config, tmp_path / "run.zarr")
    names = ("positions", "exchange_history", "energy", "temperature", "rung")
    held = sum(f.stat().st_size for name in names for f in (run.path / name).rglob("*")
               if f.is_file())  # fmt: skip
    assert run_bytes(config) == pytest.approx(held, rel=0.15)


@pytest.mark.parametrize(
    ("size", "words"), [(47_000, "47 kB"), (1.4e6, "1 MB"), (48e6, "48 MB"), (2.34e9, "2.3 GB")]
)
def test_a_size_has_the_unit_that_suits_it(size, words):
    assert size_words(size) == words


def test_training_begins_with_what_it_takes(small_copy):
    done = nanochart("train", small_copy / "run.zarr", "--epochs", 3)
    assert re.search(rf"^train: 0/3, at most 3 epochs of \d+ configurations: {ABOUT}$",
                     done.stderr, re.MULTILINE)  # fmt: skip


def test_progress_by_lines_has_an_estimate_from_the_first_round_on(capsys):
    lines = _Lines(interval=0.0)
    lines("sample", 0, 100, "8 replicas: about 2 min")
    lines.started["sample"] = (time.monotonic() - 100.0, 0)
    lines("sample", 1, 100)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "sample: 0/100, 8 replicas: about 2 min"
    assert re.fullmatch(r"sample: 1/100, 10\d s, 2\.8 h left", second)


def test_the_run_of_the_tutorial_takes_minutes():
    page = Path(__file__).parents[2] / "docs" / "tutorial.md"
    block = re.search(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    config = nc.config.load_config(yaml.safe_load(block.group(1)))
    frames = config.n_discarded + config.n_frames
    step = config.time_step_within(15.0)
    steps = frames * config.steps_per_frame(step) * len(config.tempering.ladder)
    # On one core, at the 12.5 µs per step of Au147 that docs/performance.md states.
    assert config.system.n_atoms <= 147
    assert steps * 12.5e-6 < 120.0


def test_without_a_command_the_help_is_shown():
    assert nanochart().stdout == nanochart("--help").stdout


def test_commands_are_listed_in_the_order_of_the_work():
    listed = re.findall(r"^│ ([a-z]+) ", nanochart("--help").stdout, re.MULTILINE)
    work = ["sample", "quench", "label", "train", "chart", "families", "bias", "fes", "report"]
    assert [name for name in listed if name in work] == work
    assert listed[0] == "demo"


def test_flags_take_no_value():
    assert "<bool>" not in nanochart("--help").stdout
    assert "<bool>" not in nanochart("sample", "--help").stdout
    assert nanochart("train", "none.zarr", "--resume=1", code=2).stderr
