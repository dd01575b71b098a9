"""Descriptors: functions of all atoms that neither rotation nor renumbering changes."""

from nanochart.descriptors._cna import ATOM_TYPES, atom_types, bond_signatures, bonding_cutoff
from nanochart.descriptors._rdf import RDF

__all__ = ["ATOM_TYPES", "RDF", "atom_types", "bond_signatures", "bonding_cutoff"]
