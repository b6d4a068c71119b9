"""Proofs of consent for GRDF: the record as a PDF, an operator's own files, and sending them."""
