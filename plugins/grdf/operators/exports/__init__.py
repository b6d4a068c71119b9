"""What leaves for others: figures of groups, the lake, a household's copy."""
