"""Pictures of what the command writes, for the documentation."""
