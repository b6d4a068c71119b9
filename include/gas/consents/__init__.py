"""Consents: which meters a household opened to us, for which days, and GRDF's record of them."""
