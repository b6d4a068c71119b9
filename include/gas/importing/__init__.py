"""Many households at once: a file of declarations, and the adoption of unclaimed rights."""
