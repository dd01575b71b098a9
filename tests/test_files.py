"""Files that a command writes appear whole or not at all."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nanochart
from nanochart.errors import StoreError
from nanochart.files import replacing, replacing_set, write_text
from nanochart.output import write_csv, write_json
from nanochart.processes import made_by_gone, mark

FULL = r"no space is left for .*a.txt: free some and run the command again; what was there before"


def full(*_args, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    path = write_text(tmp_path / "a.txt", "as it was")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StoreError, match=FULL):
        write_text(path, "new")
    assert path.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_in_the_block_leaves_the_file_that_was_there(tmp_path):
    path = write_text(tmp_path / "a.txt", "as it was")
    with pytest.raises(ZeroDivisionError, match="division"), replacing(path) as file:
        file.write_text(f"half {1 / 0}")
    assert path.read_text() == "as it was"
    with pytest.raises(FileNotFoundError, match=r"other.txt"), replacing(path):
        (tmp_path / "other.txt").read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_a_device_written_to(tmp_path):
    path = write_text(tmp_path / "deep" / "a.txt", "as it was")
    (tmp_path / "link").symlink_to(path)
    write_text(tmp_path / "link", "new")
    assert path.read_text() == "new"
    assert (tmp_path / "link").is_symlink()
    write_text(os.devnull, "nothing")
    assert not Path(os.devnull).is_file()


def test_what_a_killed_process_left_is_removed_by_the_next_writer(tmp_path):
    code = (
        "import os, signal, sys; from nanochart.files import replacing\n"
        "with replacing(sys.argv[1]) as file:\n"
        "    file.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = write_text(tmp_path / "a.txt", "as it was")
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "as it was"
    assert len(list(tmp_path.iterdir())) == 2
    with replacing(path) as mine:
        write_text(path, "of another writer at the same time")
        mine.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_mark_names_its_process():
    assert not made_by_gone(mark())
    assert made_by_gone(mark().replace(str(os.getpid()), str(2**22 + 1)))
    assert not made_by_gone("something else")


def test_json_and_tables_hold_what_they_can(tmp_path):
    path = write_json(tmp_path / "a.json", {"a": [1.5, np.inf], "b": (np.float64("nan"), 2)})
    assert json.loads(path.read_text()) == {"a": [1.5, None], "b": [None, 2]}
    path = write_csv(tmp_path / "a.csv", ["x / eV", "n", "what"], [(1 / 3, 2, "a,b")], digits=3)
    assert path.read_bytes() == b'x / eV,n,what\r\n0.333,2,"a,b"\r\n'


def write_set(folder, kind, *names):
    with replacing_set(folder, "thermo") as target:
        for name in names:
            write_text(target / name, kind)


def set_of(folder):
    files = {p.name: p.read_text() for p in folder.iterdir() if p.name[0] != "."}
    return files.pop("INCOMPLETE-thermo.txt", None), files


def test_files_of_a_set_are_replaced_together_and_what_it_lacks_now_is_removed(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    write_set(tmp_path, "old", "a.json", "b.csv", "movie.gif")
    write_set(tmp_path, "new", "a.json", "b.csv", "c.png")
    new = {"a.json": "new", "b.csv": "new", "c.png": "new", "mine.txt": "mine"}
    assert set_of(tmp_path) == (None, new)
    half = pytest.raises(ZeroDivisionError, match="division")
    with half, replacing_set(tmp_path, "thermo") as target:
        write_text(target / "a.json", f"half {1 / 0}")
    assert set_of(tmp_path) == (None, new)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_kill_leaves_one_set_or_says_that_the_files_are_of_two(tmp_path):
    """Killed before each rename and removal in turn."""
    old, new = ({"a": kind, "b": kind, other: kind} for kind, other in (("old", "c"), ("new", "d")))
    seen = []
    for moment in range(100):
        folder = tmp_path / str(moment)
        write_set(folder, "old", *old)
        pid = os.fork()
        if pid == 0:
            changes = iter(range(moment))

            def count(event, _, changes=changes):
                if event in {"os.rename", "os.remove"} and next(changes, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(count)
            write_set(folder, "new", *new)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        marker, files = set_of(folder)
        if marker is None:
            assert files in (old, new)
        else:
            assert "`nanochart thermo` in this folder are not all of one making" in marker
        seen.append((marker is None, tuple(sorted(files.items()))))
        write_set(folder, "new", *new)
        assert set_of(folder) == (None, new)
        assert not [p for p in folder.iterdir() if p.suffix == ".part"]
        if os.WIFEXITED(status):
            break
    mixed = [files for whole, files in seen if not whole and len({kind for _, kind in files}) == 2]
    assert mixed
    assert os.WIFEXITED(status)


def test_every_file_is_written_by_the_writer_of_whole_files():
    """In place are written only what is a part of a larger whole, and what is beside its place."""
    allowed = {
        "files.py",
        "checkpoint.py",
        "lock.py",
        "journal.py",
        "switch.py",
        "spool.py",
        "export.py",
    }
    in_place = re.compile(
        r"open\([^)=]*\"[wxa]b?\+?\"|\.write_(?:text|bytes)\(|savefig\((?!buffer)"
    )
    wrong = []
    for path in sorted(Path(nanochart.__file__).parent.rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for k, line in enumerate(lines):
            whole = any("replacing(" in before for before in lines[max(0, k - 6) : k + 1])
            if in_place.search(line) and not whole and path.name not in allowed:
                wrong.append(f"{path.name}: {line.strip()}")
    assert wrong == []
