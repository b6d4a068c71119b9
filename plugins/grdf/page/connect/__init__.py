"""Connecting a household: who opened the page, for which account, and the links for households."""
