"""Kubernetes objects as plain, frozen values: the only place where their raw dictionaries are read."""
