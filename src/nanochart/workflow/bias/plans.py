"""The plan that a biased run was resolved to, as it is stored with the run."""

from pathlib import Path
from typing import TYPE_CHECKING

from nanochart.autoencoder import load
from nanochart.biasing import BiasPlan
from nanochart.errors import StoreError
from nanochart.potentials import Potential
from nanochart.store import Run, pack, unpack
from nanochart.workflow.bias.resolve import Resolved
from nanochart.workflow.bias.then import source_model
from nanochart.workflow.system import potential_at_hand

if TYPE_CHECKING:
    from nanochart.autoencoder import Model
    from nanochart.biasing import BiasedDynamics

__all__ = ["attachments_of", "dynamics_of", "model_of", "plan_of", "stored_model"]

_PLAN, _MODEL = "plan.npz", "chart.nanochart"


def attachments_of(resolved: Resolved) -> dict[str, bytes]:
    """Files that keep a plan, for `nanochart.store.create`."""
    files = {_PLAN: pack(*resolved.plan.to_record()), **resolved.source_files}
    if resolved.model_file is not None:
        files[_MODEL] = resolved.model_file
    return files


def plan_of(run: Run) -> BiasPlan:
    """The plan of a biased run.

    Raises
    ------
    StoreError
        If the run is not biased, was made before plans were stored, or the plan is damaged.
    """
    if run.metadata.kind != "biased":
        raise StoreError(
            f"{run.path} is no biased run: make one with `nanochart bias CONFIG`; populations of a "
            "sampled run are those of `nanochart thermo`"
        )
    path = run.attachment(_PLAN)
    if path is None:
        raise StoreError(
            f"{run.path} holds no plan of its bias, because an older nanochart made it, so what it "
            "was biased by is not known for certain: its frames can be read, but to go on, or for "
            "free energies, bias anew with `nanochart bias CONFIG` into another folder"
        )
    try:
        return BiasPlan.from_record(*unpack(path))
    except (ValueError, KeyError) as error:
        raise StoreError(
            f"the plan {path} cannot be used ({error}): restore it from a copy of the run, or use "
            "the version of nanochart that made it (`nanochart info` names it)"
        ) from error


def stored_model(run: Run) -> Path | None:
    """File of the model of a biased run's chart, in the run; None if it holds none."""
    return source_model(run) or run.attachment(_MODEL)


def model_of(run: Run, plan: BiasPlan) -> "Model | None":
    """The model of a plan's variables, from the copy in the run; None where none needs one.

    Raises
    ------
    StoreError
        If the copy is missing or damaged.
    """
    if not plan.needs_model:
        return None
    path = run.attachment(_MODEL)
    if path is None:
        raise StoreError(
            f"{run.path} has lost the copy of the model {plan.model} that it is biased with: "
            "restore the folder from a copy"
        )
    model = load(path)
    if model.fingerprint != plan.model:
        raise StoreError(
            f"the model {path} must be the one of the plan, {plan.model}; got "
            f"{model.fingerprint}: restore it from a copy of the run"
        )
    return model


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
