"""What of the Helm chart follows from other files: its copies of manifests, the schema of its values and their table."""
