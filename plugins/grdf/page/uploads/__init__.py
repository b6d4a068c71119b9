"""Files that operators send: households to import, and proofs of consent."""
