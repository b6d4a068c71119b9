"""A household leaves: the mark on its account, what its deletion takes away, and the record that stays."""
