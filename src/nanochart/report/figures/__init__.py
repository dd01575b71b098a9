"""Figures: what a picture shows."""
