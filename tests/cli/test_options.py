"""What all commands have in common is what the page on them says."""

import importlib
import inspect
import json
import re
from keyword import iskeyword

import pytest
from typer.main import get_command

from helpers.command import nanochart
from helpers.repository import ROOT
from nanochart.cli import options
from nanochart.cli.app import _register, app
from nanochart.parallel import available_cores, threads_at_once, use_threads


def commands():
    """Name of each command -> its options."""
    _register()
    found = get_command(app).commands
    return {name: {o for p in c.params for o in p.opts} for name, c in found.items()}


@pytest.mark.parametrize("option", ["--json", "--quiet", "--threads"])
def test_the_page_says_which_commands_take_an_option(option):
    text = " ".join((ROOT / "docs" / "commands.md").read_text("utf-8").split())
    (without,) = re.findall(rf"[Ee]very command(?: but ([^;.]*?))? takes `{option}`", text)
    taking = {name for name, its in commands().items() if option in its}
    assert commands().keys() - taking == set(re.findall(r"`(\w+)`", without))


@pytest.mark.parametrize("command", commands())
def test_a_command_is_quiet_where_it_shows_its_progress(command):
    module = importlib.import_module(f"nanochart.cli.{command}{'_' * iskeyword(command)}")
    assert ("show_progress(quiet)" in inspect.getsource(module)) == (
        "--quiet" in commands()[command]
    )


def test_threads_are_taken_by_whatever_is_parallel(small_copy, monkeypatch):
    taken = []

    def pool(count):
        taken.append(count)
        return one(count)

    from nanochart import parallel
    from nanochart.descriptors import threads

    one = parallel.ThreadPoolExecutor
    for module in (parallel, threads):
        monkeypatch.setattr(module, "ThreadPoolExecutor", pool)
    run = small_copy / "run.zarr"
    nanochart("quench", run, "--again", "-q", "--threads", 3)
    nanochart("label", run, "-q", "--threads", 3)
    nanochart("chart", run, "-q", "--threads", 3)
    assert set(taken) == {3}
    assert threads_at_once() == available_cores()


def test_threads_are_given_back_however_a_block_ends():
    with use_threads(2):
        with pytest.raises(ValueError, match="within"), use_threads(5):
            raise ValueError(f"within: {threads_at_once()}")
        with use_threads(None):
            assert threads_at_once() == 2
    assert threads_at_once() == available_cores()


def test_paths_are_printed_as_they_are_given(small_copy):
    relative = nanochart("chart", "run.zarr", "-q", cwd=small_copy)
    assert relative.stdout.startswith("run.zarr: ")
    assert (
        json.loads(nanochart("chart", "run.zarr", "-q", "--json", cwd=small_copy).stdout)["run"]
        == "run.zarr"
    )
    (small_copy / "beside").mkdir()
    above = nanochart("chart", "../run.zarr", "-q", cwd=small_copy / "beside")
    assert above.stdout.startswith("../run.zarr: ")
    refused = nanochart("fes", "run.zarr", cwd=small_copy, code=1)
    assert str(small_copy) not in refused.stderr
    absolute = nanochart("chart", small_copy / "run.zarr", "-q", cwd=small_copy)
    assert absolute.stdout.startswith(f"{small_copy / 'run.zarr'}: ")


def test_only_whole_paths_are_shortened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for before in ("", " ", "(", "`", "'", "x="):
        assert options.as_given(f"{before}{tmp_path}/a") == f"{before}a"
    assert options.as_given(f"/other{tmp_path}/a") == f"/other{tmp_path}/a"
    assert options.as_given(f"{tmp_path} and {tmp_path}-b/c") == f"{tmp_path} and {tmp_path}-b/c"
