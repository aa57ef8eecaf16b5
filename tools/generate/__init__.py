"""Writes the files that follow from the code or from other files: the CRD, pages, schemas, and parts of the chart."""
