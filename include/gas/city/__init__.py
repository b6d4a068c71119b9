"""Figures about groups of households that a city may publish."""
