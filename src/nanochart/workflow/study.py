"""A run and what can be done with it as one object, for scripts and notebooks."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from nanochart.config import (
    BiasConfig,
    RunConfig,
    load_bias_config,
    load_config,
    rdf_config,
    training_config,
)
from nanochart.progress import Progress, silent
from nanochart.shown import counted
from nanochart.store import Run
from nanochart.workflow.anchor.partition import AnchorConfig
from nanochart.workflow.anchor.run import anchor_ladder, anchor_run
from nanochart.workflow.bias.run import bias_run
from nanochart.workflow.chart import chart_run, check_model
from nanochart.workflow.explore import explore_run, explorer_path
from nanochart.workflow.families import families_config, families_run
from nanochart.workflow.fes.run import fes_run
from nanochart.workflow.label import label_run
from nanochart.workflow.models import analysed_run, default_model, trained_model
from nanochart.workflow.quench import quench_run, quench_settings
from nanochart.workflow.report import report_run
from nanochart.workflow.sample import sample as sample_run
from nanochart.workflow.system import run_config
from nanochart.workflow.thermo import thermo_run
from nanochart.workflow.train import train_run

if TYPE_CHECKING:
    from nanochart.autoencoder import Model
    from nanochart.free_energy import FreeEnergies
    from nanochart.landscape import Families
    from nanochart.tempering import Thermodynamics
    from nanochart.workflow.anchor.result import Anchored

__all__ = ["Study"]

#: Stage -> what a run is called that has it.
_DONE = {"quench": "quenched", "label": "labelled", "chart": "charted", "families": "in families"}


class Study:
    """A run, and each stage as a method with the settings of the command of its name.

    Stages that change the run return the study, so that they can follow each other; those that
    compute something return it.

    Parameters
    ----------
    path
        Folder of the run. It is opened for writing where it can be.
    progress
        Function that all stages tell how far they are.

    Attributes
    ----------
    run
        The `nanochart.store.Run`: `run.frames()` for arrays, `run.to_xarray()` for a dataset.

    Raises
    ------
    StoreError
        If there is no run.

    Examples
    --------
    >>> import nanochart as nc
    >>> study = nc.sample("au38.yaml")  # doctest: +SKIP
    >>> study.quench().label()  # doctest: +SKIP
    >>> study.train()  # doctest: +SKIP
    >>> study.chart().families()  # doctest: +SKIP
    >>> study.report()  # doctest: +SKIP
    """

    def __init__(self, path: str | Path, *, progress: Progress = silent) -> None:
        self.run: Run = analysed_run(path)
        self.progress = progress

    @classmethod
    def sample(
        cls,
        config: str | Path | Mapping[str, Any] | RunConfig,
        path: str | Path | None = None,
        *,
        resume: bool = False,
        executor: Executor | None = None,
        progress: Progress = silent,
    ) -> Self:
        """Sample a cluster by parallel tempering: `nanochart sample`.

        Parameters
        ----------
        config
            YAML file, its content, or settings.
        path
            Folder of the run; by default that of the YAML file, as ``au38.zarr``.
        resume
            Go on with the run that is there.
        executor
            Executor that replicas run on; None is one thread for each core.
        progress
            Function that is called after every frame, and of all stages after.

        Raises
        ------
        ValueError
            If neither the path nor a file is named.
        """
        if path is None:
            if not isinstance(config, str | Path):
                raise ValueError("a run needs the path of its folder, as 'au38.zarr'; got none")
            path = Path(config).with_suffix(".zarr")
        settings = _settings(config, must_exist=not resume)
        sample_run(settings, path, resume=resume, executor=executor, progress=progress)
        return cls(path, progress=progress)

    @property
    def path(self) -> Path:
        """Folder of the run."""
        return self.run.path

    @property
    def model(self) -> "Model":
        """The model that the run was last trained with.

        Raises
        ------
        ModelError
            If there is none.
        """
        from nanochart.autoencoder import load

        return load(trained_model(self.run))

    def quench(self, *, again: bool = False, **settings: Any) -> Self:
        """Relax every frame to its inherent structure: `nanochart quench`.

        Settings are those of `nanochart.config.QuenchConfig`, as ``max_force``.
        """
        chosen = quench_settings(self.run, settings, again=again)
        quench_run(self.run, chosen, again=again, progress=self.progress)
        return self

    def label(self, *, again: bool = False) -> Self:
        """Name the motif of every inherent structure: `nanochart label`."""
        label_run(self.run, again=again, progress=self.progress)
        return self

    def train(
        self, path: str | Path | None = None, *, resume: bool = False, **settings: Any
    ) -> "Model":
        """Learn the chart: `nanochart train`.

        Parameters
        ----------
        path
            File of the model; by default beside the run, as ``au38.nanochart``.
        resume
            Continue a training that was stopped.
        **settings
            Of `nanochart.autoencoder.TrainingConfig`, as ``epochs``; what is left out is as the run
            was sampled with.
        """
        own = run_config(self.run)
        return train_run(
            self.run,
            path or default_model(self.run.path),
            training_config(own.training if own else None, settings),
            rdf_config(own.rdf if own else None, {}),
            resume=resume,
            progress=self.progress,
        )

    def chart(self, model: "Model | None" = None) -> Self:
        """Place every frame in the chart of a model, by default its own: `nanochart chart`."""
        chosen = self.model if model is None else model
        check_model(self.run, chosen)
        chart_run(self.run, chosen, progress=self.progress)
        return self

    def families(self, model: "Model | None" = None, **settings: Any) -> "Families":
        """Split the motifs into families: `nanochart families`.

        Settings are those of `nanochart.landscape.FamiliesConfig`, as ``size``.
        """
        seed = {"seed": self.run.metadata.seed or 0}
        config = families_config({**seed, **settings})
        chosen = self.model if model is None else model
        return families_run(self.run, config, model=chosen, progress=self.progress)

    def thermo(self, **options: Any) -> "Thermodynamics":
        """Heat capacity, melting and populations: `nanochart thermo`, options of `thermo_run`."""
        return thermo_run(self.run, progress=self.progress, **options)

    def anchor(
        self,
        motifs: Sequence[str] | None = None,
        *,
        coldest: float = 20.0,
        hottest: float | None = None,
        at: Sequence[float] = (),
        time_per_replica: float = 10.0,
        folder: str | Path | None = None,
        seed: int | None = None,
    ) -> "Anchored | None":
        """Free energies of motifs, anchored in harmonic minima: `nanochart anchor`.

        Parameters
        ----------
        motifs
            None is all that occur but amorphous ones.
        coldest, hottest
            Ends of the ladders in K; None goes up to where minima of the run last.
        at
            Temperatures in K that are to be rungs.
        time_per_replica
            Stored time of each replica in ns.
        folder
            Of the ladders; by default beside the run, as ``au38-anchor``.
        seed
            By default that of the run.
        """
        ladder = anchor_ladder(self.run, coldest, hottest, at)
        own = self.run.metadata.seed or 0
        config = AnchorConfig(ladder, time_per_replica, seed=own if seed is None else seed)
        where = folder or self.path.with_name(f"{self.path.stem}-anchor")
        return anchor_run(self.run, where, config, motifs=motifs, progress=self.progress)

    def bias(
        self,
        config: str | Path | Mapping[str, Any] | BiasConfig,
        path: str | Path,
        *,
        resume: bool = False,
        executor: Executor | None = None,
    ) -> "Study":
        """Simulate under a bias along the chart of this run: `nanochart bias`.

        Parameters
        ----------
        config
            YAML file, its content, or settings; of a content without ``run`` this run is meant.
        path
            Folder of the biased run, whose study is returned.
        resume, executor
            As of `sample`.
        """
        settings = config
        if isinstance(config, Mapping):
            settings = load_bias_config({"run": str(self.path), **config})
        elif not isinstance(config, BiasConfig):
            settings = load_bias_config(config)
        assert isinstance(settings, BiasConfig)  # noqa: S101  for mypy
        bias_run(settings, path, resume=resume, executor=executor, progress=self.progress)
        return Study(path, progress=self.progress)

    def fes(self, **options: Any) -> "FreeEnergies":
        """Free energies over the chart: `nanochart fes`, options of `fes_run`."""
        return fes_run(self.run, progress=self.progress, **options)

    def report(self, path: str | Path | None = None, *, biased: Sequence["Study"] = ()) -> Path:
        """Write the report, by default beside the run as ``au38.html``: `nanochart report`."""
        file = trained_model(self.run)
        return report_run(
            self.run,
            path or self.path.with_suffix(".html"),
            self.model if file.exists() else None,
            biased=[study.run for study in biased],
            progress=self.progress,
        )

    def explore(self, path: str | Path | None = None) -> Path:
        """Write the page that links chart and structures: `nanochart explore`."""
        file = trained_model(self.run)
        target = Path(path) if path is not None else explorer_path(self.path)
        explore_run(self.run, target, self.model if file.exists() else None, progress=self.progress)
        return target

    def __repr__(self) -> str:
        """As "Study(au38.zarr: Au38, 9 replicas, 1000 frames, quenched, labelled)"."""
        facts, frames = self.run.metadata, self.run.frames()
        done = [word for stage, word in _DONE.items() if frames.has(stage)]
        cluster = f"{facts.element}{facts.n_atoms}"
        noun = "walker" if facts.kind == "biased" else "replica"
        what = [cluster, counted(facts.n_replicas, noun), counted(len(frames), "frame"), *done]
        return f"Study({self.path.name}: {', '.join(what)})"


def _settings(config: str | Path | Mapping[str, Any] | RunConfig, *, must_exist: bool) -> RunConfig:
    if isinstance(config, RunConfig):
        return config
    if isinstance(config, Mapping):
        return load_config(dict(config))
    return load_config(config, must_exist=must_exist)
