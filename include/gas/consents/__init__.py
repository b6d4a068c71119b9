"""Consents: which meters a household has opened to us, for which days, and what GRDF has recorded."""
