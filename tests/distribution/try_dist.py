"""Try what `make dist` built.

`python tests/distribution/try_dist.py dist` looks whether the wheel holds anything but the package,
makes an environment for every interpreter that is there and new enough, installs the wheel into it,
and runs the example of README.md and `nanochart doctor` in an empty folder. It prints a line for
each, and ends with an error if one fails.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
#: What a wheel may hold besides the package's own folder and its metadata.
_ALLOWED = re.compile(r"nanochart/|nanochart-[^/]*\.dist-info/")
_ENDINGS = {".py", ".pyi", ".typed", ".yaml", ".html", ".css", ".js", ".bib", ".npz", ".cpp", ""}


def example() -> str:
    """The Python block of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return str(block)


def strangers(wheel: Path) -> list[str]:
    """Files of a wheel that do not belong there."""
    names = zipfile.ZipFile(wheel).namelist()
    own = [name for name in names if _ALLOWED.match(name)]
    inside = [name for name in own if name.startswith("nanochart/")]
    odd = [name for name in inside if Path(name).suffix not in _ENDINGS]
    return sorted(set(names) - set(own)) + odd


def interpreters() -> dict[str, str]:
    """Version -> path of each interpreter on the path that nanochart supports."""
    found = {v: shutil.which(f"python{v}") for v in VERSIONS}
    return {version: path for version, path in found.items() if path and _runs(path)}


def _runs(interpreter: str) -> bool:
    """Whether it is an interpreter, and no switch for one that is not installed."""
    command = [interpreter, "-c", "import venv, ensurepip"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def tried(interpreter: str, wheel: Path) -> float:
    """Seconds of the example in an environment of its own."""
    with tempfile.TemporaryDirectory(prefix="nanochart-dist-") as folder:
        here = Path(folder)
        subprocess.run([interpreter, "-m", "venv", here / "env"], check=True)
        python = here / "env" / "bin" / "python"
        pinned = ["--constraint", ROOT / "constraints.txt"]
        subprocess.run([python, "-m", "pip", "install", "-q", *pinned, wheel], check=True)
        (here / "work").mkdir()
        begun = time.perf_counter()
        subprocess.run([python, "-c", example()], cwd=here / "work", check=True)
        seconds = time.perf_counter() - begun
        subprocess.run(
            [here / "env" / "bin" / "nanochart", "doctor", "-q"], cwd=here / "work", check=True
        )
        return seconds


def main() -> None:
    """Try the only wheel and the only sdist of a folder."""
    folder = Path(sys.argv[1])
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    if found := strangers(wheel):
        raise SystemExit(f"{wheel} must hold the package alone; it has {', '.join(found[:5])}")
    with tarfile.open(sdist) as archive:
        n_files = len(archive.getnames())
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB")
    print(f"{sdist.name}: {sdist.stat().st_size / 1e6:.2f} MB in {n_files} files")
    for version, interpreter in interpreters().items():
        seconds = tried(interpreter, wheel)
        print(f"Python {version}: the example of the README ran in {seconds:.0f} s")


if __name__ == "__main__":
    main()
