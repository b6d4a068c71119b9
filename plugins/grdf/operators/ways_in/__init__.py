"""Rights that come in without a code of Client Connect: declared, accepted, imported, adopted, and proved."""
