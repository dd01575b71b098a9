"""The chart of a model as C++ source that needs no library: what other engines compile."""

from importlib.resources import files
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from nanochart.autoencoder import encoder_source
from nanochart.errors import ModelError

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["chart_source"]

#: Atoms beyond which the C++ would not count its pairs rightly, nor have the memory for them.
_MOST_ATOMS: Final = 30_000
#: Numbers in a line of the source.
_IN_A_LINE: Final = 6


def chart_source(model: "Model") -> str:
    """C++ source (C++11) of the chart of a model: RDF, encoder, and the gradient.

    It defines ``nanochart::Chart`` with ``evaluate(x, scale, s, gradient, distance)`` in an
    unnamed namespace, and, where ``NANOCHART_CORE_ONLY`` is defined, the C function
    ``nanochart_chart`` of the same arguments. It computes in double precision what the model does,
    the RDF by the same splines. The C++ of an encoder is the file ``encoder.cpp`` of its
    architecture, which finds the weights under their names in the network. Nothing that a model
    file says in words is in the source.

    Parameters
    ----------
    model
        Trained model.

    Raises
    ------
    ModelError
        If the RDF's bandwidth is too small for its bins, or the pairs of atoms are more than can
        be kept.
    """
    return "\n".join(
        [
            "#include <algorithm>\n#include <cmath>\n#include <cstddef>\n#include <vector>\n",
            "namespace nanochart {\nnamespace {\n",
            *_rdf(model),
            *(
                _array(name.replace(".", "_"), tensor.detach().cpu().numpy())
                for name, tensor in model.network.state_dict().items()
                # Of what the encoder has, and the scaling before it; a norm counts its batches.
                if name.startswith(("encoder.", "input_")) and tensor.is_floating_point()
            ),
            "",
            _part("layers.cpp"),
            encoder_source(model.config.architecture),
            _part("chart.cpp"),
        ]
    )


def _part(name: str) -> str:
    return files("nanochart.compiled_chart").joinpath(name).read_text("utf-8")


def _rdf(model: "Model") -> list[str]:
    """Sizes and tables of the RDF, as `nanochart.descriptors` has them."""
    grid = model.rdf.grid
    if model.n_atoms > _MOST_ATOMS:
        raise ModelError(
            f"a chart in C++ keeps all pairs of at most {_MOST_ATOMS:,} atoms; got a model of "
            f"{model.n_atoms:,}: train one of smaller clusters"
        )
    if grid.phases == 0:
        raise ModelError(
            f"the bandwidth of an RDF in C++ must be at least {3 / 16 * grid.width:.3g} Å for bins "
            f"of {grid.width:.3g} Å; got {grid.sigma:g}: train the model with a larger sigma or "
            "finer bins"
        )
    gaussian = grid.taps.T.ravel()
    cells = grid.n_bins * grid.phases + 1
    integers = {
        "n_atoms": model.n_atoms,
        "n_bins": grid.n_bins,
        "bottleneck": model.bottleneck,
        "phases": grid.phases,
        "origin": grid.origin,
        "n_gaussian": len(gaussian),
        "n_weights": max(grid.phases * grid.n_bins + len(gaussian), grid.origin + cells + 8),
    }
    lengths = {"r_min": grid.r_min, "r_max": grid.r_max, "spacing": grid.spacing}
    return [
        *(f"const int {name} = {int(value)};" for name, value in integers.items()),
        *(f"const double {name} = {float(value)!r};" for name, value in lengths.items()),
        _array("gaussian", gaussian),
        _array("spline", grid.spline),
        _array("slope", grid.slope),
    ]


def _array(name: str, values: ArrayLike) -> str:
    """An array, flat, in the fewest digits that give the same double."""
    numbers = [repr(value) for value in np.asarray(values, np.float64).ravel().tolist()]
    lines = (", ".join(numbers[k : k + _IN_A_LINE]) for k in range(0, len(numbers), _IN_A_LINE))
    return f"const double {name}[] = {{\n  " + ",\n  ".join(lines) + "};"
