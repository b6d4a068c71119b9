"""What GRDF knows of meters and of their days, invented or real, and the text in which it says so."""
