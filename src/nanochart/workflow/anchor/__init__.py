"""Anchored free energies: which minima, their ladders, and what follows."""
