"""A meter's rights: to which account each belongs, and which days it covers."""
