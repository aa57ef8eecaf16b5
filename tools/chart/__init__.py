"""The files of the Helm chart that follow from others: copies of manifests, and schema and table of its values."""
