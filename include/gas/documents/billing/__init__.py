"""Billing periods that GRDF published, and what they tell beside or instead of gas days."""
