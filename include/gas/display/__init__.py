"""What people are shown of accounts and meters."""
