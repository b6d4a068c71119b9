"""Connecting a household: who opened the page, the forms of both ways in, and the page that follows."""
