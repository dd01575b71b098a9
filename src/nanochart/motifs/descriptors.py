"""The defect descriptors: what each number per structure is, and how to speak of it."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DESCRIPTORS", "Descriptor"]


@dataclass(frozen=True)
class Descriptor:
    """A number that describes the defects of a structure: its ``unit`` and its ``description``.

    ``phrase`` is what structures with one of it have, ``plural`` with several; both empty for
    quantities that are not counted.
    """

    unit: str
    description: str
    phrase: str = ""
    plural: str = ""


#: Name -> `Descriptor` of every defect descriptor.
DESCRIPTORS: Mapping[str, Descriptor] = {
    "fivefold_axes": Descriptor("1", "five-fold axes", "a five-fold axis", "{} five-fold axes"),
    "axis_offset": Descriptor(
        "Å", "distance of the five-fold axis with most atoms from the centre of mass"
    ),
    "hcp_planes": Descriptor(
        "1", "close-packed planes of two or more hcp atoms", "one hcp plane", "{} hcp planes"
    ),
    "hcp_orientations": Descriptor("1", "orientations of these planes: 1 if all are parallel"),
    "hcp_islands": Descriptor(
        "1",
        "in structures with an axis, groups of hcp atoms off the planes through it",
        "one hcp island",
        "{} hcp islands",
    ),
    "hcp_island_atoms": Descriptor("1", "hcp atoms in these islands"),
    "vertex_vacancies": Descriptor(
        "1", "empty sites with six neighbours", "a vertex vacancy", "{} vertex vacancies"
    ),
    "surface_vacancies": Descriptor(
        "1",
        "empty sites with seven neighbours or more",
        "a vacancy in an edge or a facet",
        "{} vacancies in edges or facets",
    ),
    "adatoms": Descriptor("1", "atoms with four neighbours or fewer", "an adatom", "{} adatoms"),
    "rosettes": Descriptor(
        "1", "vertices of an icosahedron that opened into a ring of six", "a rosette", "{} rosettes"
    ),
    "groove_atoms": Descriptor(
        "1",
        "surface atoms with ten neighbours, at the bottom of re-entrant grooves",
        "one atom at the bottom of a groove",
        "{} atoms at the bottom of grooves",
    ),
    "surface_cn5": Descriptor("1", "surface atoms with five neighbours or fewer"),
    "surface_cn6": Descriptor("1", "surface atoms with six neighbours"),
    "surface_cn7": Descriptor("1", "surface atoms with seven neighbours"),
    "surface_cn8": Descriptor("1", "surface atoms with eight neighbours"),
    "surface_cn9": Descriptor("1", "surface atoms with nine neighbours"),
    "fcc_fraction": Descriptor("1", "fcc atoms among the interior ones"),
    "hcp_fraction": Descriptor("1", "hcp atoms among the interior ones"),
    "disordered_fraction": Descriptor("1", "interior atoms without a lattice's neighbourhood"),
    "gyration_radius": Descriptor("Å", "radius of gyration"),
    "asphericity": Descriptor("1", "relative shape anisotropy, 0 for a sphere and 1 for a rod"),
}
