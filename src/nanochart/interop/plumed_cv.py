"""The chart of a model as a collective variable of PLUMED: one C++ file, which PLUMED compiles."""

import os
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from nanochart import __version__
from nanochart.compiled_chart import chart_source
from nanochart.files import write_text

if TYPE_CHECKING:
    from nanochart.autoencoder import Model

__all__ = ["export_plumed_cv"]

#: What is to be known of each target, by lines.
_TARGETS = {
    "inherent": (
        "The network was trained to turn the distances of a thermal configuration into those of",
        "its inherent structure (target inherent), so s of a thermal configuration estimates where",
        "its inherent structure lies. No quench is done here, and the estimate has an error.",
    ),
    "self": (
        "The network was trained to reproduce the distances that it is given (target self), so s",
        "of a thermal configuration and of its inherent structure differ by the thermal motion.",
    ),
}


def export_plumed_cv(model: "Model", path: str | os.PathLike[str]) -> None:
    """Write the chart of a model as C++ source that PLUMED's ``LOAD FILE=`` compiles.

    The action is ``NANOCHART ATOMS=1-147`` with components ``s1``, ``s2``, ... and their
    derivatives; ``ELEMENT`` names the metal where the chart is of several, and ``NOPBC`` is as of
    every variable of PLUMED. The file holds RDF, encoder and weights, and needs PLUMED (2.8 or
    later) and a C++ compiler, but neither nanochart nor PyTorch.

    Parameters
    ----------
    model
        Trained model.
    path
        The file, whose name ends in ``.cpp``, by which PLUMED knows it; one of that name is
        replaced.

    Raises
    ------
    ValueError
        If the name does not end in ``.cpp``.
    ModelError
        As of `nanochart.compiled_chart.chart_source`.
    StoreError
        If the file cannot be written.
    """
    if Path(path).suffix != ".cpp":
        raise ValueError(
            f"the file of a chart for PLUMED must end in .cpp, by which PLUMED knows that it has "
            f"to compile it; got {Path(path).name}"
        )
    action = files("nanochart.interop").joinpath("plumed_cv.cpp").read_text("utf-8")
    write_text(path, "\n".join([_head(model), chart_source(model), _names(model), action]))


def _head(model: "Model") -> str:
    """What the file is and how it is used, as a comment."""
    rdf = model.rdf
    components = ",".join(f"chart.s{k + 1}" for k in range(model.bottleneck))
    several = f" ELEMENT={_word(model.elements[-1])}" if model.elements[1:] else ""
    lines = [
        f"The chart of {_clusters(model)} as a collective variable of PLUMED 2.8 or later,",
        f"written by nanochart {_word(__version__)}.",
        "",
        f"  model         {_word(model.fingerprint)} (fingerprint of the encoder)",
        f"  architecture  {_word(model.config.architecture)}, {model.bottleneck} coordinates",
        f"  atoms         {model.n_atoms} of one metal; no other number",
        f"  target        {_word(model.target)}",
        f"  distances     {rdf.r_min:g} to {rdf.r_max:g} angstrom (of {_word(model.element)}); a",
        "                pair of atoms beyond ends the simulation with a sentence",
        f"  RDF           {rdf.n_bins} bins, bandwidth {rdf.sigma:g} angstrom",
        "",
        *_TARGETS[model.target],
        "Structures unlike any that it was trained on have coordinates, too, which mean nothing.",
        "",
        "In the input of PLUMED, with this file's name for chart.cpp:",
        "",
        "  LOAD FILE=chart.cpp",
        f"  chart: NANOCHART ATOMS=1-{model.n_atoms}{several}",
        f"  PRINT ARG={components} FILE=COLVAR STRIDE=100",
        "",
        "ATOMS are the atoms of one whole cluster, in any order. Units of length are those of the",
        "input. Where there is a periodic box, the cluster is put together across its boundaries,",
        "for which it must be narrower than half of the box; NOPBC takes positions as they are.",
        "Inputs of two charts need two names of actions: change that of one below.",
    ]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines) + (
        '\n#ifndef NANOCHART_ACTION\n#define NANOCHART_ACTION "NANOCHART"\n#endif\n'
    )


def _names(model: "Model") -> str:
    """What the action says of the model."""
    texts = {
        "fingerprint": _word(model.fingerprint),
        "clusters": _clusters(model),
        "target": _word(model.target),
        "nanochart_version": _word(__version__),
    }
    metals = ", ".join(f'{{"{_word(e)}", {model.scale(e)!r}}}' for e in model.elements)
    return "\n".join(
        [
            "namespace nanochart {\nnamespace {\n",
            *(f'const char* const {name} = "{text}";' for name, text in texts.items()),
            "struct Metal {",
            "  const char* symbol;",
            "  double scale;  // that positions are multiplied by",
            "};",
            f"const Metal metals[] = {{{metals}}};",
            "\n}  // namespace\n}  // namespace nanochart\n",
        ]
    )


def _clusters(model: "Model") -> str:
    return " and ".join(f"{_word(element)}{model.n_atoms}" for element in model.elements)


def _word(text: str) -> str:
    """What is left of a word when nothing in it can end a comment or a string of C++.

    A model file is a stranger's, and says its metals in words.
    """
    return re.sub(r"[^A-Za-z0-9.+-]", "", text)[:40]
