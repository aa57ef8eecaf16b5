"""Helm 3 and Helm 4, by which users install the chart, and which are two of the writers of the matrix."""
