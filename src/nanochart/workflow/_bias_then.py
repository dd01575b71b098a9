"""The source of a biased run as it was when that was begun."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from nanochart.biasing import BiasPlan
from nanochart.errors import StoreError
from nanochart.store import Run
from nanochart.store import open as open_run
from nanochart.workflow._bias_source import states_fingerprint

__all__ = ["SourceThen"]


@dataclass(frozen=True, eq=False)
class SourceThen:
    """The frames that the source had, with the families and motifs that they had.

    Attributes
    ----------
    run
        The source.
    frames
        How many it had.
    """

    run: Run
    frames: int

    @classmethod
    def of(cls, biased: Run, plan: BiasPlan) -> Self:
        """The source of a biased run: where it was, or beside that run.

        Raises
        ------
        StoreError
            If it is not there, or its chart, families or motifs are others by now.
        """
        there = Path(str(biased.metadata.config.get("run", "")))
        path = there if there.exists() else biased.path.with_name(plan.origin.run)
        if not path.exists():
            raise StoreError(
                f"states of {biased.path} are told from its source, but {there} is not there and "
                f"no {plan.origin.run} lies beside it: put it back, or take --by motif, for which "
                "a frame is told by its own minimum"
            )
        run = open_run(path)
        then, now = biased.metadata.provenance.get("model"), run.info("chart").get("model")
        if then != now:
            raise StoreError(
                f"{biased.path} was biased along the chart of the model {then}, and {path} "
                f"has the chart of {now} by now: families of one have no place in the other; chart "
                "it with that model again (`nanochart chart`), or bias anew"
            )
        frames = plan.origin.frames
        if run.committed() < frames or states_fingerprint(run, frames) != plan.origin.states:
            raise StoreError(
                f"the families or motifs of {path} are no longer those that it had when "
                f"{biased.path} was begun: take --by motif, for which a frame is told by its own "
                "minimum, find the former families again (`nanochart families`), or bias anew"
            )
        return cls(run, frames)

    def committed(self, stage: str = "frames") -> int:
        """As `Run.committed`, of the frames that there were."""
        return min(self.run.committed(stage), self.frames)

    @property
    def path(self) -> Path:
        """Of the source."""
        return self.run.path

    def info(self, stage: str) -> dict[str, Any]:
        """As `Run.info`."""
        return self.run.info(stage)

    def to_xarray(self) -> Any:
        """As `Run.to_xarray`, of the frames that there were."""
        return self.run.to_xarray().isel(frame=slice(0, self.frames))
