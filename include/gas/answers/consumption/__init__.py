"""What GRDF says of a consumption: the lines of gas days and of billing periods, sorted into facts and problems."""
