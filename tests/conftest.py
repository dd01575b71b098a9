"""Runs that several tests read, made once for all processes of a session."""

import shutil
import signal

import pytest

import nanochart as nc
from helpers.biased import make_charted
from helpers.configs import small_config
from helpers.shared import forget_stale_kernels, made_once
from nanochart.parallel import available_cores
from nanochart.report.page.page import FigureCard, Gallery, Image


def pytest_configure(config):
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell's background job ignores interrupts, and so would the commands that tests stop.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):  # before there are workers
        forget_stale_kernels()


def pytest_collection_modifyitems(items):
    """Files of long tests come first, so that no core waits for one of them at the end."""
    first = ("workflow", "report", "landscape", "biasing", "cli")
    items.sort(key=lambda item: not any(f"tests/{room}/" in item.nodeid for room in first))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Processes of ``pytest -n auto``: as many as there are cores that may be used."""
    return available_cores()


def make_small(folder):
    """``run.zarr`` of 38 gold atoms (sampled, quenched, trained, charted), ``run.nanochart``."""
    config = small_config()
    run = nc.workflow.sample(config, folder / "run.zarr")
    nc.workflow.quench_run(run, config.quench)
    model = nc.workflow.train_run(run, folder / "run.nanochart", config.training, config.rdf)
    nc.workflow.chart_run(run, model)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """Folder with the small run, for reading; what a command keeps in it stays in this process."""
    made = made_once(tmp_path_factory, "small", make_small)
    return shutil.copytree(made, tmp_path_factory.mktemp("small") / "copy")


@pytest.fixture
def small_copy(small_run, tmp_path):
    """A copy of the small run to change."""
    return shutil.copytree(small_run, tmp_path / "copy")


@pytest.fixture
def opened(small_run):
    """The small run, open for reading."""
    return nc.store.open(small_run / "run.zarr")


@pytest.fixture(scope="module")
def charted(tmp_path_factory):
    """Folder of a module's own with `helpers.biased.make_charted`: biased runs lie beside it."""
    made = made_once(tmp_path_factory, "charted", make_charted)
    return shutil.copytree(made, tmp_path_factory.mktemp("bias") / "copy")


@pytest.fixture
def undrawn(monkeypatch):
    """Pages without their pictures, which take seconds: for tests of numbers and words."""
    monkeypatch.setattr(FigureCard, "image", lambda *_: Image("data:,", 1, 1))
    monkeypatch.setattr(Gallery, "images", lambda _: iter(()))
