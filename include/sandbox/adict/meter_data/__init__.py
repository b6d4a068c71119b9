"""What GRDF knows of meters and their days, and the text of it."""
