"""The ways in: the forms, GRDF's site and back, the page that follows, and the records of consent."""
