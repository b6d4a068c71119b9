"""Accounts and meters as people see them."""
