"""Training: Adam on the mean squared error, best validation epoch kept, resumable."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from nanochart.autoencoder.architectures.network import Network, build_network, initialize_weights
from nanochart.autoencoder.canonical import canonical_frame, fold_frame
from nanochart.autoencoder.config import TrainingConfig
from nanochart.autoencoder.data import TrainingData, check_data, scale_data
from nanochart.autoencoder.history import History, Progress
from nanochart.autoencoder.isometry import strain
from nanochart.autoencoder.metrics import explained_variance
from nanochart.autoencoder.model import Model
from nanochart.autoencoder.model_file import fill_network, network_arrays
from nanochart.autoencoder.scaling import fit_scaling
from nanochart.autoencoder.threads import torch_threads
from nanochart.autoencoder.training_state import TrainingState, load_state, save_state
from nanochart.descriptors import RDF
from nanochart.errors import ConvergenceError

__all__ = ["train"]

# Samples per pass where no gradient is needed.
_BATCH = 1024

# An epoch whose mean loss exceeds the best one by this factor is not going to come back.
_DIVERGED = 100.0


def train(
    inputs: ArrayLike,
    targets: ArrayLike | None,
    split: ArrayLike,
    config: TrainingConfig | None = None,
    *,
    rdf: RDF,
    element: str,
    n_atoms: int,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    threads: int | None = None,
    provenance: dict[str, Any] | None = None,
    weights: ArrayLike | None = None,
    lengths: dict[str, float] | None = None,
) -> tuple[Model, History]:
    """Train an autoencoder and put its latent space into the canonical frame.

    Minimizes <w |y - f(x)|²> / bin over the training part, with x and y the scaled RDFs
    (``TrainingConfig.scaling``) and w the weights of the samples (1 if none are given), and returns
    the network of the epoch with the lowest validation loss. Deterministic: the same data, seed,
    machine and number of threads give the same network bit for bit, also when the training was
    interrupted and resumed. PyTorch's global random state and thread count are left as they were.

    Parameters
    ----------
    inputs
        RDFs g (sample, bin) in 1/Å that the model will be given: thermal ones for the target
        "inherent", quenched ones for "self".
    targets
        RDFs (sample, bin) to reproduce: quenched ones for the target "inherent"; None, or the
        inputs, for "self".
    split
        Part of each sample (sample,): 0 train, 1 validation, 2 test, -1 unused; see
        ``split_blocks``.
    config
        Settings of the training; None is the recipe of ``compact``.
    rdf
        The RDF that made the inputs; saved with the model.
    element, n_atoms
        Metal and number of atoms of the cluster; saved with the model.
    progress
        Function that is called after every epoch with its ``Progress``.
    checkpoint
        File to write the state to after every epoch.
    resume
        Continue from ``checkpoint`` if the file exists; else start afresh and overwrite it.
    threads
        PyTorch threads. None takes the checkpoint's when resuming, else that of the environment
        (``OMP_NUM_THREADS``), else 1: the layers are small, and threads that wait for each other
        at every one of them stand still where the cores are busy with something else.
    provenance
        Anything JSON can hold that says where the data came from; saved with the model.
    weights
        Weight of each sample (sample,) in the losses, relative to the mean of its part; None weighs
        all alike.
    lengths
        Nearest-neighbour distance in Å of each metal in a chart of several, see ``Model``; the
        RDFs given are then those of positions scaled to ``element``.

    Returns
    -------
    model, history

    Raises
    ------
    ValueError
        If shapes do not match, values are not finite, or a part is empty.
    ModelError
        If the checkpoint is damaged or of another training.
    ConvergenceError
        If the loss becomes NaN or diverges.
    """
    config = config or TrainingConfig()
    if resume and checkpoint is None:
        raise ValueError("resume needs the checkpoint file to resume from; got checkpoint=None")
    if threads is not None and threads < 1:
        raise ValueError(f"the number of threads must be at least 1; got {threads}")
    try:
        json.dumps(provenance, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the provenance must be what JSON can hold, to be saved with the model; {error}"
        ) from error
    raw = check_data(inputs, targets, split, weights, target=config.target, n_bins=rdf.n_bins)

    network = build_network(config.architecture, rdf.n_bins, config.bottleneck)
    initialize_weights(network, np.random.default_rng(config.seed))
    samples = raw.parts["train"]
    fit_scaling(network, raw.inputs[samples], raw.targets[samples], config.scaling)
    data = scale_data(raw, network)
    state = TrainingState.start(network, config, threads or _default_threads())
    if resume and checkpoint is not None:
        load_state(state, checkpoint, config, raw.fingerprint)
        state.threads = threads or state.threads

    with torch_threads(state.threads):
        stopped = _reason_to_stop(state, config)
        while stopped is None:
            curve = _run_epoch(state, data, config)
            if checkpoint is not None:
                save_state(state, checkpoint, config, raw.fingerprint)
            if progress is not None:
                progress(curve)
            stopped = _reason_to_stop(state, config)
        best, history = _finished(state, data, stopped)
    model = Model(
        network=best,
        config=config,
        rdf=rdf,
        element=element,
        n_atoms=n_atoms,
        history=history,
        provenance=dict(provenance or {}),
        lengths=dict(lengths or {}),
    )
    return model, history


def _default_threads() -> int:
    return torch.get_num_threads() if "OMP_NUM_THREADS" in os.environ else 1


def _reason_to_stop(state: TrainingState, config: TrainingConfig) -> str | None:
    if state.epoch >= config.epochs:
        return "epochs"
    if state.epoch - state.best_epoch >= config.patience:
        return "patience"
    if config.max_seconds is not None and state.seconds >= config.max_seconds and state.epoch:
        return "time"
    return None


def _learning_rate(config: TrainingConfig, step: int, steps_per_epoch: int) -> float:
    """Learning rate of optimizer step ``step`` (from 0)."""
    if config.schedule == "halving":
        epoch = step // steps_per_epoch
        return config.learning_rate * 0.5 ** sum(epoch >= at for at in config.halving_epochs)
    share = (step + 1) / (steps_per_epoch * config.epochs)
    rise = min(1.0, share / 0.1)
    fall = 0.5 * (1.0 + np.cos(np.pi * max(0.0, (share - 0.1) / 0.9)))
    return float(config.learning_rate * rise * fall)


def _run_epoch(state: TrainingState, data: TrainingData, config: TrainingConfig) -> Progress:
    """One pass over the training part in place, then the validation part."""
    began = time.perf_counter()
    samples = data.raw.parts["train"]
    batch_size = config.samples_per_step(len(samples))
    n_batches = len(samples) // batch_size
    stream = np.random.SeedSequence(config.seed, spawn_key=(state.epoch,))
    order = samples[np.random.default_rng(stream).permutation(len(samples))]
    parameters: list[torch.Tensor] = list(state.network.parameters())
    averages: list[torch.Tensor] = list(state.average.parameters())
    rate = config.learning_rate
    state.network.train()
    total = 0.0
    for batch in torch.from_numpy(order[: n_batches * batch_size]).split(batch_size):
        rate = _learning_rate(config, state.steps, n_batches)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        latent = state.network.encoder(data.x[batch])
        reconstruction = loss = data.loss(state.network.decoder(latent), batch)
        if config.isometry:
            loss = reconstruction + config.isometry * strain(latent, data.y[batch])
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        state.optimizer.step()
        state.steps += 1
        total += reconstruction.item()
        if state.average is not state.network:
            # Young averages are shorter, or they would remember the random start.
            decay = min(config.averaging, (1 + state.steps) / (10 + state.steps))
            with torch.no_grad():
                torch._foreach_lerp_(averages, parameters, 1.0 - decay)
    train_loss = total / n_batches
    _refuse_divergence(train_loss, state, rate)
    if state.average is not state.network:
        for average, buffer in zip(state.average.buffers(), state.network.buffers(), strict=True):
            average.copy_(buffer)
    validation_loss, variance = _validate(state, data)
    curve = Progress(
        epoch=state.epoch + 1,
        n_epochs=config.epochs,
        train_loss=train_loss,
        validation_loss=validation_loss,
        explained_variance=variance,
        learning_rate=rate,
        seconds=state.seconds + time.perf_counter() - began,
    )
    state.curves.append(curve)
    return curve


def _refuse_divergence(train_loss: float, state: TrainingState, rate: float) -> None:
    lowest = min((curve.train_loss for curve in state.curves), default=np.inf)
    if np.isfinite(train_loss) and train_loss <= _DIVERGED * lowest:
        return
    raise ConvergenceError(
        f"the training diverged in epoch {state.epoch + 1}: the loss is {train_loss:.3g} at a "
        f"learning rate of {rate:.3g}: lower learning_rate (a tenth is a good start) or check the "
        "RDFs for outliers"
    )


def _validate(state: TrainingState, data: TrainingData) -> tuple[float, float]:
    """Loss and explained variance of the validation part; keep the weights if they are the best."""
    samples = data.raw.parts["validation"]
    scaled = _applied(state.average, data.x, samples)
    errors = ((scaled - data.y.numpy()[samples]) ** 2).mean(axis=1, dtype=np.float64)
    weights = data.raw.weights
    loss = float((errors if weights is None else weights[samples] * errors).mean())
    if loss < state.best_loss:
        state.best, state.best_loss = network_arrays(state.average), loss
        state.best_epoch = state.epoch + 1
    targets = data.raw.targets
    reconstructed = _unscaled(state.average, scaled)
    reference = targets[data.raw.parts["train"]]
    return loss, explained_variance(targets[samples], reconstructed, reference)


def _unscaled(network: Network, scaled: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reconstruction in 1/Å."""
    g: NDArray[np.float32] = scaled * network.target_scale.numpy() + network.target_shift.numpy()
    return g


def _applied(
    network: torch.nn.Module, values: torch.Tensor, samples: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Apply a network to some samples, without gradients."""
    network.eval()
    with torch.no_grad():
        chunks = [network(values[part]) for part in torch.from_numpy(samples).split(_BATCH)]
    outputs: NDArray[np.float32] = torch.cat(chunks).numpy()
    return outputs


def _finished(state: TrainingState, data: TrainingData, stopped: str) -> tuple[Network, History]:
    """Put the best network into its canonical frame, and say what it explains."""
    network = state.average
    fill_network(network, state.best, "the best epoch")
    samples = data.raw.parts["train"]
    latent = _applied(network.encoder, data.x, samples).astype(np.float64)
    frame = canonical_frame(latent, data.raw.targets[samples])
    fold_frame(network, frame)

    explained = {}
    for name, part in data.raw.parts.items():
        reconstructed = _unscaled(network, _applied(network, data.x, part))
        explained[name] = explained_variance(
            data.raw.targets[part], reconstructed, data.raw.targets[samples]
        )
    history = History(
        curves=tuple(state.curves),
        best_epoch=state.best_epoch,
        stopped=stopped,
        explained_variance=explained,
        axis_contributions=tuple(float(share) for share in frame.contributions),
    )
    return network, history
