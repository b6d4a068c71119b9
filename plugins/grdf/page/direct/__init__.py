"""The direct way on the page: the form, what GRDF says to it, what comes of it, and the record of the consent."""
