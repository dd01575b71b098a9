"""A trained chart: from positions or RDFs to latent coordinates and back."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from nanochart.autoencoder.architectures.network import Network
from nanochart.autoencoder.architectures.registry import network_module
from nanochart.autoencoder.chart_module import ChartModule
from nanochart.autoencoder.config import TrainingConfig
from nanochart.autoencoder.history import History
from nanochart.autoencoder.model_file import Header, read_model, write_model
from nanochart.autoencoder.threads import torch_threads
from nanochart.descriptors import RDF
from nanochart.errors import ModelError
from nanochart.parallel import chunks, map_in_order
from nanochart.shown import short_repr

__all__ = ["Model", "load"]

# Frames per pass through the network; bounds the memory of the intermediate layers.
_BATCH = 512


@short_repr
@dataclass(frozen=True, eq=False)
class Model:
    """A trained autoencoder with all that is needed to encode positions.

    s = encoder(g(x)) with g the RDF of positions x, and g' = decoder(s). The latent s is in the
    canonical frame of the training part: mean 0, variance 1, axes by descending share of the
    target's variance. Everything is evaluated in double precision, so a result does not depend on
    the batch it came in but for rounding (1e-14).

    Attributes
    ----------
    network
        The PyTorch module (float64, evaluation mode).
    config
        Settings that the model was trained with.
    rdf
        Settings of the RDF that the network reads.
    element, n_atoms
        Metal and number of atoms that the model was trained on; of several metals the one whose
        lengths the RDF has.
    history
        Learning curves and explained variance.
    provenance
        Where the data came from, as given to ``train``.
    lengths
        Nearest-neighbour distance in Å of each metal, for a chart of several; empty for one of
        ``element`` alone. Positions of the metal X are multiplied by
        ``lengths[element] / lengths[X]`` before anything else, so clusters that differ by that
        scale alone are one point of the chart.
    """

    network: Network
    config: TrainingConfig
    rdf: RDF
    element: str
    n_atoms: int
    history: History = field(default_factory=History)
    provenance: dict[str, Any] = field(default_factory=dict)
    lengths: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        architecture = self.config.architecture
        if not isinstance(self.network.encoder, network_module(architecture).Encoder):
            raise ModelError(
                f"the network of the model must have the architecture of its configuration, "
                f"{architecture}; got another: build it with build_network({architecture!r}, ...)"
            )
        n_bins = len(self.network.input_shift)
        if self.rdf.n_bins != n_bins:
            raise ModelError(
                f"the RDF of the model must have the {n_bins} bins of its network; "
                f"got {self.rdf.n_bins}: use the RDF that the training data were made with"
            )
        known = self.element in self.lengths or not self.lengths
        if not known or not all(0.0 < length < np.inf for length in self.lengths.values()):
            raise ModelError(
                "the lengths of a chart of several metals must be positive and include that of "
                f"{self.element}; got {self.lengths}"
            )
        self.network.double().eval().requires_grad_(False)

    @property
    def n_bins(self) -> int:
        """Number of bins of the RDF."""
        return len(self.network.input_shift)

    @property
    def bottleneck(self) -> int:
        """Number of latent dimensions d."""
        return self.config.bottleneck

    @property
    def elements(self) -> tuple[str, ...]:
        """Metals that the model charts, ``element`` first."""
        return (self.element, *(other for other in self.lengths if other != self.element))

    @property
    def clusters(self) -> str:
        """Clusters that the model charts, in words: "Au147", or "Au147, Ag147 and Cu147"."""
        names = [f"{element}{self.n_atoms}" for element in self.elements]
        return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)

    @property
    def fingerprint(self) -> str:
        """Hash of the encoder: charts of models that differ in it cannot be laid on each other."""
        settings = (sorted(self.rdf.to_dict().items()), sorted(self.lengths.items()))
        digest = hashlib.sha256(repr(settings).encode())
        for name, tensor in self.network.state_dict().items():
            if name.startswith(("encoder", "input")):
                digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()[:16]

    def scale(self, element: str | None = None) -> float:
        """Factor that positions of a metal are multiplied by; 1 for the model's own ``element``.

        Parameters
        ----------
        element
            Chemical symbol; None is ``self.element``.

        Raises
        ------
        ModelError
            If the model does not chart that metal.
        """
        if element is None or element == self.element:
            return 1.0
        if element not in self.lengths:
            raise ModelError(
                f"the model charts {self.clusters}; got {element}: "
                "train one on runs of both metals, or on this one alone"
            )
        return self.lengths[self.element] / self.lengths[element]

    @property
    def n_parameters(self) -> int:
        """Number of weights of encoder and decoder; the scaling is not counted."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def target(self) -> str:
        """What the model reconstructs: "inherent" (thermal RDF in, quenched out) or "self"."""
        return self.config.target

    def density(self, positions: ArrayLike, element: str | None = None) -> NDArray[np.float64]:
        """RDFs (..., bin) in 1/Å of positions, in the lengths of the model's own metal.

        Parameters
        ----------
        positions
            Positions (..., atom, 3) in Å.
        element
            Metal of the positions; None is the model's own.

        Raises
        ------
        ModelError, ValueError
            As ``encode``.
        """
        densities: NDArray[np.float64] = self.rdf(self._scaled(positions, element))
        return densities

    def encode(self, positions: ArrayLike, element: str | None = None) -> NDArray[np.float64]:
        """Latent coordinates of configurations.

        Parameters
        ----------
        positions
            Positions (..., atom, 3) in Å, thermal or quenched as the model was trained.
        element
            Metal of the positions; None is the model's ``element``. Positions do not say what they
            are made of, so a chart of several metals must be told of every other one.

        Returns
        -------
        array (..., d)

        Raises
        ------
        ModelError
            If the model does not chart this metal or this number of atoms.
        ValueError
            If positions are not finite or a distance is off the RDF's grid.
        """
        return self.encode_rdf(self.density(positions, element))

    def encode_with_jacobian(
        self, positions: ArrayLike, element: str | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latent coordinates and their derivatives with respect to the positions.

        ds_k/dx = c sum_b (ds_k/dg_b) (dg_b/d(c x)), c the ``scale`` of the metal: the network by
        reverse differentiation, the RDF by its vector-Jacobian product.

        Parameters
        ----------
        positions
            Positions (..., atom, 3) in Å.
        element
            Metal of the positions, as for ``encode``.

        Returns
        -------
        s
            Latent coordinates (..., d).
        ds_dx
            Derivatives (..., d, atom, 3) in 1/Å of the given positions.

        Raises
        ------
        ModelError, ValueError
            As ``encode``.
        """
        scale, x = self.scale(element), self._scaled(positions, element)
        frames = x.reshape(-1, self.n_atoms, 3)
        densities = self.rdf(frames)
        latent = np.empty((len(frames), self.bottleneck))
        jacobian = np.empty((len(frames), self.bottleneck, self.n_atoms, 3))
        for part in chunks(len(frames), _BATCH):
            with torch_threads(1):
                g = torch.tensor(densities[part], requires_grad=True)
                s = self.network.encode(g)
                latent[part] = s.detach().numpy()
                # Samples do not see each other, so the gradient of the sum is each one's own.
                slopes = [
                    torch.autograd.grad(s[:, k].sum(), g, retain_graph=True)[0].numpy()
                    for k in range(self.bottleneck)
                ]
            for k, slope in enumerate(slopes):
                jacobian[part, k] = scale * self.rdf.vjp(frames[part], slope)
        batch = x.shape[:-2]
        return (
            latent.reshape(*batch, self.bottleneck),
            jacobian.reshape(*batch, self.bottleneck, self.n_atoms, 3),
        )

    def encode_rdf(self, g: ArrayLike) -> NDArray[np.float64]:
        """Latent coordinates (..., d) of RDFs (..., bin) in 1/Å."""
        rows = _checked_rows(g, self.n_bins, "RDFs")
        return _by_parts(self.network.encode, rows, self.bottleneck)

    def decode(self, s: ArrayLike) -> NDArray[np.float64]:
        """Reconstructed RDFs (..., bin) in 1/Å of latent coordinates (..., d)."""
        rows = _checked_rows(s, self.bottleneck, "latent coordinates")
        return _by_parts(self.network.decode, rows, self.n_bins)

    def reconstruct_rdf(self, g: ArrayLike) -> NDArray[np.float64]:
        """``decode(encode_rdf(g))``: the target RDFs (..., bin) that the inputs lead to."""
        return self.decode(self.encode_rdf(g))

    def to_torch(
        self, element: str | None = None, dtype: torch.dtype = torch.float64
    ) -> ChartModule:
        """The encoder from positions on as a module of PyTorch alone, to be used or exported.

        It agrees with ``encode`` to 1e-6 in double precision; distances off the grid give NaN.

        Parameters
        ----------
        element
            Metal of the positions, as for ``encode``.
        dtype
            ``torch.float64`` or ``torch.float32``.

        Returns
        -------
        ChartModule
            Positions (..., atom, 3) in Å -> coordinates (..., d); the model is left as it is.

        Raises
        ------
        ModelError, TypeError
            If the model does not chart this metal, or the dtype is another.
        """
        return ChartModule(self.network, self.rdf, self.n_atoms, self.scale(element), dtype)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one safetensors file with a JSON header; see ``load``.

        Raises
        ------
        OSError
            If the file cannot be written; a file that was there before is intact.
        """
        header = Header(
            n_bins=self.n_bins,
            config=self.config,
            rdf=self.rdf.to_dict(),
            element=self.element,
            n_atoms=self.n_atoms,
            history=self.history,
            provenance=self.provenance,
            lengths=self.lengths,
        )
        write_model(path, self.network, header)

    def _scaled(self, positions: ArrayLike, element: str | None) -> NDArray[Any]:
        """Positions in lengths of the model's own metal."""
        scale = self.scale(element)
        x = np.asarray(positions)
        if x.ndim < 2 or x.shape[-2:] != (self.n_atoms, 3):
            raise ModelError(
                f"positions for this model of {self.clusters} must have the shape "
                f"(..., {self.n_atoms}, 3); got {x.shape}: use a model trained on that size"
            )
        return x if scale == 1.0 else scale * x


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model that ``Model.save`` wrote.

    The file holds numbers and text only; reading it runs no code from it.

    Parameters
    ----------
    path
        File of the model, such as "chart.nanochart".

    Returns
    -------
    Model
        The model, whose outputs equal those of the saved one bit for bit.

    Raises
    ------
    ModelError
        If the file is missing, foreign (a pickle, an archive), damaged, from a newer nanochart, or
        its arrays do not fit its header.
    """
    network, header, rdf = read_model(path)
    return Model(
        network=network,
        config=header.config,
        rdf=rdf,
        element=header.element,
        n_atoms=header.n_atoms,
        history=header.history,
        provenance=header.provenance,
        lengths=header.lengths,
    )


def _checked_rows(values: ArrayLike, size: int, what: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != size:
        raise ModelError(
            f"{what} given to this model must have {size} numbers on the last axis; got the "
            f"shape {array.shape}: use the settings that the model was trained with"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{what} given to a model must be finite; got NaN or infinity")
    return array


def _by_parts(
    function: Callable[[torch.Tensor], torch.Tensor], rows: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """Apply ``function`` (sample, size in) -> (sample, size out) to (..., size in).

    Parts of fixed sizes are shared among threads as all other work is. PyTorch's own would wait for
    each other on a busy machine.
    """
    flat = rows.reshape(-1, rows.shape[-1])

    def of(part: slice) -> NDArray[np.float64]:
        with torch.no_grad():  # each thread has its own
            found: NDArray[np.float64] = function(torch.tensor(flat[part])).numpy()
        return found

    with torch_threads(1):
        parts = list(map_in_order(of, chunks(len(flat), _BATCH)))
    result = np.concatenate(parts) if parts else np.empty((0, size))
    return result.reshape(*rows.shape[:-1], size)
