"""Many households at once: a file of households to declare, and rights at GRDF that have no account yet."""
