"""Rights without a code of Client Connect: declared, accepted, imported, adopted, proved."""
