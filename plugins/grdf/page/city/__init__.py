"""The figures about groups of households."""
