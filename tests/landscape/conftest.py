"""The source of biased runs whose states are known, and such a run."""

import shutil

import pytest

from helpers.membership import disguised, make_trained
from helpers.shared import made_once


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder of a module's own with `helpers.membership.make_trained`."""
    made = made_once(tmp_path_factory, "trained", make_trained)
    return shutil.copytree(made, tmp_path_factory.mktemp("membership") / "copy")


@pytest.fixture
def copied(trained, tmp_path):
    """A copy of the source, its model and families."""
    for name in ("cu38.zarr", "cu38.nanochart", "cu38.families"):
        (shutil.copytree if name.endswith("zarr") else shutil.copy)(trained / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def plain(trained, copied):
    """The disguised run, beside a copy of the source."""
    return disguised(trained, copied)
