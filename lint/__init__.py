"""Rules about this repository's files that no tool has. ``./grdf check`` runs them: ``python -m lint``."""

from lint import installation, pages, sources

RULES = (*sources.RULES, *pages.RULES, *installation.RULES)
