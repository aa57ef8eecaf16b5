"""Writes the files that follow from the code: the CustomResourceDefinition and the pages of the expectations."""
