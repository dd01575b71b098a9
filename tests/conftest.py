"""Runs that several tests read, made once."""

import shutil
import signal
from pathlib import Path

import pytest

import nanochart as nc
from helpers.configs import small_config
from nanochart.autoencoder import TrainingConfig
from nanochart.config import load_config
from nanochart.workflow import (
    chart_run,
    families_run,
    label_run,
    quench_run,
    sample,
    train_run,
)


def pytest_configure():
    """Forget compiled kernels that are older than a source.

    Numba compiles a kernel anew when its own file changes, but not when one that it calls does.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell's background job ignores interrupts, and so would the commands that tests stop.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    package = Path(nc.__file__).parent
    kernels = [p for p in package.rglob("*.py") if "from numba import" in p.read_text("utf-8")]
    newest = max(source.stat().st_mtime for source in kernels)
    compiled = [*package.rglob("*.nbi"), *package.rglob("*.nbc")]
    if any(file.stat().st_mtime < newest for file in compiled):
        for file in compiled:
            file.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """Folder with ``run.zarr`` (sampled, quenched, trained, charted) and ``run.nanochart``."""
    folder = tmp_path_factory.mktemp("small")
    config = small_config()
    run = nc.workflow.sample(config, folder / "run.zarr")
    nc.workflow.quench_run(run, config.quench)
    model = nc.workflow.train_run(run, folder / "run.nanochart", config.training, config.rdf)
    nc.workflow.chart_run(run, model)
    return folder


@pytest.fixture
def small_copy(small_run, tmp_path):
    """A copy of the small run to change."""
    shutil.copytree(small_run, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def opened(small_run):
    """The small run, open for reading."""
    return nc.store.open(small_run / "run.zarr")


@pytest.fixture(scope="module")
def charted(tmp_path_factory):
    """Cu38 between 300 and 500 K, charted from thermal frames in two dimensions, with families."""
    folder = tmp_path_factory.mktemp("bias")
    config = load_config(
        {
            "system": {"metal": "Cu", "n_atoms": 38},
            "starts": ["octahedron", "icosahedron"],
            "tempering": {"t_min": 300, "t_max": 500, "n": 4, "swap_interval": 1,
                          "time_per_replica": 0.25},
        }
    )  # fmt: skip
    run = sample(config, folder / "cu38.zarr")
    quench_run(run)
    label_run(run)
    training = TrainingConfig(target="inherent", bottleneck=2, epochs=2, batch_size=64)
    model = train_run(run, folder / "cu38.nanochart", training)
    chart_run(run, model)
    families_run(run, model=model, measures=False)
    return folder
