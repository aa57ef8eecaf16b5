"""Writes what follows from the code or from other files: CRD, pages, schemas, dashboard, parts of the chart."""
