"""The whole pipeline on Au147, sized for a laptop."""

import importlib.util
import json
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from nanochart import autoencoder, store
from nanochart.config import PRESETS, BiasConfig, OPESSection, RunConfig, load_config
from nanochart.files import write_text
from nanochart.progress import Progress, silent
from nanochart.workflow.bias.run import bias_run
from nanochart.workflow.chart import chart_run
from nanochart.workflow.explore import explore_run
from nanochart.workflow.families import families_run
from nanochart.workflow.label import label_run, motif_counts
from nanochart.workflow.quench import quench_run
from nanochart.workflow.report import reference_energies, report_run
from nanochart.workflow.sample import sample
from nanochart.workflow.train import train_run

__all__ = ["DEMO", "DemoResult", "run_demo"]

#: The published ladder of Au147, with a frame every 2 ps: 36 ns and 18,000 frames in all.
DEMO = load_config(
    {
        "system": {"metal": "Au", "n_atoms": 147},
        "tempering": {
            "temperatures": list(PRESETS["au147"].temperatures),
            "swap_interval": 2.0,
            "discard": 0.02,
            "time_per_replica": 1.5,
        },
        "seed": 1,
    }
)


@dataclass(frozen=True)
class DemoResult:
    """What the demo found.

    ``frames`` in all; ``motifs``, how many of each; ``families``, their names; ``lowest_energy``
    (eV) among the inherent structures and ``reference_energies`` (eV) of the built motifs;
    ``explained_variance`` of the inherent RDF from the thermal one per part of the data; ``report``
    and ``explorer``, files, the latter None where chemiscope is not installed; ``seconds`` of wall
    time.
    """

    frames: int
    motifs: dict[str, int]
    families: tuple[str, ...]
    lowest_energy: float
    reference_energies: dict[str, float]
    explained_variance: dict[str, float]
    report: Path
    explorer: Path | None
    seconds: float


def run_demo(
    output: str | Path,
    config: RunConfig = DEMO,
    *,
    executor: Executor | None = None,
    progress: Progress = silent,
) -> DemoResult:
    """Sample, quench, label, train, chart, bias, report; goes on where it was stopped.

    Parameters
    ----------
    output
        Folder for ``run.zarr``, ``chart.nanochart``, ``biased.zarr``, ``report.html`` and
        ``explorer.html``.
    config
        What to sample and learn.
    executor
        Executor that replicas and frames run on; None is one thread for each core.
    progress
        Function that is called after every piece of work with how far the work is.
    """
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    path, model_path = folder / "run.zarr", folder / "chart.nanochart"
    clock = _Clock(folder / "seconds.json")
    sample(config, path, resume=path.exists(), executor=executor, progress=progress)
    clock.lap("sample")
    run = store.open(path, mode="a")
    quench_run(run, config.quench, executor=executor, progress=progress)
    clock.lap("quench")
    label_run(run, executor=executor, progress=progress)
    clock.lap("label")
    model = autoencoder.load(model_path) if model_path.exists() else None
    if model is None or run.info("train").get("fingerprint") != model.fingerprint:
        model = train_run(
            run, model_path, config.training, config.rdf, resume=True, progress=progress
        )
    clock.lap("train")
    chart_run(run, model, progress=progress)
    clock.lap("chart")
    families = families_run(run, model=model, progress=progress)
    clock.lap("families")
    biased = bias_run(
        _bias_config(path, model_path),
        folder / "biased.zarr",
        resume=(folder / "biased.zarr").exists(),
        executor=executor,
        progress=progress,
    )
    clock.lap("bias")
    seconds = clock.total
    report = report_run(
        run,
        folder / "report.html",
        model,
        biased=[biased],
        wall_time=seconds,
        progress=progress,
    )
    clock.lap("report")
    explorer = None
    if importlib.util.find_spec("chemiscope") is not None:
        explorer = explore_run(run, folder / "explorer.html", model, progress=progress).path
    clock.lap("explore")
    energies = run.frames().inherent.energies
    return DemoResult(
        frames=int(energies.size),
        motifs=motif_counts(run),
        families=tuple(name for name in families.names if name != "noise"),
        lowest_energy=float(energies.min()),
        reference_energies=reference_energies(config.system.metal, config.system.n_atoms),
        explained_variance=dict(model.history.explained_variance),
        report=report,
        explorer=explorer,
        seconds=clock.total,
    )


def _bias_config(run: Path, model: Path) -> BiasConfig:
    """A short run by OPES along two coordinates of the chart, below melting."""
    return BiasConfig(
        run=str(run.absolute()),
        model=str(model.absolute()),
        temperature=450.0,
        variables=("s1", "s2"),
        opes=OPESSection(barrier=0.8),
        walkers=4,
        time=0.6,
        pace=1.0,
    )


class _Clock:
    """Wall time per stage, summed over the calls that it took."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.laps: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
        self.last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = self.laps.get(stage, 0.0) + now - self.last
        self.last = now
        write_text(self.path, json.dumps({k: round(v, 2) for k, v in self.laps.items()}))

    @property
    def total(self) -> float:
        return sum(self.laps.values())
