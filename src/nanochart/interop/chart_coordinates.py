"""Chart coordinates of ASE's Atoms."""

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from nanochart.interop.atoms import from_atoms

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["ChartCoordinates"]

Floats = NDArray[np.float64]

#: Frames that are encoded together, which bounds the memory of a long trajectory.
_BLOCK = 1_000


class ChartCoordinates:
    """Where clusters of ASE lie in the chart of a model.

    Parameters
    ----------
    model
        Model, or its file.

    Examples
    --------
    >>> s = nc.interop.ChartCoordinates("au147.nanochart")       # doctest: +SKIP
    >>> s(atoms).shape, s(Trajectory("md.traj")).shape           # doctest: +SKIP
    ((3,), (500, 3))
    """

    def __init__(self, model: "Model | str | PathLike[str]") -> None:
        from nanochart.autoencoder import Model, load

        self.model = model if isinstance(model, Model) else load(model)

    def __repr__(self) -> str:
        return f"ChartCoordinates({self.model.bottleneck} of {self.model.clusters})"

    def __call__(self, atoms: Atoms | Iterable[Atoms]) -> Floats:
        """Coordinates (d,) of one cluster, (frame, d) of several, as of a trajectory.

        Configurations are taken as they are, thermal or quenched as the model was trained. Of a
        chart of several metals each cluster's own is used.

        Raises
        ------
        ModelError
            If the model does not chart a cluster's metal or size.
        ValueError
            If a cluster is periodic, of several metals, in pieces, or off the grid of the RDF.
        """
        if isinstance(atoms, Atoms):
            one: Floats = self._encoded([atoms])[0]
            return one
        found, block = [np.empty((0, self.model.bottleneck))], []
        for cluster in atoms:
            block.append(cluster)
            if len(block) == _BLOCK:
                found.append(self._encoded(block))
                block = []
        return np.concatenate([*found, self._encoded(block)])

    def _encoded(self, block: list[Atoms]) -> Floats:
        found = np.empty((len(block), self.model.bottleneck))
        kinds = [atoms.symbols[0] if len(atoms) else "" for atoms in block]
        for symbol in sorted(set(kinds)):
            here = [k for k, kind in enumerate(kinds) if kind == symbol]
            frames = [from_atoms(block[k]) for k in here]
            sizes = {len(x) for x in frames}
            if len(sizes) > 1:  # the model says which of them it does not know
                frames = [x for x in frames if len(x) != self.model.n_atoms][:1]
            found[here] = self.model.encode(np.stack(frames), symbol)
        return found
