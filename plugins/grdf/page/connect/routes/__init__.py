"""The routes by which a household connects: an operator's, a household's own, and GRDF's way back."""
