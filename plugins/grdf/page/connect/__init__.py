"""Connecting a household: who opened the page, both ways in, and progress."""
