"""The plan that a biased run was resolved to, as it is stored with the run."""

from pathlib import Path
from typing import TYPE_CHECKING

from nanochart.biasing import BiasPlan
from nanochart.potentials import Potential
from nanochart.store import BIASED_MODEL, BIASED_PLAN, Run, model_of, pack, plan_of
from nanochart.workflow.bias.resolve import Resolved
from nanochart.workflow.bias.then import source_model
from nanochart.workflow.system import potential_at_hand

if TYPE_CHECKING:
    from nanochart.biasing import BiasedDynamics

__all__ = ["attachments_of", "dynamics_of", "model_of", "plan_of", "stored_model"]


def attachments_of(resolved: Resolved) -> dict[str, bytes]:
    """Files that keep a plan, for `nanochart.store.create`."""
    files = {BIASED_PLAN: pack(*resolved.plan.to_record()), **resolved.source_files}
    if resolved.model_file is not None:
        files[BIASED_MODEL] = resolved.model_file
    return files


def stored_model(run: Run) -> Path | None:
    """File of the model of a biased run's chart, in the run; None if it holds none."""
    return source_model(run) or run.attachment(BIASED_MODEL)


def dynamics_of(run: Run, plan: BiasPlan, potential: Potential | None = None) -> "BiasedDynamics":
    """The dynamics of a biased run, with compiled variables, from what is stored in it.

    ``potential`` is the one of the run, where it keeps its name alone.

    Raises
    ------
    ConfigError, StoreError
        If that is needed and not given, or is another.
    """
    used = potential_at_hand(run, potential, plan.starts[0])
    return plan.compiled(used, model_of(run, plan))
