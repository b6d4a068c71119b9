"""What proves a consent when GRDF asks."""
