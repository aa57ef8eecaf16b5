"""Preparing a release: one version in all files, and notes from the changelog."""
