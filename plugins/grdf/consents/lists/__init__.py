"""GRDF's lists of rights: what they say of the rights of accounts, and where they contradict a refusal."""
