"""What a biased run was resolved to, as it is stored with the run."""

from typing import TYPE_CHECKING, Final

from nanochart.errors import StoreError
from nanochart.store.attachments import unpack
from nanochart.store.run import Run

if TYPE_CHECKING:
    from nanochart.autoencoder import Model
    from nanochart.biasing import BiasPlan

__all__ = ["BIASED_MODEL", "BIASED_PLAN", "model_of", "plan_of"]

#: Attachments of a biased run.
BIASED_PLAN: Final = "plan.npz"
BIASED_MODEL: Final = "chart.nanochart"


def plan_of(run: Run) -> "BiasPlan":
    """The plan of a biased run.

    Raises
    ------
    StoreError
        If the run is not biased, was made before plans were stored, or the plan is damaged.
    """
    from nanochart.biasing import BiasPlan

    if run.metadata.kind != "biased":
        raise StoreError(
            f"{run.path} is no biased run: make one with `nanochart bias CONFIG`; populations of a "
            "sampled run are those of `nanochart thermo`"
        )
    path = run.attachment(BIASED_PLAN)
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


def model_of(run: Run, plan: "BiasPlan") -> "Model | None":
    """The model of a plan's variables, from the copy in the run; None where none needs one.

    Raises
    ------
    StoreError
        If the copy is missing or damaged.
    """
    from nanochart.autoencoder import load

    if not plan.needs_model:
        return None
    path = run.attachment(BIASED_MODEL)
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
