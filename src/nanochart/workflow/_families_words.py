"""How family cards say motifs and defects."""

from collections.abc import Iterable

from nanochart.landscape import Words
from nanochart.motifs import DESCRIPTORS

__all__ = ["family_words"]

_MOTIFS = {
    "dh": "decahedra",
    "ih": "icosahedra",
    "fcc": "fcc structures",
    "twin": "twins",
    "mix": "mixed structures",
    "amorphous": "amorphous structures",
}
# Where the description of a quantity does not go well with "more" or "less".
_MEASURES = {
    "axis_offset": "distance of the five-fold axis from the centre",
    "hcp_orientations": "orientations of hcp planes",
    "hcp_island_atoms": "atoms in hcp islands",
    "fcc_fraction": "fcc atoms inside",
    "hcp_fraction": "hcp atoms inside",
    "disordered_fraction": "disordered atoms inside",
    "gyration_radius": "extension",
    "asphericity": "departure from a sphere",
}


def family_words(descriptors: Iterable[str]) -> Words:
    """Words for the motifs and for the descriptors that a run holds."""
    count, measure = {}, {}
    for name in descriptors:
        if name not in DESCRIPTORS:
            continue
        about = DESCRIPTORS[name]
        if about.phrase:
            count[name] = (about.phrase, about.plural)
        else:
            measure[name] = _MEASURES.get(name, about.description)
    return Words(_MOTIFS, count, measure)
