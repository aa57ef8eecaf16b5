"""Faults between the operator and the API server: requests that fail, and a network path that does."""
