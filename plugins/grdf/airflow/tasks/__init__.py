"""What our tasks have in common: the run that they belong to, their arguments, limits and waits."""
