"""The log on disk: one writer that commits in groups, and readers beside it."""
