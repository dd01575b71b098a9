"""How family cards say motifs and defects."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from nanochart.landscape import Words

__all__ = ["family_words"]

_MOTIFS = {
    "dh": "decahedra",
    "ih": "icosahedra",
    "fcc": "fcc structures",
    "twin": "twins",
    "mix": "mixed structures",
    "amorphous": "amorphous structures",
}


def family_words(descriptors: Iterable[str]) -> Words:
    """Words for the motifs and for the descriptors that a run holds."""
    try:
        known: Any = import_module("nanochart.motifs").DESCRIPTORS
    except ImportError:
        known = {}
    count, measure = {}, {}
    for name in descriptors:
        phrase = getattr(known.get(name), "phrase", None)
        if isinstance(phrase, tuple) and len(phrase) == 2:
            count[name] = (str(phrase[0]), str(phrase[1]))
        elif phrase:
            measure[name] = str(phrase)
    return Words(_MOTIFS, count, measure)
