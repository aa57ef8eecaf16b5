"""Pages of the documentation into which programs write."""
