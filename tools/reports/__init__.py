"""The kinds of reports as their projects publish them: their definitions, and their types in Go."""
