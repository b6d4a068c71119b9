"""One account: its view and its figures."""
