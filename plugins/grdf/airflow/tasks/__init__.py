"""What our tasks share: their run, arguments, limits and waits."""
