"""Helpers of the tests."""

import subprocess
import sys
from pathlib import Path


def nanochart(*args, cwd=None, code=0):
    """Run the command in a process of its own, as a user does."""
    done = subprocess.run(
        [Path(sys.executable).with_name("nanochart"), *map(str, args)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done
