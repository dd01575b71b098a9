"""RDFs of frames that a training did not learn, beside what the model makes of them."""

import numpy as np
from numpy.typing import NDArray

from nanochart.autoencoder import TEST, TRAIN, VALIDATION, Model, Reconstruction
from nanochart.store import Frames, Run
from nanochart.workflow.results import kept

__all__ = ["held_out_reconstruction"]

_NAMES = {TRAIN: "train", VALIDATION: "validation", TEST: "test"}
#: Configurations that are shown.
_MOST = 400

Ints = NDArray[np.int64]


def held_out_reconstruction(run: Run, model: Model, *, seed: int = 0) -> Reconstruction | None:
    """Reconstruct RDFs of frames of a run that were not trained on.

    Frames of the test part are taken, of the validation part if there are none, and any if no split
    is known. What is found is kept with a run that is open for writing.

    Parameters
    ----------
    run
        Quenched, however far.
    model
        Trained on frames as its.
    seed
        Of the choice of frames.

    Returns
    -------
    Reconstruction or None
        None where no frame is quenched.
    """

    def key() -> dict[str, object]:
        stages = ("frames", "quench", "train")
        return {"made_of": run.fingerprint(*stages), "model": model.fingerprint, "seed": seed}

    if not run.committed("quench"):
        return None
    return kept(
        run, "reconstruction", key, (Reconstruction,), lambda: _computed(run, model, seed)
    )  # fmt: skip


def _computed(run: Run, model: Model, seed: int) -> Reconstruction | None:
    frames = run.frames().so_far
    usable = np.isfinite(frames.inherent.energies).ravel()
    split = frames.split.codes.ravel() if frames.has("train") else np.full(usable.shape, -1)
    if not usable.any():
        return None
    part = next((k for k in (TEST, VALIDATION) if (usable & (split == k)).any()), None)
    here = usable if part is None else usable & (split == part)
    chosen = _some(np.flatnonzero(here), seed)
    metal = run.metadata.element
    targets = model.density(frames.inherent.structures(chosen), metal)
    inputs = None
    if model.target == "inherent":
        inputs = model.density(frames.thermal.structures(chosen), metal)
    outputs = np.asarray(model.reconstruct_rdf(targets if inputs is None else inputs), np.float64)
    kelvin = frames.thermal.temperatures
    variance = None
    if part is not None:
        learned = _some(np.flatnonzero(usable & (split == TRAIN)), seed)
        variance = _variance(model, frames, learned, metal) if learned.size else None
    return Reconstruction(
        np.asarray(model.rdf.centers, np.float64), targets, outputs, inputs,
        np.empty(0) if kelvin is None else kelvin.ravel()[chosen],
        "all" if part is None else _NAMES[part], variance,
    )  # fmt: skip


def _variance(model: Model, frames: Frames, learned: Ints, metal: str) -> float:
    rdfs = model.density(frames.inherent.structures(learned), metal)
    return float(((rdfs - rdfs.mean(axis=0)) ** 2).sum(axis=1).mean())


def _some(candidates: Ints, seed: int) -> Ints:
    if len(candidates) <= _MOST:
        return candidates
    rng = np.random.default_rng(seed)
    return candidates[np.sort(rng.choice(len(candidates), _MOST, replace=False))]
