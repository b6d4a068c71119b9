"""What proves, when GRDF asks, that a household agreed."""
