"""Descriptors: functions of all atoms that neither rotation nor renumbering changes."""

from nanochart.descriptors._rdf import RDF

__all__ = ["RDF"]
