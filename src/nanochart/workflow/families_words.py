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
# Said of more and of less of a quantity, where it is not the description with "more" and "fewer".
_MEASURES = {
    "axis_offset": ("a five-fold axis off the centre", "a five-fold axis near the centre"),
    "hcp_orientations": ("hcp planes of more orientations", "hcp planes of fewer orientations"),
    "hcp_island_atoms": ("larger hcp islands", "smaller hcp islands"),
    "fcc_fraction": ("more fcc atoms inside", "fewer fcc atoms inside"),
    "hcp_fraction": ("more hcp atoms inside", "fewer hcp atoms inside"),
    "disordered_fraction": ("more disordered atoms inside", "fewer disordered atoms inside"),
    "gyration_radius": ("a larger radius of gyration", "a smaller radius of gyration"),
    "asphericity": ("a less spherical shape", "a more spherical shape"),
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
            plain = (f"more {about.description}", f"fewer {about.description}")
            measure[name] = _MEASURES.get(name, plain)
    return Words(_MOTIFS, count, measure)
