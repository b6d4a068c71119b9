"""Published billing periods beside or in place of gas days."""
