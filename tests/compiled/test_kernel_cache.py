"""Where compiled kernels are kept when neither the package nor a home can be written."""

import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from numba.core.caching import IndexDataCacheFile

import nanochart
from nanochart.compiled.cache import prepare_cache


@pytest.fixture
def read_only(tmp_path):
    """A copy of the package that nothing can be written into, by any user, and no home."""
    package = tmp_path / "lib" / "nanochart"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(nanochart.__file__).parent, package, ignore=ignore)
    for folder in [package, *(p for p in package.rglob("*") if p.is_dir())]:
        (folder / "__pycache__").write_text("a file, so that no folder can be made")
    (tmp_path / "tmp").mkdir()
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "LANG"}}
    return {**kept, "PYTHONPATH": str(tmp_path / "lib"), "HOME": "/dev/null",
            "TMPDIR": str(tmp_path / "tmp")}  # fmt: skip


def run(code, env):
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )


def test_kernels_are_defined_where_nothing_can_be_written(read_only, tmp_path):
    code = "import os, nanochart.potentials.kernels; print(os.environ['NUMBA_CACHE_DIR'])"
    folder = Path(run(code, read_only).stdout.strip())
    assert folder.parent == tmp_path / "tmp"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_command_line_says_so_in_one_sentence(read_only):
    code = "import sys; sys.argv[1:] = ['presets']; from nanochart.cli import main; main()"
    said = run(code, read_only).stderr
    assert "neither the package nor the home folder can be written" in said
    assert "set NUMBA_CACHE_DIR" in said
    assert said.count("\n") == 1


def test_a_folder_that_others_can_write_is_not_used(read_only, tmp_path):
    theirs = tmp_path / "tmp" / f"nanochart-kernels-{os.getuid()}"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o777)
    code = "import os, nanochart; print(os.environ['NUMBA_CACHE_DIR'])"
    folder = Path(run(code, read_only).stdout.strip())
    assert folder != theirs
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_the_users_choice_is_left_alone(read_only, tmp_path):
    code = "import os, nanochart; print(os.environ['NUMBA_CACHE_DIR'])"
    mine = str(tmp_path / "mine")
    assert run(code, {**read_only, "NUMBA_CACHE_DIR": mine}).stdout.strip() == mine


def test_nothing_changes_where_the_package_can_be_written(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    prepare_cache(tmp_path)
    assert "NUMBA_CACHE_DIR" not in os.environ


class Ordered(IndexDataCacheFile):
    """A process's view of a cache, which stops between the steps of writing to it."""

    def __init__(self, folder, before_index, after_index, before_data):
        super().__init__(str(folder), "kernel", "stamp")
        self.moments = before_index, after_index, before_data

    def _save_index(self, overloads):
        self.moments[0]()
        super()._save_index(overloads)
        self.moments[1]()

    def _save_data(self, name, data):
        self.moments[2]()
        super()._save_data(name, data)


def test_processes_that_compile_at_once_do_not_take_each_others_kernels(tmp_path):
    """In the order in which both would give their kernel the same name."""
    entered, indexed, done = (threading.Event() for _ in range(3))
    nothing = lambda: None  # noqa: E731
    one = Ordered(tmp_path, lambda: entered.wait(1), indexed.set, lambda: done.wait(1))
    other = Ordered(tmp_path, lambda: (entered.set(), indexed.wait(1)), nothing, nothing)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(one.save, "float32", "kernel of float32")
        time.sleep(0.1)
        second = pool.submit(other.save, "float64", "kernel of float64")
        second.add_done_callback(lambda _: done.set())
        first.result()
    found = [other.load(key) for key in ("float32", "float64")]
    assert found == ["kernel of float32", "kernel of float64"]


def test_two_fresh_processes_fill_one_empty_cache(tmp_path):
    code = (
        "import sys, time, numpy as np; from nanochart.compiled.memory import aligned\n"
        "time.sleep(max(0.0, float(sys.argv[1]) - time.time()))\n"
        "for kind in sys.argv[2:]: print(aligned(3, getattr(np, kind)).dtype, end=' ')\n"
        "print(sum(aligned.stats.cache_hits.values()))"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def started(*arguments):
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments], env=env, stdout=subprocess.PIPE, text=True
        )

    moment = str(time.time() + 5.0)
    both = [started(moment, "float32", "float64"), started(moment, "float64", "float32")]
    for process in both:
        process.communicate()
        assert process.returncode == 0
    assert started("0", "float32", "float64").communicate()[0] == "float32 float64 2\n"
